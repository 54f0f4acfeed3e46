"""M403: pairs of classes that can hardly be told apart."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.stats.intervals import wilson
from mien.words import percent

_CHANCE: Final = 0.5


class Separability(Check):
    """Of each pair of classes, the share of photos that fall on their own side out of fold."""

    code = "M403"
    title = "Classes hard to tell apart"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Compare the two classes' probabilities on the photos of both."""
        found = view.doubt
        if view.no_embeddings:
            return self.skipped(view.no_embeddings)
        if found is None:
            return self.not_applicable(view.why_no_doubt)
        classes, rows, hard = view.train.dataset.classes, [], []
        for a, b in combinations(range(len(classes)), 2):
            mine = np.flatnonzero((found.y == a) | (found.y == b))
            if len(np.unique(found.y[mine])) < 2:
                continue
            probs = found.probs[:, mine]
            right = (probs[:, :, b] > probs[:, :, a]) == (found.y[mine] == b)
            # Each class weighs the same, and the dealings are averaged.
            share = float(np.mean([right[:, found.y[mine] == c].mean() for c in (a, b)]))
            interval = wilson(share * len(mine), len(mine))
            rows.append(
                {
                    "classes": [classes[a], classes[b]], "told_apart": round(share, 3),
                    "low": round(interval.low, 3), "high": round(interval.high, 3),
                    "n": len(mine),
                }
            )  # fmt: skip
            if interval.low <= _CHANCE:
                hard.append(f"{classes[a]} and {classes[b]} ({percent(share)})")
        rows.sort(key=lambda row: float(str(row["told_apart"])))
        if hard:
            return self.found(
                "hint",
                f"Hardly told apart, guessing would be 50 %: {some(hard)}. Their photos look alike "
                "to the models: add photos, or think again about the classes.",
                details={"pairs": rows},
            )
        return self.found(
            "passed", "Every pair of classes can be told apart.", details={"pairs": rows}
        )
