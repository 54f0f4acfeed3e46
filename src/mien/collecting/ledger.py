"""Where each photo of a dataset is from: `sources.csv`, and what was forgotten: `forgotten.csv`.

`sources.csv` has one line a kept photo and lies beside `groups.csv`, so that it goes where the
photos go. `forgotten.csv` has a tombstone for each photo that was deleted for good: digests only,
so that it is not collected again and models trained with it can be told.
Law: both are replaced as a whole (old or new, never mixed). Cells from strangers cannot become
formulas of a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Final

from mien.collecting.licences import duties
from mien.digest import digest_text
from mien.errors import DatasetError
from mien.files import write_text

LEDGER_NAME: Final = "sources.csv"
TOMBSTONES_NAME: Final = "forgotten.csv"
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """Where one photo is from.

    Attributes:
        path: Relative to the dataset's folder, with ``/``.
        sha256: Of the file as it lies there.
        source: Name in `SOURCES`.
        url: It was fetched from; a path for a folder or camera.
        landing_page, title, creator, creator_url, licence, licence_url: As the source states them.
        query: What was searched for.
        label: The class it was meant for.
        groups: The groups it was meant for, ``key=value`` joined by ``;``.
        fetched_at: ISO 8601, UTC.
        tool: Name and version.
        edits: What was changed before keeping.
        fetched_sha256: Of the bytes as they came.
        state: ``undecided`` (in the inbox) or ``kept``.
    """

    path: str
    sha256: str
    source: str
    url: str
    landing_page: str = ""
    title: str = ""
    creator: str = ""
    creator_url: str = ""
    licence: str = ""
    licence_url: str = ""
    query: str = ""
    label: str = ""
    groups: str = ""
    fetched_at: str = ""
    tool: str = ""
    edits: str = ""
    fetched_sha256: str = ""
    state: str = "kept"


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """A photo that was forgotten: digests and nothing that could be looked at.

    Attributes:
        sha256: Of the file that was kept.
        fetched_sha256: Of the bytes as they came, the same where nothing was edited.
        url_sha256: Of its address, so that it is not even asked for again.
        forgotten_at: ISO 8601, UTC.
    """

    sha256: str
    fetched_sha256: str
    url_sha256: str
    forgotten_at: str


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """All digests of forgotten photos, for asking."""

    photos: frozenset[str] = field(default_factory=frozenset)
    urls: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, tombstones: Iterable[Tombstone]) -> Forgotten:
        """Gather tombstones."""
        stones = list(tombstones)
        photos = {digest for stone in stones for digest in (stone.sha256, stone.fetched_sha256)}
        return cls(
            photos=frozenset(photos - {""}),
            urls=frozenset(stone.url_sha256 for stone in stones) - {""},
        )

    def has_url(self, url: str) -> bool:
        """Whether a photo from this address was forgotten."""
        return bool(self.urls) and url_digest(url) in self.urls


def url_digest(url: str) -> str:
    """How a tombstone names an address."""
    return digest_text("url", url)


def join_groups(groups: Mapping[str, str]) -> str:
    """Groups as one cell.

    Example:
        >>> join_groups({"skin": "brown", "gender": "woman"})
        'gender=woman;skin=brown'
    """
    return ";".join(f"{key}={value}" for key, value in sorted(groups.items()))


def split_groups(cell: str) -> dict[str, str]:
    """The groups of a cell that `join_groups` wrote."""
    pairs = (pair.partition("=") for pair in cell.split(";") if pair)
    return {key: value for key, equals, value in pairs if equals}


def read_sources(folder: Path) -> list[SourceLine]:
    """Read a dataset's ledger; empty where it has none.

    Raises:
        DatasetError: It is not readable as one.
    """
    known = {f.name for f in fields(SourceLine)}
    lines = []
    for row in _rows(folder / LEDGER_NAME, needed=("path", "sha256")):
        cells = {key: _read_cell(value) for key, value in row.items() if key in known}
        lines.append(SourceLine(**{"source": "", "url": "", **cells}))
    return lines


def write_sources(folder: Path, lines: Sequence[SourceLine]) -> None:
    """Replace a dataset's ledger, sorted by path."""
    by_path = sorted(lines, key=lambda line: line.path)
    _write(folder / LEDGER_NAME, SourceLine, by_path)


def read_tombstones(path: Path) -> list[Tombstone]:
    """Read tombstones; empty where the file is not there.

    Args:
        path: A dataset's folder, or the file.

    Raises:
        DatasetError: It is not readable as one.
    """
    file = path / TOMBSTONES_NAME if path.is_dir() else path
    known = {f.name for f in fields(Tombstone)}
    return [
        Tombstone(**{**dict.fromkeys(known, ""), **{k: v for k, v in row.items() if k in known}})
        for row in _rows(file, needed=("sha256",))
    ]


def add_tombstones(file: Path, stones: Iterable[Tombstone]) -> None:
    """Add tombstones to a file, each photo once."""
    there = {stone.sha256: stone for stone in read_tombstones(file)}
    for stone in stones:
        there.setdefault(stone.sha256, stone)
    _write(file, Tombstone, [there[sha256] for sha256 in sorted(there)])


def moved(line: SourceLine, *, path: str, label: str, groups: Mapping[str, str]) -> SourceLine:
    """The line of a photo that was put into a class folder."""
    return replace(line, path=path, label=label, groups=join_groups(groups), state="kept")


def credits_text(lines: Sequence[SourceLine]) -> str:
    """Credits as people print them: title, creator, licence, where from, one line a photo.

    Follows Creative Commons' recommended practice for attribution (title, author, source,
    licence); changes are named, as the licences ask.
    """
    parts = []
    for line in sorted(lines, key=lambda line: line.path):
        title = f"“{line.title}”" if line.title else "untitled"
        who = line.creator or "unknown creator"
        licence = f"{_licence_words(line)}" if line.licence else "no licence stated"
        where = line.landing_page or line.url
        text = f"{line.path}: {title} by {who}, {licence}, {where}"
        if line.edits not in ("", "none"):
            text += f" ({line.edits})"
        parts.append(text + ".")
    return "\n".join(parts) + ("\n" if parts else "")


def _licence_words(line: SourceLine) -> str:
    code = line.licence.upper()
    words = f"CC {code}" if line.licence.startswith("by") else code
    page = f" <{line.licence_url}>" if line.licence_url else ""
    return f"{words}{page} [{duties(line.licence)}]"


def _rows(path: Path, *, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatasetError(f"cannot read '{path}': {error.strerror or error}", "") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"'{path}' is not UTF-8 text", "Save it as UTF-8.") from error
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        rows = [{k: v or "" for k, v in row.items() if k is not None} for row in reader]
    except csv.Error as error:
        raise DatasetError(f"'{path}' is not CSV: {error}", "") from error
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(f"'{path}' has no column '{missing[0]}'", "Restore or delete the file.")
    return rows


def _write(
    path: Path, kind: type[SourceLine | Tombstone], records: Iterable[SourceLine | Tombstone]
) -> None:
    columns = [field.name for field in fields(kind)]
    cells_of = attrgetter(*columns)  # `asdict` copies deeply: ten times the work of writing
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_write_cell(cell) for cell in cells_of(record)] for record in records)
    write_text(path, out.getvalue())


def _write_cell(value: str) -> str:
    return "'" + value if value.startswith(_FORMULA) else value


def _read_cell(value: str) -> str:
    return value[1:] if value[:1] == "'" and value[1:].startswith(_FORMULA) else value
