"""M107: photos much longer than wide, or the reverse."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.records import Face

# A centred square then keeps less than half of the picture.
_MOST: Final = 2.0


class OddShape(PhotoCheck):
    """Odd shape, photo by photo."""

    code = "M107"
    title = "Odd shape"
    severity = "low"
    outcome = "hint"
    says = ("is more than twice as long as wide", "are more than twice as long as wide")
    advice = "A centre crop cuts most of it away: crop to the person by hand."
    clean = "No photo is more than twice as long as wide."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By the longer side over the shorter."""
        ratio = max(facts.aspect, 1 / facts.aspect)
        return ratio if ratio > _MOST else None
