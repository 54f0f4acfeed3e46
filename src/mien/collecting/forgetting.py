"""Forgetting a photo, a person or a source: everything of it goes but a tombstone of digests.

What goes: the photo (inbox included), its lines in `sources.csv`, `groups.csv`, the journal and any
other table of the folder, and the whole cache, because thumbnails and embeddings in it cannot be
told apart from outside; they are computed again when next needed. What stays is `forgotten.csv`.
Runs and models keep the digests of what they were trained on: that is how they are known to be
tainted. Knows nothing of model files: whoever calls passes their fingerprints in.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien.collecting import ledger
from mien.collecting.inventory import HeldPhoto, current_sources, held_photos
from mien.collecting.journal import rewrite_journal
from mien.collecting.ledger import SourceLine, Tombstone
from mien.digest import digest_text
from mien.errors import DatasetError
from mien.files import write_text
from mien.places import user_cache, user_data

_TABLES: Final = (".csv", ".tsv")
_HOLDS_MORE: Final = 64 << 20  # a larger table is no table of photos


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was forgotten.

    Attributes:
        photos: Names that the photos had.
        tombstones: One a photo.
        tables: Tables of the folder from which lines were taken out.
        cache: Whether a cache was thrown away.
    """

    photos: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    tables: tuple[str, ...]
    cache: bool


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
    held_now = held_photos(folder)
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
    for held in photos:
        held.path.unlink(missing_ok=True)
    rewrite_journal(folder, lambda line: not {line.sha256, line.fetched_sha256} & (digests - {""}))
    tables = _clear_tables(folder, names=names, digests=digests)
    return Erased(
        photos=tuple(sorted(names)),
        tombstones=tuple(stones),
        tables=tables,
        cache=_throw_cache_away(folder),
    )


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
    return by_digest or [photo for photo in photos if photo.name == value.removeprefix("./")]


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


def _clear_tables(folder: Path, *, names: set[str], digests: set[str]) -> tuple[str, ...]:
    """Take every row out of the folder's tables that names a photo or holds its digest."""
    changed = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _TABLES or path.name == ledger.TOMBSTONES_NAME:
            continue
        if path.is_symlink() or path.stat().st_size > _HOLDS_MORE:
            continue
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
        delimiter = max((",", ";", "\t"), key=text.partition("\n")[0].count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        kept = [row for row in rows if not ({c.strip() for c in row} & (names | (digests - {""})))]
        if len(kept) != len(rows):
            out = io.StringIO()
            csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(kept)
            write_text(path, out.getvalue())
            changed.append(path.relative_to(folder).as_posix())
    return tuple(changed)


def _throw_cache_away(folder: Path) -> bool:
    beside = folder / ".mien"
    elsewhere = user_cache() / "photos" / digest_text(str(folder.resolve()))[:32]
    found = [place for place in (beside, elsewhere) if place.is_dir()]
    for place in found:
        shutil.rmtree(place)
    return bool(found)


def leftovers(folder: Path, *, digests: Iterable[str]) -> list[str]:
    """Files of a folder, tombstones apart, that still hold a digest: what forgetting did not reach.

    Looks at small text files only; the bytes of photos are judged by their digests.
    """
    wanted = [digest for digest in digests if digest]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.name == ledger.TOMBSTONES_NAME or not path.is_file() or path.is_symlink():
            continue
        if path.stat().st_size > _HOLDS_MORE:
            continue
        data = path.read_bytes()
        if any(digest.encode() in data for digest in wanted):
            found.append(path.relative_to(folder).as_posix())
    return found
