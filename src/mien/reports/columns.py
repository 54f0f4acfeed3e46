"""Text in the terminal's columns: wrapped lines, and tables that fit.

Korean letters are two columns wide. Knows nothing of what is told.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

# Longer lines are hard to read, however wide the window is.
_WIDEST: Final = 100


def width_now() -> int:
    """Columns of the terminal, at most 100; 80 where there is none."""
    return min(_WIDEST, shutil.get_terminal_size((80, 24)).columns)


def wrapped(text: str, *, first: int = 0, hanging: int = 8, width: int | None = None) -> str:
    """Text in lines that fit the terminal, 80 columns where there is none; words stay whole.

    Args:
        text: Lines of it stay lines.
        first: Columns to leave free before the first line.
        hanging: The same before the lines that follow it.
        width: Columns; those of the terminal when None, at most 100.

    Example:
        >>> print(wrapped("one two three", hanging=2, width=8))
        one two
          three
    """
    width = width or width_now()
    lines: list[str] = []
    for line in text.split("\n"):
        now = " " * first
        for word in line.split(" "):
            if now.strip() and cell_len(f"{now} {word}") > width:
                lines.append(now)
                now = " " * hanging + word
            else:
                now += word if not now.strip() else f" {word}"
        lines.append(now)
    return "\n".join(lines)


def fitting(rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """A table with headings in its first row and column, figures to the right.

    What stands above stands at the left where the table would be wider than the terminal.

    Args:
        rows: Of equal length, the headings included.
        width: Columns; those of the terminal when None, at most 100.

    Example:
        >>> print(fitting([["", "man", "woman"], ["sad", "3", "4"]]))
             man  woman
        sad    3      4
        >>> print(fitting([["", "man", "woman"], ["sad", "3", "4"]], width=12))
               sad
        man      3
        woman    4
    """
    upright = _aligned(rows)
    if max(map(cell_len, upright)) <= (width or width_now()):
        return "\n".join(upright)
    lying = _aligned([list(column) for column in zip(*rows, strict=True)])
    narrower = max(map(cell_len, lying)) < max(map(cell_len, upright))
    return "\n".join(lying if narrower else upright)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            _padded(cell, width, left=i == 0)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _padded(cell: str, width: int, *, left: bool) -> str:
    space = " " * (width - cell_len(cell))
    return cell + space if left else space + cell
