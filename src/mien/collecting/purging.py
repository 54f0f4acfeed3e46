"""What the private folder `.mien` and the tables of a project hold of photos, taken out.

A cache and thumbnails are thrown away as a whole, for what in them is of a photo cannot be told
from outside; they are filled again when needed. What people made there (the trash with other
photos, the history of changes, decisions) is kept but for the photo's own part. Knows nothing of
who asks.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from mien.collecting.ledger import TOMBSTONES_NAME
from mien.digest import digest_bytes, digest_text
from mien.files import write_text
from mien.places import user_cache

PRIVATE: Final = ".mien"
_TABLES: Final = (".csv", ".tsv")
_DERIVED: Final = ("thumbnails",)
_CACHE: Final = "cache.sqlite"  # with its -wal and -shm
HOLDS_MORE: Final = 64 << 20  # a larger file is no table and no record of photos
_GONE: Final = object()


class Traces:
    """Tells whether bytes or text are, or speak of, photos.

    Args:
        names: Of the photos, as tables and records write them.
        digests: SHA-256 of their bytes.
        person: Whose photos all of them are; None where they are not one person's.
    """

    def __init__(
        self, *, names: Iterable[str], digests: Iterable[str], person: str | None = None
    ) -> None:
        self.person: Final = person
        self.digests: Final = frozenset(digests) - {""}
        self.names: Final = frozenset(names) - {""}
        written = {form for word in (*self.names, *self.digests) for form in _written(word)}
        # Whole names only: 'unhappy/1.jpg' is not 'happy/1.jpg'. A folder may stand before one.
        parts = b"|".join(re.escape(form) for form in sorted(written))
        self._words = re.compile(rb"(?<![\w.-])(?:" + parts + rb")(?![\w-])") if parts else None

    def are(self, data: bytes) -> bool:
        """Whether this is one of the photos."""
        return digest_bytes(data) in self.digests

    def are_named_in(self, data: bytes) -> bool:
        """Whether this names one of them, or holds its digest."""
        return self._words is not None and self._words.search(data) is not None

    def are_spoken_of_in(self, data: bytes) -> bool:
        """As `are_named_in`, or whose photos they are."""
        who = _written(self.person) if self.person else ()
        return self.are_named_in(data) or any(form in data for form in who)

    def are_named_by(self, text: str) -> bool:
        """As `are_named_in`, of a text."""
        return self.are_named_in(text.encode("utf-8", "surrogatepass"))


def clear_private(folder: Path, traces: Traces) -> bool:
    """Take photos out of a project's `.mien` and its cache; whether anything was there."""
    elsewhere = user_cache() / "photos" / digest_text(str(folder.resolve()))[:32]
    private = folder / PRIVATE
    found = False
    for place in (elsewhere, *(private / name for name in _DERIVED)):
        if place.is_dir():
            shutil.rmtree(place)
            found = True
    for path in sorted(private.rglob("*")) if private.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        if path.name.startswith(_CACHE):
            path.unlink()
            found = True
        elif path.stat().st_size <= HOLDS_MORE:
            _clear_file(path, traces)
    return found


def clear_tables(folder: Path, traces: Traces) -> tuple[str, ...]:
    """Take every row out of a folder's tables that names a photo or holds its digest.

    Returns:
        The tables that were changed, relative to the folder.
    """
    changed = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _TABLES or path.name == TOMBSTONES_NAME:
            continue
        if path.is_symlink() or not path.is_file() or path.stat().st_size > HOLDS_MORE:
            continue
        if _clear_table(path, traces):
            changed.append(path.relative_to(folder).as_posix())
    return tuple(changed)


def leftovers(folder: Path, traces: Traces, *, but: Sequence[str] = ()) -> list[str]:
    """Files of a folder, tombstones apart, that still are or name a photo.

    Args:
        folder: Looked through to the bottom.
        traces: Of the photos.
        but: Endings of names that are passed over.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if path.name == TOMBSTONES_NAME or path.name.endswith(tuple(but) or ("\0",)):
            continue
        if path.is_symlink() or not path.is_file() or path.stat().st_size > HOLDS_MORE:
            continue
        data = path.read_bytes()
        if traces.are(data) or traces.are_named_in(data):
            found.append(path.relative_to(folder).as_posix())
    return found


def _clear_file(path: Path, traces: Traces) -> None:
    data = path.read_bytes()
    if traces.are(data):
        path.unlink()
    elif path.suffix == ".jsonl" and traces.are_spoken_of_in(data):
        lines = (_pruned_line(line, traces) for line in data.decode("utf-8", "replace").split("\n"))
        write_text(path, "".join(line + "\n" for line in lines if line))
    elif not traces.are_named_in(data):
        return
    elif path.suffix.lower() in _TABLES:
        _clear_table(path, traces)
    else:
        path.unlink()  # a result that can be had again


def _clear_table(path: Path, traces: Traces) -> bool:
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    delimiter = max((",", ";", "\t"), key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    wanted = traces.names | traces.digests
    kept = [row for row in rows if not wanted.intersection(cell.strip() for cell in row)]
    if len(kept) == len(rows):
        return False
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(kept)
    write_text(path, out.getvalue())
    return True


def _pruned_line(line: str, traces: Traces) -> str:
    if not traces.are_spoken_of_in(line.encode("utf-8", "surrogatepass")):
        return line
    try:
        value = _pruned(_without_person(json.loads(line), traces.person), traces)
    except ValueError:
        return ""  # half a line, as a kill leaves it
    return "" if value is _GONE else json.dumps(value, ensure_ascii=False)


def _pruned(value: Any, traces: Traces) -> Any:
    """A JSON value without the parts that name a photo.

    A record or pair that names one in a value of its own goes as a whole: half of a move from one
    place to another would be nonsense.
    """
    if isinstance(value, str):
        return _GONE if traces.are_named_by(value) else value
    if isinstance(value, list):
        if any(isinstance(one, str) and traces.are_named_by(one) for one in value):
            return _GONE
        parts = (_pruned(one, traces) for one in value)
        return [one for one in parts if one is not _GONE]
    if isinstance(value, dict):
        if any(isinstance(one, str) and traces.are_named_by(one) for one in value.values()):
            return _GONE
        pruned = {k: _pruned(v, traces) for k, v in value.items() if not traces.are_named_by(k)}
        return {key: one for key, one in pruned.items() if one is not _GONE}
    return value


def _without_person(value: Any, person: str | None) -> Any:
    """A JSON value without saying of anything that it is of this person."""
    if isinstance(value, list):
        return [_without_person(one, person) for one in value]
    if not isinstance(value, dict) or person is None:
        return value
    parts = {key: _without_person(one, person) for key, one in value.items()}
    if parts.get("person") == person:  # a row of groups
        del parts["person"]
    if parts.get("column") == "person" and parts.get("value") == person:  # what a change did
        parts["value"] = ""
    return parts


def _written(word: str) -> set[bytes]:
    """A word as UTF-8 and as JSON may escape it."""
    return {word.encode("utf-8", "surrogatepass"), json.dumps(word)[1:-1].encode()}
