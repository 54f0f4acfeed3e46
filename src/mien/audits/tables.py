"""The table of classes and groups, and what to collect next to make it even.

Knows nothing of files. A cell is a class and a value of every chosen group column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mien.records import Dataset

NO_GROUPS = "all"
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Photos by class and group.

    Attributes:
        rows: Classes.
        columns: Values of the group columns, joined by a space, such as ``white man``.
        counts: One list a row.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """Photos in the table."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, kw_only=True)
class Lack:
    """A cell that should have more photos.

    Attributes:
        label: The class.
        group: The column of the table.
        has: Photos in it.
        wants: Photos it would need for an even table without taking any away.
        add: The difference.
    """

    label: str
    group: str
    has: int
    wants: int
    add: int


@dataclass(frozen=True, kw_only=True)
class CollectNext:
    """What makes the table even.

    Attributes:
        cells: The emptiest first.
        each: Photos a cell would have.
        totals: For every class: photos of known groups now, the nearest totals that can be even at
            all, below and above (50 does not divide by 6: 48 or 54).
    """

    cells: tuple[Lack, ...]
    each: int
    totals: tuple[dict[str, int | str], ...]


def count_table(dataset: Dataset, columns: Sequence[str]) -> Table:
    """Count photos by class and by all combinations of the columns' values.

    Photos without a value count as ``unknown`` there; without columns there is one, ``all``.
    Combinations come in the order in which values first appear, so that a table keeps its order;
    those with something unknown only where there are such photos.

    Example:
        >>> from pathlib import Path
        >>> from mien.records import Photo
        >>> photo = Photo(path=Path(), name="a/x", sha256="", label="a", groups={"skin": "white"})
        >>> dataset = Dataset(root=Path(), classes=("a", "b"), photos=(photo,))
        >>> count_table(dataset, ["skin"]).counts
        ((1,), (0,))
    """
    values = [_values(dataset, column) for column in columns]
    names = [" ".join(words) for words in product(*values)] if columns else [NO_GROUPS]
    counts = Counter(
        (photo.label, " ".join(photo.groups.get(c, UNKNOWN) for c in columns) or NO_GROUPS)
        for photo in dataset.photos
    )
    there = {name for _, name in counts}
    names = [name for name in names if is_known(name) or name in there]
    return Table(
        rows=dataset.classes,
        columns=tuple(names),
        counts=tuple(tuple(counts[row, name] for name in names) for row in dataset.classes),
    )


def collect_next(table: Table) -> CollectNext:
    """Which cells need how many photos for an even table, none taken away.

    Photos of unknown groups are wanted by nobody: only cells whose groups are known are evened.

    Example:
        >>> table = Table(rows=("a",), columns=("x", "y"), counts=((3, 5),))
        >>> collect_next(table).cells[0].add
        2
    """
    cells = known_cells(table)
    each = max(cells.values(), default=0)
    lacks = [
        Lack(label=row, group=column, has=n, wants=each, add=each - n)
        for (row, column), n in cells.items()
        if n < each
    ]
    k = sum(map(is_known, table.columns)) or 1
    totals: list[dict[str, int | str]] = []
    for row in table.rows:
        n = sum(n for (label, _), n in cells.items() if label == row)
        totals.append({"label": row, "has": n, "below": n // k * k, "above": -(-n // k) * k})
    return CollectNext(
        cells=tuple(sorted(lacks, key=lambda lack: -lack.add)), each=each, totals=tuple(totals)
    )


def is_known(column: str) -> bool:
    """Whether the photos under a column of the table have a value in every group column."""
    return UNKNOWN not in column.split(" ")


def known_cells(table: Table) -> dict[tuple[str, str], int]:
    """Photos by class and column, of the columns whose groups are known."""
    return {
        (row, column): n
        for row, line in zip(table.rows, table.counts, strict=True)
        for column, n in zip(table.columns, line, strict=True)
        if is_known(column)
    }


def _values(dataset: Dataset, column: str) -> list[str]:
    return list(dict.fromkeys(photo.groups.get(column, UNKNOWN) for photo in dataset.photos))
