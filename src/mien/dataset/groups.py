"""Groups of photos: attributes with values, from a table `groups.csv` or from the files' names.

The table has a column ``path`` (relative to the dataset's folder, any normal form, either slash),
perhaps a column ``label`` (checked against the folder and otherwise ignored) and any group columns.
An empty cell means that nothing is known. Knows nothing of pixels: a group is never guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.errors import DatasetError
from mien.files import nfc
from mien.records import Reject

TABLE_NAME: Final = "groups.csv"
_PATH, _LABEL = "path", "label"
_DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True, kw_only=True)
class GroupTable:
    """What a `groups.csv` says.

    Attributes:
        columns: Group columns in the table's order, without path and label.
        groups: Photo's name -> its groups; a column without a value is left out.
        labels: Photo's name -> the label that the table states for it.
    """

    columns: tuple[str, ...]
    groups: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, str]


def persons(groups: Sequence[Mapping[str, str]]) -> list[str] | None:
    """Whom each photo shows, as the statistics take it; a photo of nobody known stands alone.

    Args:
        groups: Of each photo.

    Returns:
        A name for each photo; None where no person has several photos.

    Example:
        >>> persons([{"person": "p1"}, {"person": "p1"}, {"skin": "brown"}])[:2]
        ['p1', 'p1']
    """
    names = [one.get("person") or f"\0 {number}" for number, one in enumerate(groups)]
    return names if len(set(names)) < len(names) else None


def read_group_table(path: Path) -> GroupTable:
    """Read a groups table.

    Raises:
        DatasetError: It is not a UTF-8 table with a path column, or contradicts itself.
    """
    rows = _rows(path)
    header = [nfc(cell.strip()) for cell in next(rows, (0, []))[1]]
    columns = _check_header(header, path)
    groups: dict[str, dict[str, str]] = {}
    labels: dict[str, str] = {}
    for line, row in rows:
        if len(row) > len(header):
            raise DatasetError(
                f"'{path}' line {line} has {len(row)} cells, the header has {len(header)}",
                "Put values that hold a comma in double quotes.",
            )
        cells = dict(zip(header, (nfc(cell.strip()) for cell in row), strict=False))
        name = _as_name(cells.get(_PATH, ""))
        if not name:
            continue
        known = {column: cells[column] for column in columns if cells.get(column)}
        if groups.setdefault(name, known) != known:
            raise DatasetError(
                f"'{path}' line {line} gives '{name}' other groups than an earlier line",
                "Keep one line for each photo.",
            )
        if cells.get(_LABEL):
            labels[name] = cells[_LABEL]
    return GroupTable(columns=columns, groups=groups, labels=labels)


def compile_name_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern whose named groups become group columns.

    Raises:
        DatasetError: It is not a regular expression, or has no named group.

    Example:
        >>> pattern = compile_name_pattern("(?P<person>p[0-9]+)")
        >>> groups_from_name(pattern, "happy-p17.jpg")
        {'person': 'p17'}
    """
    try:
        pattern = re.compile(nfc(text))
    except re.error as error:
        raise DatasetError(
            f"groups-from-name '{text}' is not a regular expression: {error}",
            "An example: '(?P<person>p[0-9]+)'.",
        ) from error
    if not pattern.groupindex:
        raise DatasetError(
            f"groups-from-name '{text}' has no named group",
            "Name what should become a group column: '(?P<person>p[0-9]+)'.",
        )
    return pattern


def groups_from_name(pattern: re.Pattern[str], name: str) -> dict[str, str]:
    """The groups that a photo's file name states, found anywhere in it; empty where it does not."""
    match = pattern.search(nfc(name).rpartition("/")[2])
    found = match.groupdict() if match else {}
    return {column: value for column, value in found.items() if value}


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Where the groups of a dataset's photos come from: a table, a pattern, both or neither.

    Where both speak of one column, the table is right: it was filled in by hand.
    """

    table: GroupTable | None = None
    pattern: re.Pattern[str] | None = None

    @classmethod
    def read(cls, root: Path, *, pattern: str | None) -> Grouping:
        """Read `groups.csv` in `root`, where there is one, and compile the pattern.

        Raises:
            DatasetError: Either cannot be used.
        """
        compiled = compile_name_pattern(pattern) if pattern else None
        path = root / TABLE_NAME
        return cls(table=read_group_table(path) if path.is_file() else None, pattern=compiled)

    @property
    def columns(self) -> tuple[str, ...]:
        """Group columns, the table's first."""
        stated = self.table.columns if self.table else ()
        named = tuple(self.pattern.groupindex) if self.pattern else ()
        return tuple(dict.fromkeys((*stated, *named)))

    def of(self, name: str) -> dict[str, str]:
        """The groups of the photo of this name, in the order of the columns."""
        found = groups_from_name(self.pattern, name) if self.pattern else {}
        found |= self.table.groups.get(name, {}) if self.table else {}
        return {column: found[column] for column in self.columns if column in found}

    def missing(self, names: set[str]) -> list[Reject]:
        """Lines of the table for which there is no file among `names`."""
        listed = self.table.groups if self.table else {}
        reason = f"is listed in {TABLE_NAME}, and there is no such file"
        return [Reject(path=name, reason=reason) for name in listed if name not in names]

    def contradictions(self, names: Sequence[str]) -> dict[str, str]:
        """Photos for which the table states another class than their folder, with that class.

        By its label column; or because it lists a file of this very name in another class folder,
        where there is none any more: the photo was moved, and the table was not told.

        Args:
            names: Of all photos of the folder.
        """
        if self.table is None:
            return {}
        there = set(names)
        moved: dict[str, set[str]] = {}
        for listed in self.table.groups:
            if listed not in there:
                label, _, inside = listed.partition("/")
                moved.setdefault(inside, set()).add(label)
        found = {}
        for name in names:
            folder, _, inside = name.partition("/")
            stated = self.table.labels.get(name, folder)
            if name not in self.table.groups and len(moved.get(inside, ())) == 1:
                (stated,) = moved[inside]
            if stated != folder:
                found[name] = stated
        return found

    def refuse_contradiction(self, names: Sequence[str]) -> None:
        """Stop where the table's label column states another class than a photo's folder.

        Raises:
            DatasetError: It does.
        """
        labels = self.table.labels if self.table else {}
        for name in names:
            folder = name.partition("/")[0]
            if labels.get(name, folder) != folder:
                raise DatasetError(
                    f"'{name}' lies in class folder '{folder}', {TABLE_NAME} says '{labels[name]}'",
                    "Move the photo or correct the table.",
                )

    def refuse_idle_pattern(self, names: Sequence[str]) -> None:
        """Stop where the pattern matches no file name at all: it is mistyped.

        Raises:
            DatasetError: It matches none of `names`, of which there are some.
        """
        pattern = self.pattern
        if pattern and names and not any(groups_from_name(pattern, name) for name in names):
            raise DatasetError(
                f"groups-from-name '{pattern.pattern}' matches none of the {len(names)} file names",
                f"The first is '{names[0]}'.",
            )


def _check_header(header: list[str], path: Path) -> tuple[str, ...]:
    if _PATH not in header:
        raise DatasetError(
            f"'{path}' has no column 'path', it has {', '.join(header) or 'none'}",
            "The first line names the columns, such as 'path,skin,gender'.",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice or "" in header:
        what = f"column '{twice[0]}' twice" if twice and twice[0] else "a column without a name"
        raise DatasetError(f"'{path}' has {what}", "Give each column a name of its own.")
    return tuple(name for name in header if name not in (_PATH, _LABEL))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read '{path}': {error.strerror or error}", "") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"'{path}' is not UTF-8 text", "In Excel, save it as 'CSV UTF-8 (comma delimited)'."
        ) from error
    first = text.partition("\n")[0]
    # Excel writes semicolons wherever the comma is the decimal sign.
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(f"'{path}' line {reader.line_num} is not CSV: {error}", "") from error


def _as_name(text: str) -> str:
    name = text.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name
