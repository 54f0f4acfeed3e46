"""M103: photos without fine structure."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.records import Face

# Crete's blur of the picture at 256 px. See docs/checks.md for what photos score.
_MOST_BLUR: Final = 0.6
# Where there is hardly any contrast, blur cannot be told; that is another check's matter.
_LEAST_CONTRAST: Final = 0.05


class Blurred(PhotoCheck):
    """Blurred, photo by photo."""

    code = "M103"
    title = "Blurred"
    severity = "medium"
    outcome = "issue"
    says = ("is blurred", "are blurred")
    advice = "Look closely: a blurred brow can be any expression."
    clean = "No photo is blurred."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By perceptual blur, where contrast lets it be told."""
        if facts.contrast < _LEAST_CONTRAST:
            return None
        return facts.blur if facts.blur > _MOST_BLUR else None
