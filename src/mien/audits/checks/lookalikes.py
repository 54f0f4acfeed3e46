"""M304: photos that share person, place and light: a burst, a film, one shoot."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audits.findings import Check, Finding, Pair
from mien.audits.view import View
from mien.dataset.splits import join_units
from mien.words import count

# More photos than this share, joined by pairs that look alike, are no shoot: the two photos of the
# study's shoot are 2 of 275; 299 of 360 faces cut out tightly hang together, 1,186 of 2,112
# drawings.
_MOST_CHAINED: Final = 0.25


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
        chained = _longest_chain(view)
        if chained > _MOST_CHAINED * len(view.photos):
            return self.found(
                "hint",
                f"{count(len(pairs), 'pair')} of photos look alike, and {chained:,} of "
                f"{len(view.photos):,} photos hang together by such pairs: too many to be one "
                "shoot. Faces cut out tightly, or before one wall, look alike whoever they are. "
                "Where one person is in several photos, name persons in a group column 'person'.",
                pairs=pairs,
            )
        across = sum(p.first_in != p.second_in for p in pairs)
        return self.found(
            "hint",
            f"{count(len(pairs), 'pair')} of photos look like one shoot, {across} of them between "
            "training and test photos. If it is one person, name persons in a group column "
            "'person': splits then keep them together.",
            pairs=pairs,
        )


def _longest_chain(view: View) -> int:
    """How many photos hang together by pairs that look alike, at most."""
    links = [twin.rows for twin in view.likeness.alike]
    photos = [photo for _, photo in view.photos]
    return int(np.bincount(join_units(photos, clusters=links, person_column=None)).max())
