"""M102: photos with too few pixels to show an expression."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.records import Face

# Half of what most backbones see (96 to 224 px): below it, enlarging only paints.
_LEAST_PX: Final = 64


class TooSmall(PhotoCheck):
    """Too small, photo by photo."""

    code = "M102"
    title = "Too small"
    severity = "medium"
    outcome = "issue"
    says = ("is under 64 pixels on the shorter side", "are under 64 pixels on the shorter side")
    advice = "Find a larger original: a brow or a lip is a pixel or two there."
    clean = "Every photo has at least 64 pixels on its shorter side."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By how often it fits into the least size."""
        return _LEAST_PX / facts.shorter_px if facts.shorter_px < _LEAST_PX else None
