"""M202: the table of classes and groups, its empty and starved cells."""

from __future__ import annotations

from typing import Final

from mien.audits.findings import Check, Finding, some
from mien.audits.tables import collect_next, count_table, known_cells
from mien.audits.view import View, table_columns

_HINT: Final = 1.5
_ISSUE: Final = 2.0


class Cells(Check):
    """Empty cells, and the ratio of the largest cell to the smallest."""

    code = "M202"
    title = "Class by group table"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Count, and say which cells are starved."""
        dataset = view.train.dataset
        columns = table_columns(dataset)
        if not columns:
            return self.not_applicable(
                "no group column with 12 values or fewer is known; give groups.csv or "
                "--groups-from-name"
            )
        table = count_table(dataset, columns)
        cells = known_cells(table)
        if not any(cells.values()):
            return self.not_applicable("no photo has a value in every group column")
        most = max(cells.values())
        empty = [f"{row} · {column}" for (row, column), n in cells.items() if n == 0]
        starved = [
            f"{row} · {column} ({n})" for (row, column), n in cells.items() if n * _ISSUE <= most
        ]
        least = min(cells.values())
        details = {
            "table": table, "ratio": most / least if least else None, "empty": empty,
            "collect_next": collect_next(table),
        }  # fmt: skip
        if empty:
            return self.found(
                "issue",
                f"{len(empty)} of {len(cells)} cells are empty: {some(empty)}. Nothing can be "
                "said of a model there. See what to collect next.",
                details=details,
            )
        words = f"the largest cell has {most} photos, the smallest {least}"
        if most / least >= _ISSUE:
            return self.found(
                "issue", f"Cells differ in size: {words} ({some(starved)}). Collect for these.",
                details=details,
            )  # fmt: skip
        if most / least >= _HINT:
            return self.found("hint", f"Cells differ a little: {words}.", details=details)
        return self.found("passed", f"Cells are of like size: {words}.", details=details)
