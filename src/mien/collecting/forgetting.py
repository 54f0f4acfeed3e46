"""Forgetting a photo, a person or a source: everything of it goes but a tombstone of digests.

What goes: the photo (from the inbox and the studio's trash too), its lines in `sources.csv`,
`groups.csv`, the journals and any other table of the folder, and the whole cache, because
thumbnails and embeddings in it cannot be told apart from outside. What stays is `forgotten.csv`.
Runs and models keep the digests of what they were trained on: that is how they are known to be
tainted. Knows nothing of model files: whoever calls passes their fingerprints in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mien.collecting import ledger
from mien.collecting.inventory import HeldPhoto, current_sources, held_photos
from mien.collecting.journal import read_journal, rewrite_journal
from mien.collecting.ledger import SourceLine, Tombstone
from mien.collecting.purging import Traces, clear_private, clear_tables
from mien.collecting.records import Line
from mien.collecting.trash import trashed_photos
from mien.errors import DatasetError
from mien.places import user_data


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was forgotten.

    Attributes:
        photos: Names that the photos had.
        tombstones: One a photo.
        tables: Tables of the folder from which lines were taken out.
        cache: Whether a cache was thrown away.
        traces: What tells the photos, for looking elsewhere.
    """

    photos: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    tables: tuple[str, ...]
    cache: bool
    traces: Traces


def forget(
    folder: Path,
    *,
    photo: str | None = None,
    person: str | None = None,
    source: str | None = None,
) -> Erased:
    """Forget photos of a dataset's folder.

    Args:
        folder: The dataset's folder.
        photo: SHA-256 of a photo or its first 8 digits and more, or its path in the folder.
        person: Value of the group ``person``.
        source: Name of a source, or the host of the addresses.

    Raises:
        DatasetError: Not exactly one of the three was given, or no photo is meant by it.
    """
    asked = {"photo": photo, "person": person, "source": source}
    given = [(key, value) for key, value in asked.items() if value]
    if len(given) != 1:
        raise DatasetError("say which photos to forget", "Give --photo, --person or --source.")
    key, value = given[0]
    there = held_photos(folder)
    held_now = [*there, *trashed_photos(folder)]
    lines = current_sources(folder, held_now)
    photos = _meant(held_now, lines, key=key, value=value)
    if not photos:
        raise DatasetError(f"no photo in '{folder}' has {key} '{value}'", "Nothing was changed.")
    stones = _tombstones(photos, lines)
    # Tombstones first: a kill after this line leaves photos that are known to be unwanted.
    ledger.add_tombstones(folder / ledger.TOMBSTONES_NAME, stones)
    ledger.add_tombstones(user_data() / ledger.TOMBSTONES_NAME, stones)
    digests = {digest for stone in stones for digest in (stone.sha256, stone.fetched_sha256)}
    names = {photo.name for photo in photos}
    # A name that a trashed photo had, unless another photo has it today.
    past = {photo.was for photo in photos} - {photo.name for photo in there}
    traces = Traces(names=names | past, digests=digests, person=person)
    for held in photos:
        held.path.unlink(missing_ok=True)
    _clear_journal(folder, traces)
    cache = clear_private(folder, traces)
    return Erased(
        photos=tuple(sorted(names)),
        tombstones=tuple(stones),
        tables=clear_tables(folder, traces),
        cache=cache,
        traces=traces,
    )


def _clear_journal(folder: Path, traces: Traces) -> None:
    """Take the photos' lines out, and their names out of the lines of refused copies.

    Those copies stay written down: asked for again, they would be copies of nothing any more, and
    what was forgotten would come back.
    """
    said = [line for line in read_journal(folder) if traces.are_named_by(line.detail)]
    named = {line.url for line in said}

    def is_clean(line: Line) -> bool:
        return line.url not in named and not {line.sha256, line.fetched_sha256} & traces.digests

    left = [
        replace(line, detail=f"{line.reason} of a photo that was forgotten")
        for line in said
        if not {line.sha256, line.fetched_sha256} & traces.digests
    ]
    rewrite_journal(folder, is_clean, add=left)


def forgotten_digests(folders: Iterable[Path] = ()) -> frozenset[str]:
    """Digests of all forgotten photos known on this machine and in some folders of photos."""
    files = [user_data() / ledger.TOMBSTONES_NAME]
    files += [folder / ledger.TOMBSTONES_NAME for folder in folders]
    stones = [stone for file in files for stone in ledger.read_tombstones(file)]
    return frozenset(stone.sha256 for stone in stones)


def tainted_by(fingerprints: Iterable[str], *, folders: Iterable[Path] = ()) -> tuple[str, ...]:
    """Which forgotten photos a model was trained on: their digests, sorted; empty is clean.

    Args:
        fingerprints: SHA-256 of the model's training photos, as stand in its file.
        folders: Folders of photos whose tombstones are asked too.
    """
    return tuple(sorted(forgotten_digests(folders).intersection(fingerprints)))


def _meant(
    photos: Sequence[HeldPhoto], lines: Sequence[SourceLine], *, key: str, value: str
) -> list[HeldPhoto]:
    if key == "person":
        return [photo for photo in photos if photo.groups.get("person") == value]
    if key == "source":
        from urllib.parse import urlsplit

        paths = {s.path for s in lines if value in (s.source, urlsplit(s.url).hostname, s.creator)}
        return [photo for photo in photos if photo.name in paths]
    digest = value.lower()
    by_digest = [p for p in photos if len(digest) >= 8 and p.sha256.startswith(digest)]
    name = value.removeprefix("./")
    by_name = [photo for photo in photos if photo.name == name]
    return by_digest or by_name or [photo for photo in photos if photo.was == name]


def _tombstones(photos: Sequence[HeldPhoto], lines: Sequence[SourceLine]) -> list[Tombstone]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    by_path: Mapping[str, SourceLine] = {line.path: line for line in lines}
    stones = []
    for photo in photos:
        line = by_path.get(photo.name)
        stones.append(
            Tombstone(
                sha256=photo.sha256,
                fetched_sha256=line.fetched_sha256 if line else photo.sha256,
                url_sha256=ledger.url_digest(line.url) if line else "",
                forgotten_at=now,
            )
        )
    return stones
