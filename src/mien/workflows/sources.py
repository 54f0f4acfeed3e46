"""`mien sources`: where each photo is from, under which licence, and the credits to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.collecting.inventory import current_sources, held_photos
from mien.collecting.ledger import SourceLine, credits_text, read_sources, read_tombstones
from mien.errors import DatasetError
from mien.workflows import runs


@dataclass(frozen=True, kw_only=True)
class SourcesRecord:
    """What `mien sources --json` prints.

    Attributes:
        photos: The ledger's lines of photos that are there.
        by_source: Photos a source.
        by_licence: Photos a licence; ``"none stated"`` among them.
        unknown: Names of photos that no line says anything of.
        changed: Names of photos whose bytes are no longer those of the ledger.
        n_forgotten: How many photos were forgotten.
        credits: As people print them.
    """

    photos: tuple[SourceLine, ...]
    by_source: Mapping[str, int]
    by_licence: Mapping[str, int]
    unknown: tuple[str, ...]
    changed: tuple[str, ...]
    n_forgotten: int
    credits: str


def sources(photos: Path | str) -> SourcesRecord:
    """Say where the photos of a dataset's folder are from.

    Args:
        photos: The folder, or a run folder: then what is said holds for what it was trained on.

    Raises:
        DatasetError: There is no such folder, or its ledger cannot be read.
    """
    folder = Path(photos)
    if not folder.is_dir():
        raise DatasetError(f"folder '{folder}' does not exist", "Give a folder of class folders.")
    if (folder / runs.RECORD).is_file():
        return _of_run(folder)
    photos_there = held_photos(folder)
    held = {photo.name: photo.sha256 for photo in photos_there}
    lines = tuple(current_sources(folder, photos_there))
    known = {line.path for line in lines}
    return _record(
        lines,
        unknown=tuple(sorted(set(held) - known)),
        changed=tuple(line.path for line in lines if held[line.path] != line.sha256),
        n_forgotten=len(read_tombstones(folder)),
    )


def _of_run(folder: Path) -> SourcesRecord:
    return _record(tuple(read_sources(folder)), unknown=(), changed=(), n_forgotten=0)


def _record(
    lines: tuple[SourceLine, ...],
    *,
    unknown: tuple[str, ...],
    changed: tuple[str, ...],
    n_forgotten: int,
) -> SourcesRecord:
    return SourcesRecord(
        photos=lines,
        by_source=dict(Counter(line.source for line in lines).most_common()),
        by_licence=dict(Counter(line.licence or "none stated" for line in lines).most_common()),
        unknown=unknown,
        changed=changed,
        n_forgotten=n_forgotten,
        credits=credits_text(lines),
    )
