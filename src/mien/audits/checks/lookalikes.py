"""M304: photos that share person, place and light: a burst, a film, one shoot."""

from __future__ import annotations

from mien.audits.findings import Check, Finding, Pair
from mien.audits.view import View
from mien.words import count


class LookAlikes(Check):
    """Pairs that are no copies and yet share much of their fine structure."""

    code = "M304"
    title = "Look-alikes"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name pairs, those between training and test photos first."""
        pairs = []
        for twin in view.likeness.alike:
            a, b = view.photos[twin.first], view.photos[twin.second]
            pairs.append(
                Pair(
                    first=a[1].name,
                    second=b[1].name,
                    first_in=a[0],
                    second_in=b[0],
                    how="look alike, mirrored" if twin.mirrored else "look alike",
                    distance=twin.distance,
                )
            )
        if not pairs:
            return self.passed("No two photos look like one shoot, copies aside.")
        pairs.sort(key=lambda p: (p.first_in == p.second_in, p.distance, p.first, p.second))
        across = sum(p.first_in != p.second_in for p in pairs)
        return self.found(
            "hint",
            f"{count(len(pairs), 'pair')} of photos look like one shoot, {across} of them between "
            "training and test photos. If it is one person, name persons in a group column "
            "'person': splits then keep them together.",
            pairs=pairs,
        )
