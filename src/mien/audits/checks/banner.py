"""M113: pictures with a bar, a frame or a banner laid over."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.records import Face

# A banner has two straight edges across the whole picture, a frame up to four.
_LEAST_BARS: Final = 2
_PAGE: Final = 0.25
_FLAT: Final = 0.5


class Banner(PhotoCheck):
    """Banner, frame or text bar, photo by photo."""

    code = "M113"
    title = "Banner, frame or text bar"
    severity = "medium"
    outcome = "hint"
    says = ("may have a banner, bars or a frame", "may have a banner, bars or a frame")
    advice = "Cut it off, or find the original: a model learns the banner."
    clean = "No photo shows a banner or a frame."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By the number of edges that run across."""
        is_page = facts.page_share > _PAGE and facts.flat_share > _FLAT
        return float(facts.bars) if facts.bars >= _LEAST_BARS and not is_page else None
