"""How a verb's tables and sentences get on a terminal, or into what stands in its place.

Law: text from the user's files is printed as text, never as markup. Knows nothing of any verb.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from mien.records import plain

if TYPE_CHECKING:
    from rich.console import Console

# Where the output is no terminal, lines may be as long as a wide one.
_PIPE_COLUMNS: Final = 120
# Longer lists are cut: the whole stands in the JSON document.
_MOST_REJECTS: Final = 10
# What a column of text can do with before the headings beside it are broken, and what lies between
# two columns.
_LEAST_TEXT: Final = 16
_BETWEEN_COLUMNS: Final = 3


def document_of(record: Any) -> Mapping[str, Any]:
    """Give a verb's record as its JSON document has it."""
    value = record.plain() if hasattr(record, "plain") else plain(record)
    assert isinstance(value, Mapping)
    return value


def terminal(file: IO[str] | None) -> Console:
    """Open a file, standard output where None, for tables as wide as its terminal."""
    from rich.console import Console

    stream = file or sys.stdout
    width = None if stream.isatty() else _PIPE_COLUMNS
    # Names and commands are said as they are: «scale:-1:1» and «:smile:.jpg» are no pictures.
    return Console(file=stream, width=width, emoji=False)


def tell(out: Console, sentences: Iterable[str]) -> None:
    """Print each sentence on a line of its own; on a terminal lines end between words."""
    for sentence in sentences:
        out.print(sentence, markup=False, highlight=False, soft_wrap=not out.is_terminal)


def print_table(
    out: Console,
    *,
    title: str,
    columns: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[str]],
    after: Iterable[Sequence[str]] = (),
) -> None:
    """Print a table; a column is its heading and whether it holds numbers.

    A number is broken between two lines only where the terminal is too narrow for all of them.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows, extra = list(rows), list(after)
    headings = _headings(columns, [*rows, *extra], width=out.width)
    table = Table(box=SIMPLE_HEAD, title=Text(title), title_justify="left", pad_edge=False)
    for i, (heading, is_number) in enumerate(columns):
        table.add_column(
            Text(headings[i] if headings else heading),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=is_number and headings is not None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    if extra:
        table.add_section()
    for row in extra:
        table.add_row(*(Text(cell, style="dim") for cell in row))
    out.print(table)


def _headings(
    columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]], *, width: int
) -> list[str] | None:
    """Headings beside which every number fits in one line: whole, or in two; else None."""
    from rich.cells import cell_len

    for between in (" ", "\n"):
        headings = [
            between.join(heading.rsplit(" ", 1)) if is_number else heading
            for heading, is_number in columns
        ]
        wide = [
            max(cell_len(line) for cell in (heading, *cells) for line in cell.split("\n"))
            for heading, *cells in zip(headings, *rows, strict=True)
        ]
        least = [
            one if is_number else min(one, _LEAST_TEXT)
            for one, (_, is_number) in zip(wide, columns, strict=True)
        ]
        if sum(least) + _BETWEEN_COLUMNS * len(columns) <= width:
            return headings
    return None


def print_rejects(out: Console, rejects: Sequence[Mapping[str, str]]) -> None:
    """Print the first files that were left out, each with its reason."""
    if not rejects:
        return
    lines = [f"  {one['path']}: {one['reason']}" for one in rejects[:_MOST_REJECTS]]
    rest = len(rejects) - len(lines)
    tell(out, [f"Left out: {len(rejects)}", *lines, *([f"  and {rest} more"] if rest else [])])
