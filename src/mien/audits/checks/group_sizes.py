"""M205: groups of very different size, over all classes."""

from __future__ import annotations

from collections import Counter
from typing import Final

from mien.audits.findings import Check, Finding
from mien.audits.view import View, balance_columns, group_values

_HINT: Final = 1.5
_ISSUE: Final = 2.0


class GroupSizes(Check):
    """The ratio of the largest group to the smallest, column by column."""

    code = "M205"
    title = "Groups of different size"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Compare counts."""
        dataset = view.train.dataset
        columns = balance_columns(dataset)
        if not columns:
            return self.not_applicable("no group column with 12 values or fewer is known")
        counts = {
            column: Counter(v for v in group_values(dataset.photos, column) if v)
            for column in columns
        }
        ratios = {c: max(n.values()) / min(n.values()) for c, n in counts.items()}
        worst = max(ratios, key=lambda column: ratios[column])
        words = "; ".join(
            f"{column}: " + ", ".join(f"{value} {n}" for value, n in n_by.most_common())
            for column, n_by in counts.items()
        )
        details = {"counts": {c: dict(n.most_common()) for c, n in counts.items()}}
        if ratios[worst] < _HINT:
            return self.found("passed", f"Groups are of like size ({words}).", details=details)
        least = min(counts[worst], key=lambda value: counts[worst][value])
        return self.found(
            "issue" if ratios[worst] >= _ISSUE else "hint",
            f"Groups differ in size ({words}): a score hides how '{least}' fares. Collect more.",
            details=details,
        )
