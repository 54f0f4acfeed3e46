"""What a dataset's folder holds already, class by group, the inbox included.

Reads `groups.csv`, `sources.csv` and the folders; decodes nothing. A photo in the inbox counts for
the cell it was collected for and is told apart as undecided: a person has the last word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mien.collecting.journal import INBOX
from mien.collecting.ledger import SourceLine, read_sources, split_groups
from mien.dataset.folder import read_dataset
from mien.dataset.walk import Candidate, fingerprint, is_ignored, walk
from mien.records import no_progress


@dataclass(frozen=True, kw_only=True)
class HeldPhoto:
    """A photo in the folder.

    Attributes:
        path: Where it lies.
        name: Relative to the dataset's folder.
        sha256: Of its bytes.
        label: Its class, or what it was collected for; None where that is not known.
        groups: Likewise.
        undecided: Whether it lies in the inbox.
        was: Its name before it went to the studio's trash; empty where it did not or is not told.
    """

    path: Path
    name: str
    sha256: str
    label: str | None
    groups: Mapping[str, str]
    undecided: bool
    was: str = ""


def held_photos(folder: Path) -> list[HeldPhoto]:
    """All photos in class folders and in the inbox, sorted by name."""
    return [*_decided(folder), *undecided_photos(folder)]


def undecided_photos(folder: Path) -> list[HeldPhoto]:
    """The photos in the inbox, sorted by name."""
    inbox = folder / INBOX
    if not inbox.is_dir():
        return []
    sources = {line.path: line for line in read_sources(folder)}
    found = (
        entry
        for entry in walk(inbox, prefix=f"{INBOX}/", root=inbox.resolve())
        if isinstance(entry, Candidate) and not entry.name.endswith((".jsonl", "/lock"))
    )
    photos = []
    for candidate, sha256 in fingerprint(found, progress=no_progress)[0]:
        line = sources.get(candidate.name)
        photos.append(
            HeldPhoto(
                path=candidate.path,
                name=candidate.name,
                sha256=sha256,
                label=(line.label or None) if line else None,
                groups=split_groups(line.groups) if line else {},
                undecided=True,
            )
        )
    return photos


def current_sources(folder: Path, held: Sequence[HeldPhoto]) -> list[SourceLine]:
    """The ledger's lines of photos that are there, each at the path where its photo lies now.

    Any tool may move photos between class folders: what a line says of a digest stays true. A
    photo whose bytes were changed keeps the line of its path.
    """
    by_name = {photo.name: photo for photo in held}
    by_sha256 = {photo.sha256: photo for photo in held}
    lines = []
    for line in read_sources(folder):
        photo = by_name.get(line.path) or by_sha256.get(line.sha256)
        if photo is None:
            continue
        if photo.name != line.path:
            state = "undecided" if photo.undecided else "kept"
            label = photo.label or line.label
            lines.append(replace(line, path=photo.name, label=label, state=state))
        else:
            lines.append(line)
    return lines


def count_cells(folder: Path) -> Counter[tuple[str, tuple[tuple[str, str], ...]]]:
    """How many photos there are of each class with each set of groups."""
    return Counter(
        (photo.label, tuple(sorted(photo.groups.items())))
        for photo in held_photos(folder)
        if photo.label is not None
    )


def _decided(folder: Path) -> list[HeldPhoto]:
    if not any(path.is_dir() and not is_ignored(path.name) for path in folder.glob("*")):
        return []
    return [
        HeldPhoto(
            path=photo.path,
            name=photo.name,
            sha256=photo.sha256,
            label=photo.label,
            groups=photo.groups,
            undecided=False,
        )
        for photo in read_dataset(folder, min_classes=1).photos
    ]
