"""M106: grey photos among colour ones."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import by_side
from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.words import count

# 95 % of the pixels differ by less than this between channels: JPEG's rounding stays below.
_CHROMA: Final = 0.04


class Grey(Check):
    """Photos that differ from the most in having, or not having, colour."""

    code = "M106"
    title = "Grey among colour"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name the minority."""
        every = [fact.chroma >= _CHROMA for _, part in view.parts for fact in part.facts]
        n_grey = every.count(False)
        if n_grey in (0, len(every)):
            return self.passed("All photos are in colour." if n_grey == 0 else "All are grey.")
        odd = n_grey > len(every) / 2  # the minority: colour where most are grey
        photos, test_photos = by_side(
            view,
            lambda part: [
                name
                for name, fact in zip(part.names, part.facts, strict=True)
                if (fact.chroma >= _CHROMA) == odd
            ],
        )
        n, what = len(photos) + len(test_photos), "in colour" if odd else "grey"
        return self.found(
            "hint",
            f"{count(n, 'photo')} of {len(every)} {'is' if n == 1 else 'are'} {what}, the others "
            f"are not: {some([*photos, *test_photos])}. A backbone that sees grey does not care; "
            "others may learn it.",
            photos=photos,
            test_photos=test_photos,
        )
