"""M112: pictures of a screen or a page rather than a photo."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.records import Face

# One colour covers much of it, neighbouring pixels repeat to the last bit, and at least one
# straight edge runs across the whole width or height.
_PAGE: Final = 0.25
_FLAT: Final = 0.5


class Screenshot(PhotoCheck):
    """Screenshot or page, photo by photo."""

    code = "M112"
    title = "Screenshot or page"
    severity = "medium"
    outcome = "hint"
    says = ("may be a screenshot or a page", "may be screenshots or pages")
    advice = "Cut the photo out of the page, or find the original."
    clean = "No photo looks like a screenshot."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By the share of its one colour."""
        is_page = facts.page_share > _PAGE and facts.bars >= 1 and facts.flat_share > _FLAT
        return facts.page_share if is_page else None
