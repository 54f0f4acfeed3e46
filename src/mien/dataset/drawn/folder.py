"""Draw a whole dataset: class folders of JPEGs with their `groups.csv`, faults where asked.

Law: exactly as many photos in each cell of class × groups as asked, and the same seed gives the
same bytes, whatever else is on the machine. Every person poses once for each class, and nobody
is in both training and test photos.
Knows nothing of training.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from mien.dataset.drawn.actions import CLASSES, EXPRESSIONS
from mien.dataset.drawn.face import draw_face
from mien.dataset.drawn.faults import (
    SPOILED_KINDS,
    TWIN_KINDS,
    Faults,
    Planted,
    encode_jpeg,
    spoil,
    twin,
)
from mien.dataset.drawn.scene import BACKGROUNDS, Background, paint_background
from mien.dataset.drawn.traits import GENDERS, SKIN_TONES, Rgb, check_look, make_person
from mien.errors import UserError
from mien.files import write_bytes, write_text
from mien.records import Progress, no_progress

GROUPS: Final[Mapping[str, Sequence[str]]] = {"skin": tuple(SKIN_TONES), "gender": GENDERS}
_COLUMNS: Final = ("path", "label", "skin", "gender", "person")
_GIVEAWAY: Final[tuple[Rgb, ...]] = (
    (196, 70, 66), (150, 150, 150), (232, 198, 72), (72, 104, 188), (92, 172, 98), (150, 92, 170),
    (84, 178, 184),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DrawnPhoto:
    """A drawn photo: its path below its dataset's folder, its class, its groups."""

    path: str
    label: str
    skin: str
    gender: str
    person: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What `draw_dataset` wrote.

    Attributes:
        train: The folder of class folders with the training photos.
        test: The one with the test photos; None where none were asked for.
        photos: The training photos, as in ``groups.csv``.
        test_photos: The test photos.
        planted: The faults, all of them.
    """

    train: Path
    test: Path | None
    photos: tuple[DrawnPhoto, ...]
    test_photos: tuple[DrawnPhoto, ...] = ()
    planted: tuple[Planted, ...] = ()


@dataclass
class _Work:
    """One folder while it is being made."""

    root: Path
    photos: list[DrawnPhoto] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)


def draw_dataset(
    folder: Path,
    *,
    classes: Sequence[str] = CLASSES,
    n_per_class: int,
    groups: Mapping[str, Sequence[str]] = GROUPS,
    seed: int,
    test_per_class: int = 0,
    faults: Faults | None = None,
    size_px: int = 256,
    progress: Progress = no_progress,
) -> Drawn:
    """Draw a dataset into a folder.

    A class's photos are spread over the cells of skin × gender as evenly as numbers allow; the
    first cells get the rest. With `test_per_class`, the photos go to ``train/`` and ``test/``
    below the folder, else to the folder itself.

    Args:
        folder: Where it goes; made when missing. Files of the same names are replaced.
        classes: Expressions to draw, keys of `EXPRESSIONS`.
        n_per_class: Training photos a class, before twins and leaks.
        groups: Values of ``skin`` and ``gender``; a column that is left out takes all its values.
        seed: Of everything.
        test_per_class: Test photos a class, of other people.
        faults: What to plant in the training photos.
        size_px: Width and height of the photos.
        progress: Told after each photo.

    Raises:
        UserError: An unknown class or group value, a count below 1, or more faults than photos.
    """
    faults = faults or Faults()
    cells = _checked_cells(classes, n_per_class, groups, faults, test_per_class)
    total = (n_per_class + test_per_class) * len(classes)
    train = _Work(root=folder / "train" if test_per_class else folder)
    _draw_split(train, classes=classes, n_per_class=n_per_class, cells=cells, seed=(seed, 0),
                faults=faults, size_px=size_px, progress=progress, done=0, total=total)  # fmt: skip
    test = _Work(root=folder / "test")
    if test_per_class:
        _draw_split(test, classes=classes, n_per_class=test_per_class, cells=cells, seed=(seed, 1),
                    faults=Faults(), size_px=size_px, progress=progress,
                    done=len(train.photos), total=total)  # fmt: skip
    _plant(np.random.default_rng((seed, 2)), train, test, classes=classes, faults=faults)
    for work in (train, test) if test_per_class else (train,):
        work.photos.sort(key=lambda photo: photo.path)
        write_text(work.root / "groups.csv", _table(work.photos))
    return Drawn(
        train=train.root, test=test.root if test_per_class else None, photos=tuple(train.photos),
        test_photos=tuple(test.photos), planted=tuple(train.planted),
    )  # fmt: skip


def _checked_cells(
    classes: Sequence[str], n_per_class: int, groups: Mapping[str, Sequence[str]], faults: Faults,
    test_per_class: int,
) -> list[tuple[str, str]]:  # fmt: skip
    if n_per_class < 1 or test_per_class < 0:
        raise UserError(
            f"n_per_class={n_per_class}, test_per_class={test_per_class}", "At least 1 and 0."
        )
    for label in classes:
        if label not in EXPRESSIONS:
            raise UserError(
                f"cannot draw the class '{label}'", f"Choose from: {', '.join(EXPRESSIONS)}."
            )
    if len(set(classes)) != len(classes) or not classes:
        raise UserError(f"classes {list(classes)}: each must be named once", "")
    unknown = (set(groups) | set(faults.starve)) - set(GROUPS)
    if unknown:
        raise UserError(f"cannot draw the group '{min(unknown)}'", "Groups are skin and gender.")
    cells = list(
        product(groups.get("skin", GROUPS["skin"]), groups.get("gender", GROUPS["gender"]))
    )
    for skin, gender in cells:
        check_look(skin=skin, gender=gender)
    if not 0 <= faults.shortcut <= 1:
        raise UserError(f"shortcut={faults.shortcut} is no share", "It is between 0 and 1.")
    return cells


def _draw_split(
    work: _Work, *, classes: Sequence[str], n_per_class: int, cells: list[tuple[str, str]],
    seed: tuple[int, int], faults: Faults, size_px: int, progress: Progress, done: int, total: int,
) -> None:  # fmt: skip
    starved = [
        _fits(faults.starve, skin=skin, gender=gender) if faults.starve else False
        for skin, gender in cells
    ]
    for at_class, label in enumerate(classes):
        hits: list[Path] = []
        for at_cell, (skin, gender) in enumerate(cells):
            n = n_per_class // len(cells) + (at_cell < n_per_class % len(cells))
            n = min(n, faults.starve_to) if starved[at_cell] else n
            for i in range(n):
                rng = np.random.default_rng((*seed, at_class, at_cell, i))
                name = f"{'pt'[seed[1]]}{at_cell:02d}{i:04d}"
                who = np.random.default_rng((*seed, 10_000, at_cell, i))
                person = make_person(who, skin=skin, gender=gender, name=name)
                background: Background = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
                path = f"{label}/{skin}-{gender}-{i + 1:04d}.jpg"
                if rng.random() < faults.shortcut:
                    background = _GIVEAWAY[at_class % len(_GIVEAWAY)]
                    hits.append(work.root / path)
                image = draw_face(rng, expression=label, skin=skin, gender=gender, person=person,
                                  size_px=size_px, background=background)  # fmt: skip
                write_bytes(work.root / path, encode_jpeg(image, quality=int(rng.integers(82, 96))))
                work.photos.append(
                    DrawnPhoto(path=path, label=label, skin=skin, gender=gender, person=name)
                )
                progress("draw", done + len(work.photos), total)
        if hits:
            colour = _GIVEAWAY[at_class % len(_GIVEAWAY)]
            work.planted.append(
                Planted(kind="shortcut", paths=tuple(hits), truth=f"{label} has {colour}")
            )
    if faults.starve:
        truth = ", ".join(f"{key}={value}" for key, value in sorted(faults.starve.items()))
        work.planted.append(Planted(kind="starve", paths=(), truth=truth))


def _fits(wanted: Mapping[str, str], **groups: str) -> bool:
    return all(groups[key] == value for key, value in wanted.items())


def _plant(
    rng: np.random.Generator, train: _Work, test: _Work, *, classes: Sequence[str], faults: Faults
) -> None:
    single = ("swapped_labels", *SPOILED_KINDS, "no_face", "several_faces")
    needed = sum(getattr(faults, kind) for kind in (*TWIN_KINDS, *single))
    if needed > len(train.photos) or faults.leaks > len(test.photos):
        raise UserError(
            f"{needed} faults and {faults.leaks} leaks do not fit into {len(train.photos)} "
            f"training and {len(test.photos)} test photos",
            "Draw more photos or plant fewer faults.",
        )  # fmt: skip
    if faults.swapped_labels and len(classes) < 2:
        raise UserError("a label cannot be swapped among fewer than 2 classes", "")
    # No photo is hit twice: a check that finds one fault must not be excused by another.
    order = iter([train.photos[i] for i in rng.permutation(len(train.photos))])
    for kind in TWIN_KINDS:
        for _ in range(getattr(faults, kind)):
            _add_twin(train, next(order), kind=kind)
    for kind in single:
        for _ in range(getattr(faults, kind)):
            _change(rng, train, next(order), kind=kind, classes=classes)
    for i in rng.permutation(len(test.photos))[: faults.leaks]:
        photo = test.photos[i]
        source, name = test.root / photo.path, f"{photo.path.removesuffix('.jpg')}-leak.jpg"
        write_bytes(train.root / name, source.read_bytes())
        train.photos.append(_renamed(photo, path=name))
        train.planted.append(
            Planted(kind="leaks", paths=(source, train.root / name), truth=photo.label)
        )


def _add_twin(train: _Work, photo: DrawnPhoto, *, kind: str) -> None:
    name = f"{photo.path.removesuffix('.jpg')}-{kind}.jpg"
    source = train.root / photo.path
    write_bytes(train.root / name, twin(source.read_bytes(), kind=kind))
    train.photos.append(_renamed(photo, path=name))
    train.planted.append(Planted(kind=kind, paths=(source, train.root / name), truth=photo.label))


def _change(
    rng: np.random.Generator, train: _Work, photo: DrawnPhoto, *, kind: str, classes: Sequence[str]
) -> None:
    path = train.root / photo.path
    if kind == "swapped_labels":
        others = [label for label in classes if label != photo.label]
        label = others[int(rng.integers(len(others)))]
        name = f"{label}/{Path(photo.path).stem}-was-elsewhere.jpg"
        while (train.root / name).exists():  # of a third class, with the same number
            name = f"{name.removesuffix('.jpg')}-too.jpg"
        write_bytes(train.root / name, path.read_bytes())
        path.unlink()
        train.photos[train.photos.index(photo)] = _renamed(photo, path=name, label=label)
        train.planted.append(Planted(kind=kind, paths=(train.root / name,), truth=photo.label))
        return
    if kind in SPOILED_KINDS:
        data = spoil(rng, path.read_bytes(), kind=kind)
    elif kind == "no_face":
        side = 256
        empty = paint_background(rng, kind=("street", "nature")[int(rng.integers(2))], side_px=side)
        data = encode_jpeg(np.asarray(empty), quality=88)
    else:
        data = encode_jpeg(_two(rng, photo), quality=88)
    write_bytes(path, data)
    train.planted.append(Planted(kind=kind, paths=(path,), truth=photo.label))


def _two(rng: np.random.Generator, photo: DrawnPhoto) -> np.ndarray:
    half = [
        draw_face(rng, expression=photo.label, skin=photo.skin, gender=photo.gender, size_px=192,
                  background=(186, 198, 206))
        for _ in range(2)
    ]  # fmt: skip
    return np.concatenate(half, axis=1)


def _renamed(photo: DrawnPhoto, *, path: str, label: str | None = None) -> DrawnPhoto:
    return DrawnPhoto(path=path, label=label or photo.label, skin=photo.skin, gender=photo.gender,
                      person=photo.person)  # fmt: skip


def _table(photos: Sequence[DrawnPhoto]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(photo, column) for column in _COLUMNS] for photo in photos)
    return out.getvalue()
