"""The photos of a study: read, checked and embedded in the same order for every recipe.

Law: everything that can be wrong with the photos is found before the first is embedded; all
recipes train on the photos that every one of them can use; a test photo without an embedding stays
and is wrong for every run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from mien.backbone.embed import Embedded
from mien.dataset.folder import require_enough, without
from mien.digest import digest_json
from mien.errors import DatasetError
from mien.head.recipe import Recipe
from mien.records import Dataset, Progress, Reject, Say, say_nothing
from mien.studies.jobs import Embeddings, Look, Material, look_of
from mien.workflows.embedder import Embedder, embedder_for, require_usable
from mien.workflows.exam_photos import look_for_leaks, read_both
from mien.workflows.frozen import Splits
from mien.workflows.measuring import gleaner
from mien.workflows.together import clusters_of, people_of, require_units, units_of
from mien.workflows.train import class_numbers

# Every fold, and every fold within a fold, must leave two photos of each class to train on.
_LEAST_IN_FOLDS, _LEAST_NESTED = 4, 8


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The photos as they lie on the disk."""

    train: Dataset
    test: Dataset | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """The photos as every cell can use them, and their embeddings."""

    train: Dataset
    test: Dataset | None
    material: Material
    n_embedded: int
    rejects: tuple[Reject, ...]


def embedders_of(recipes: Sequence[Recipe]) -> dict[Look, Embedder]:
    """Load what recipes name, once a look, with mirror images where any of them needs those.

    Raises:
        UserError: A backbone or detector is unknown or not on this machine.
    """
    mirrored = {look_of(one) for one in recipes if one.average_mirror or one.mirror_photos}
    return {
        look_of(one): embedder_for(dataclasses.replace(one, mirror_photos=look_of(one) in mirrored))
        for one in recipes
    }


def read_photos(
    photos: Path | str,
    test: Path | str | None,
    groups_from_name: str | None,
    progress: Progress,
    *,
    splits: Splits = None,
    embedder: Embedder,
    least: int,
    allow_leak: bool,
    say: Say = say_nothing,
) -> Asked:
    """Read training and test photos and refuse what no study can use.

    The folder's own table of splits keeps its frozen photos out of the study; they are scored on
    only where the table is given by name, since whoever chooses by them has spent them.

    Raises:
        DatasetError: A class has fewer than `least` photos, the test folder has a class of its
            own or too few photos, or shares photos with the training folder.
    """
    train, exam_photos = read_both(
        Path(photos), test=test, splits=splits, groups_from_name=groups_from_name,
        allow_leak=allow_leak, progress=progress, say=say,
    )  # fmt: skip
    require_enough(train, minimum=least)
    if exam_photos is not None and test is None and splits is None:
        say("The frozen ones are left alone: whatever chooses among recipes must not look at them.")
        exam_photos = None
    if exam_photos is None:
        return Asked(train=train, test=None)
    told = exam_photos.dataset
    if len(told.photos) < 2:
        raise DatasetError(
            f"test folder '{told.root}' has {len(told.photos)} photos, at least 2 are needed",
            "Recipes cannot be compared on fewer.",
        )
    if not allow_leak:
        look_for_leaks(
            train, exam_photos, embedder=embedder, allow=False, progress=progress, say=say
        )
    return Asked(train=train, test=dataclasses.replace(told, classes=train.classes))


def least_photos(*, folds: int, tested: bool, nested: bool) -> int:
    """Photos that each class needs."""
    if nested:
        return max(folds, _LEAST_NESTED)
    return 2 if tested else max(folds, _LEAST_IN_FOLDS)


def see(
    asked: Asked,
    embedders: Mapping[Look, Embedder],
    *,
    least: int,
    folds: int,
    progress: Progress,
    say: Say,
) -> Seen:
    """Embed all photos for every look; train on those that all looks can use."""
    train, test = asked.train, asked.test
    # Folds within folds need a third unit.
    least_units = max(folds, 3) if test is None else 0
    require_units(train, units=people_of(train), minimum=least_units)
    first = next(iter(embedders)) if least_units else None  # by which `_units` tells copies
    of_train = {
        k: e.embed_dataset(
            train, glean=gleaner(e) if k == first else None, progress=progress, say=say
        )[1]
        for k, e in embedders.items()
    }
    of_test = (
        {k: e.embed_dataset(test, progress=progress, say=say)[1] for k, e in embedders.items()}
        if test is not None
        else {}
    )
    found = [*of_train.values(), *of_test.values()]
    train = without(train, {r.path: r for one in of_train.values() for r in one.rejects}.values())
    require_usable(train, minimum=least)
    looks = {look: _rows(of_train[look], train, of_test.get(look), test) for look in embedders}
    unseen = {r.path: r for one in of_test.values() for r in one.rejects}.values()
    units = _units(train, embedders, least=least_units, progress=progress, say=say)
    return Seen(
        train=train,
        test=test,
        material=Material(
            looks=looks,
            y=class_numbers(train),
            n_classes=len(train.classes),
            folds=folds,
            units=units,
        ),
        n_embedded=sum(one.n_embedded for one in found),
        rejects=(*train.rejects, *(() if test is None else test.rejects), *unseen),
    )


def scored_clusters(seen: Seen) -> list[str] | None:
    """Which of the photos that runs are scored on are no evidence of their own; None where all."""
    if seen.test is not None:
        return clusters_of(people_of(seen.test))
    return None if seen.material.units is None else clusters_of(seen.material.units)


def _units(
    train: Dataset,
    embedders: Mapping[Look, Embedder],
    *,
    least: int,
    progress: Progress,
    say: Say,
) -> Int[np.ndarray, " n"]:
    """What stays together; near copies are looked for where a score depends on folds."""
    if not least:
        return people_of(train)
    units = units_of(train, embedder=next(iter(embedders.values())), progress=progress, say=say)
    require_units(train, units=units, minimum=least)
    return units


def _rows(
    of_train: Embedded, train: Dataset, of_test: Embedded | None, test: Dataset | None
) -> Embeddings:
    """Embeddings in the order of the datasets' photos, NaN for a test photo without."""
    if of_test is None or test is None:
        told, told_mirrored = None, None
    else:
        told = _ordered(of_test.values, of_test, test)
        told_mirrored = _ordered_or_none(of_test.mirrored, of_test, test)
    return Embeddings(
        train=_ordered(of_train.values, of_train, train),
        train_mirrored=_ordered_or_none(of_train.mirrored, of_train, train),
        test=told,
        test_mirrored=told_mirrored,
    )


def _ordered(
    values: Float32[np.ndarray, "m d"], embedded: Embedded, dataset: Dataset
) -> Float32[np.ndarray, "n d"]:
    row = {photo.name: number for number, photo in enumerate(embedded.photos)}
    rows = np.full((len(dataset.photos), values.shape[1]), np.nan, np.float32)
    for number, photo in enumerate(dataset.photos):
        if photo.name in row:
            rows[number] = values[row[photo.name]]
    return rows


def _ordered_or_none(
    values: Float32[np.ndarray, "m d"] | None, embedded: Embedded, dataset: Dataset
) -> Float32[np.ndarray, "n d"] | None:
    return None if values is None else _ordered(values, embedded, dataset)


def digest_of(seen: Seen, embedders: Mapping[Look, Embedder], *, folds: int) -> str:
    """What a run's figures depend on besides its recipe and seed."""
    test = None if seen.test is None else [(p.sha256, p.label) for p in seen.test.photos]
    return digest_json(
        {
            "train": [(photo.sha256, photo.label) for photo in seen.train.photos],
            "classes": seen.train.classes,
            "test": test,
            "folds": folds if test is None else None,
            "units": seen.material.units.tolist() if seen.material.units is not None else None,
            "backbones": sorted({(e.backbone.name, e.backbone.sha256) for e in embedders.values()}),
        }
    )
