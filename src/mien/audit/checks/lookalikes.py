"""M304: photos that embeddings hold for almost the same: a burst, a film, one shoot."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audit.findings import Check, Finding, Pair, count
from mien.audit.view import View

# Nearest neighbours are this much nearer than usual: outliers by Tukey's outer fence
# (Exploratory Data Analysis, 1977), 3 interquartile ranges beyond the quartile.
_FENCE: Final = 3.0
_LEAST_PHOTOS: Final = 20


class LookAlikes(Check):
    """Pairs that are outliers among nearest neighbours, and no copies."""

    code = "M304"
    title = "Look-alikes"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name pairs, those between training and test photos first."""
        if view.no_embeddings:
            return self.skipped(view.no_embeddings)
        if len(view.photos) < _LEAST_PHOTOS:
            return self.not_applicable(f"fewer than {_LEAST_PHOTOS} photos")
        best = np.full(len(view.photos), -np.inf)
        for near in view.neighbours:
            best[near.first] = max(best[near.first], near.similarity)
            best[near.second] = max(best[near.second], near.similarity)
        gap = np.log(np.maximum(1 - best[np.isfinite(best)], 1e-4))
        low, high = np.quantile(gap, (0.25, 0.75))
        most_alike = float(1 - np.exp(low - _FENCE * max(high - low, 0.1) / 2))
        twins = {(twin.first, twin.second) for twin in view.twins}
        pairs = []
        for near in view.neighbours:
            if near.similarity < most_alike or (near.first, near.second) in twins:
                continue
            a, b = view.photos[near.first], view.photos[near.second]
            pairs.append(
                Pair(
                    first=a[1].name, second=b[1].name, first_in=a[0], second_in=b[0],
                    how="look alike", distance=round(1 - near.similarity, 4),
                )
            )  # fmt: skip
        if not pairs:
            return self.passed("No two photos look more alike than the rest, copies aside.")
        pairs.sort(key=lambda p: (p.first_in == p.second_in, p.distance, p.first, p.second))
        across = sum(p.first_in != p.second_in for p in pairs)
        return self.found(
            "hint",
            f"{count(len(pairs), 'pair')} of photos look unusually alike, {across} of them between "
            "training and test photos: perhaps one person or one shoot. Name persons in a group "
            "column 'person', and splits keep them together.",
            pairs=pairs,
        )
