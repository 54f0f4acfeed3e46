"""A table of classes and groups that somebody printed, held against the photos that are there.

Tables in reports are counted by hand, at another time than the photos were handed on: the first
thing to know of somebody's photos is whether they are the ones that the report counted. Knows
nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mien.audits.findings import some
from mien.audits.tables import Table
from mien.errors import DatasetError
from mien.words import count

_SHAPE: Final = 'Write {"columns": ["white man", …], "happy": [8, …], …}: a list of counts a class.'


@dataclass(frozen=True, kw_only=True)
class CellDifference:
    """A cell that the printed table has otherwise.

    Attributes:
        label: The class.
        group: The column.
        printed: Photos by the printed table.
        found: Photos that are there.
    """

    label: str
    group: str
    printed: int
    found: int


@dataclass(frozen=True, kw_only=True)
class AgainstPrinted:
    """What the comparison found.

    Attributes:
        n_printed: Photos in the printed table.
        n_found: Photos that are there.
        n_cells: Cells compared.
        differences: Those that differ, in the printed order.
        sentence: In words.
    """

    n_printed: int
    n_found: int
    n_cells: int
    differences: tuple[CellDifference, ...]
    sentence: str


def read_printed(document: Any, *, name: str) -> Table:
    """A printed table from JSON: ``columns``, and for each class a list of counts.

    Args:
        document: The table, or a document that holds it under ``dataset_table``.
        name: What to call it in messages.

    Raises:
        DatasetError: It is no such table.
    """
    held = document.get("dataset_table", document) if isinstance(document, Mapping) else None
    try:
        rows = dict(held or {})
        columns = tuple(str(column) for column in rows.pop("columns"))
        counts = {str(label): tuple(int(n) for n in line) for label, line in rows.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"'{name}' is not a table of classes and groups: {error!r}", _SHAPE
        ) from (error)
    for label, line in counts.items():
        if len(line) != len(columns):
            raise DatasetError(
                f"'{name}' has {len(line)} counts for class '{label}', and {len(columns)} columns",
                _SHAPE,
            )
    return Table(rows=tuple(counts), columns=columns, counts=tuple(counts.values()))


def compare(table: Table, *, printed: Table, name: str) -> AgainstPrinted:
    """Hold the photos that are there against a printed table, cell by cell.

    Raises:
        DatasetError: Its classes or columns are others.
    """
    for what, theirs, ours in (
        ("class", printed.rows, table.rows),
        ("column", printed.columns, table.columns),
    ):
        strange = [one for one in theirs if one not in ours]
        if strange:
            raise DatasetError(
                f"'{name}' has {what} '{strange[0]}', the photos have {', '.join(ours) or 'none'}",
                "Name groups in groups.csv or with --groups-from-name as the table does.",
            )
    found, told = _cells(table), _cells(printed)
    differences = tuple(
        CellDifference(label=label, group=group, printed=n, found=found[label, group])
        for (label, group), n in told.items()
        if found[label, group] != n
    )
    return AgainstPrinted(
        n_printed=printed.n,
        n_found=table.n,
        n_cells=len(told),
        differences=differences,
        sentence=_sentence(differences, name=name, n=(printed.n, table.n), n_cells=len(told)),
    )


def _cells(table: Table) -> dict[tuple[str, str], int]:
    return {
        (row, column): n
        for row, line in zip(table.rows, table.counts, strict=True)
        for column, n in zip(table.columns, line, strict=True)
    }


def _sentence(
    differences: Sequence[CellDifference], *, name: str, n: tuple[int, int], n_cells: int
) -> str:
    head = f"'{name}' counts {count(n[0], 'photo')}, there are {n[1]:,}; "
    if not differences:
        return head + f"all {n_cells} cells are equal."
    named = [f"{d.label} · {d.group} {d.found} instead of {d.printed}" for d in differences]
    return head + f"{len(differences)} of {n_cells} cells differ: {some(named, most=12)}."
