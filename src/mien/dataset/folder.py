"""A folder of class folders, as Teachable Machine users have it, read into a `Dataset`.

::

    photos/
      happy/  a.jpg  b.png …       the folder's name is the label; folders inside it are allowed
      sad/    c.jpg …
      groups.csv                   perhaps: path,person,skin,…
      classes.txt                  perhaps: one class a line, in the order that models should use

The sibling `walk` says which files count, `groups` reads the table. Nothing here decodes pixels:
a file with a picture's magic number is a photo until decoding says otherwise, and `without` then
takes it out.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from mien.dataset.groups import Grouping
from mien.dataset.walk import (
    Candidate,
    fingerprint,
    is_ignored,
    one_per_name,
    printable,
    refuse_entry,
    walk,
)
from mien.errors import DatasetError
from mien.files import nfc
from mien.image.decode import explain_os_error
from mien.records import Dataset, Photo, Progress, Reject, no_progress

CLASSES_NAME: Final = "classes.txt"
# Beside the class folders lie tables and notes: groups.csv, splits.csv, README.md, sources.json …
_NOTES: Final = frozenset({".csv", ".json", ".jsonl", ".md", ".txt", ".html", ".yaml", ".yml"})
# Tables that mien itself keeps in a folder of photos: nothing to predict on, nothing to report.
_OURS: Final = frozenset({"groups.csv", "classes.txt", "splits.csv", "sources.csv", "exams.csv"})
_SPLITS: Final = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
)
_SHAPE: Final = "Give a folder that holds one folder for each class, such as photos/happy/1.jpg."


def read_dataset(
    root: Path,
    *,
    groups_from_name: str | None = None,
    min_classes: int = 2,
    keep_contradictions: bool = False,
    progress: Progress = no_progress,
) -> Dataset:
    """Read a folder of class folders.

    Args:
        root: The folder. Names of its folders, in NFC, are the labels, in alphabetical order or in
            that of `classes.txt`.
        groups_from_name: A regular expression whose named groups become group columns, found
            anywhere in a file's name (NFC). Columns of `groups.csv` go before.
        min_classes: Fewer class folders are an error; 1 suits photos to be tested.
        keep_contradictions: Tell what `groups.csv` contradicts in `Dataset.stated` instead of
            stopping: an audit wants to know all of it.
        progress: Told as stage ``"reading photos"``.

    Returns:
        Its photos sorted by name, and every file that is none as a reject with its reason. Lines
        of `groups.csv` whose file is missing are rejects too.

    Raises:
        DatasetError: The folder is not there, has no such shape, or its tables contradict it.
    """
    grouping = Grouping.read(root, pattern=groups_from_name)
    folders, rejects = _class_folders(root)
    classes = _order_classes(root, folders)
    _refuse_odd_shape(root, folders, min_classes)
    within = root.resolve()
    found = [
        entry
        for label, paths in folders.items()
        for path in paths
        for entry in walk(path, prefix=f"{label}/", root=within)
    ]
    entries, bad = fingerprint(found, progress=progress)
    entries, doubles = one_per_name(entries)
    rejects = [*rejects, *bad, *doubles]
    rejects += grouping.missing({c.name for c, _ in entries} | {r.path for r in rejects})
    names = [candidate.name for candidate, _ in entries]
    stated = grouping.contradictions(names)
    if stated and not keep_contradictions:
        grouping.refuse_contradiction(names)
    photos = [_photo(candidate, sha256, grouping) for candidate, sha256 in entries]
    grouping.refuse_idle_pattern(names)
    return Dataset(
        root=root,
        classes=classes,
        photos=tuple(sorted(photos, key=lambda photo: photo.name)),
        group_columns=grouping.columns,
        rejects=tuple(sorted(rejects, key=lambda reject: reject.path)),
        stated=stated if keep_contradictions else {},
    )


def read_photos(
    paths: Sequence[Path], *, progress: Progress = no_progress
) -> tuple[list[Photo], list[Reject]]:
    """Find the photos that a user names, files or whole folders, to predict on.

    A file that is named itself is taken wherever it lies and whatever it is called; below a folder
    the rules of a dataset hold. Photos have no label; their names are their paths as given.

    Args:
        paths: In the order of the answer; a photo that is named twice stands once.
        progress: Told as stage ``"reading photos"``.

    Returns:
        The photos, and what was named or found and is none.
    """
    found: dict[Path, Candidate | Reject] = {}
    for path in paths:
        name = printable(str(path))
        if not path.exists():
            found.setdefault(path, Reject(path=name, reason="does not exist"))
        elif path.is_dir():
            for entry in walk(path, prefix=f"{name}/", root=path.resolve()):
                if Path(entry.name if isinstance(entry, Candidate) else entry.path).name in _OURS:
                    continue
                key = entry.path if isinstance(entry, Candidate) else Path(entry.path)
                found.setdefault(key, entry)
        else:
            found.setdefault(path, Candidate(path=path, name=name))
    entries, rejects = fingerprint(found.values(), progress=progress)
    photos = [Photo(path=c.path, name=c.name, sha256=sha256) for c, sha256 in entries]
    return photos, rejects


def require_enough(dataset: Dataset, *, minimum: int) -> None:
    """Stop where a class has too few photos left to go on.

    Raises:
        DatasetError: One error that names every such class with its count.

    Example:
        >>> require_enough(Dataset(root=Path("photos"), classes=("a",), photos=()), minimum=2)
        Traceback (most recent call last):
        ...
        mien.errors.DatasetError: class 'a' has 0 usable photos, at least 2 are needed · Add photos.
    """
    counts = Counter(photo.label for photo in dataset.photos)
    short = [(label, counts[label]) for label in dataset.classes if counts[label] < minimum]
    if not short:
        return
    named = ", ".join(f"class '{label}' has {n}" for label, n in short)
    hint = "Add photos."
    if dataset.rejects:
        first = dataset.rejects[0]
        hint += f" {len(dataset.rejects)} files were left out; '{first.path}' {first.reason}."
    raise DatasetError(f"{named} usable photos, at least {minimum} are needed", hint)


def without(dataset: Dataset, rejects: Iterable[Reject]) -> Dataset:
    """The dataset without the photos that turned out to be unusable, named among its rejects.

    Args:
        dataset: As read.
        rejects: Their paths are photos' names.
    """
    added = tuple(rejects)
    names = {reject.path for reject in added}
    return replace(
        dataset,
        photos=tuple(photo for photo in dataset.photos if photo.name not in names),
        rejects=tuple(sorted({*dataset.rejects, *added}, key=lambda reject: reject.path)),
    )


def _class_folders(root: Path) -> tuple[Mapping[str, list[Path]], list[Reject]]:
    if not root.exists():
        raise DatasetError(f"folder '{root}' does not exist", _SHAPE)
    if not root.is_dir():
        raise DatasetError(f"'{root}' is a file, a folder of class folders is expected", _SHAPE)
    within = root.resolve()
    folders: dict[str, list[Path]] = {}
    rejects: list[Reject] = []
    try:
        with os.scandir(root) as entries:
            ordered = sorted(entries, key=lambda entry: (printable(entry.name), entry.name))
    except OSError as error:
        raise DatasetError(f"folder '{root}' {explain_os_error(error)}", "") from error
    for entry in ordered:
        if is_ignored(entry.name):
            continue
        name = printable(entry.name)
        reason = refuse_entry(entry, root=within)
        if reason is None and entry.is_dir(follow_symlinks=False):
            _refuse_label(name, root)
            folders.setdefault(name, []).append(Path(entry.path))
        elif Path(entry.name).suffix.lower() not in _NOTES:
            rejects.append(Reject(path=name, reason=reason or "lies outside the class folders"))
    return folders, rejects


def _refuse_label(label: str, root: Path) -> None:
    if any(unicodedata.category(letter) == "Cc" for letter in label) or label != label.strip():
        raise DatasetError(
            f"class folder {label!r} in '{root}' has a space at an end or a control character",
            "Rename the folder.",
        )


def _order_classes(root: Path, folders: Mapping[str, object]) -> tuple[str, ...]:
    path = root / CLASSES_NAME
    if not path.is_file():
        return tuple(sorted(folders))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read '{path}' as UTF-8 text", "Save it as UTF-8.") from error
    listed = [nfc(line.strip()) for line in lines if line.strip()]
    if sorted(listed) != sorted(folders):
        odd = sorted(set(listed) ^ set(folders)) or sorted(
            label for label, n in Counter(listed).items() if n > 1
        )
        raise DatasetError(
            f"'{path}' and the class folders do not agree on '{odd[0]}'",
            "Name each class folder once, one a line.",
        )
    return tuple(listed)


def _refuse_odd_shape(root: Path, folders: Mapping[str, Sequence[Path]], min_classes: int) -> None:
    if not folders:
        raise DatasetError(f"folder '{root}' holds no class folders", _SHAPE)
    inside = [path for paths in folders.values() for path in paths if _has_folders_only(path)]
    parts = [path for path in inside if path.name.casefold() in _SPLITS]
    if parts:
        raise DatasetError(
            f"the folders in '{root}' are {', '.join(folders)}: parts of a split, not classes",
            f"Give one of them, such as '{parts[0]}'.",
        )
    if len(folders) < min_classes:
        hint = f"Did you mean '{inside[0]}'?" if inside else _SHAPE
        raise DatasetError(
            f"folder '{root}' holds {len(folders)} class folder ('{next(iter(folders))}'), "
            f"at least {min_classes} are needed",
            hint,
        )


def _has_folders_only(folder: Path) -> bool:
    try:
        kinds = [path.is_dir() for path in folder.iterdir() if not is_ignored(path.name)]
    except OSError:
        return False
    return len(kinds) > 0 and all(kinds)


def _photo(candidate: Candidate, sha256: str, grouping: Grouping) -> Photo:
    label = candidate.name.partition("/")[0]
    return Photo(
        path=candidate.path,
        name=candidate.name,
        sha256=sha256,
        label=label,
        groups=grouping.of(candidate.name),
    )
