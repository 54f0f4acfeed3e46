"""What `mien export` prints: who opened which file, how far it parts, and what nobody opened.

A view of the verb's record: it is never the source of a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from mien.reports.terminal import document_of, print_table, tell, terminal
from mien.words import percent


def print_export(record: Any, *, file: IO[str] | None = None) -> None:
    """Print the proof of an export, and where it is.

    Args:
        record: An `ExportRecord`, or its JSON document.
        file: Where to; standard output otherwise.
    """
    export, out = document_of(record), terminal(file)
    checked = [one for one in export["parity"] if one["checked"] and not one["left_out"]]
    if checked:
        _checked(checked, out=out)
    for one in export["parity"]:
        if one["left_out"]:
            tell(out, [f"Left out: {one['reason']}"])
        elif not one["checked"]:
            tell(out, [f"Not checked: {one['file']} in {one['consumer']}: {one['reason']}"])
    guides = [name for name in export["files"] if Path(name).name == "README.md"]
    tell(out, [f"{len(export['files'])} files in {export['out']}", "How to use them:"])
    tell(out, [f"  {Path(export['out']) / name}" for name in guides])


def _checked(parities: Sequence[Mapping[str, Any]], *, out: Any) -> None:
    columns = [("file", False), ("opened by", False), ("differs by", True), ("same class", True)]
    rows = [
        [
            one["file"],
            one["consumer"],
            f"{one['max_abs_diff']:.1e}",
            f"{percent(one['same_top'])} of {one['n']}",
        ]
        for one in parities
    ]
    title = "Asked the golden pictures (largest difference of a probability)"
    print_table(out, title=title, columns=columns, rows=rows)
