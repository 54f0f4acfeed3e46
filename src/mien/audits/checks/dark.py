"""M104: photos that show little but black."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts, Tones
from mien.records import Face

# Median luma and range. A dark face in a well-lit photo has range: skin alone must never trip this.
_DARKEST: Final = 0.12
DARKEST_FACE: Final = 0.12
_LEAST_CONTRAST: Final = 0.25


class Dark(PhotoCheck):
    """Too dark, photo by photo."""

    code = "M104"
    title = "Too dark"
    severity = "medium"
    outcome = "issue"
    says = ("is too dark", "are too dark")
    advice = "Brighten what is dark, or find another photo."
    clean = "No photo is too dark."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By the darkness of the face, or of the picture where there is none."""
        light = facts.brightness if facts.face_brightness is None else facts.face_brightness
        return 1 - light if is_dark(facts) else None


def is_dark(light: Facts | Tones) -> bool:
    """Whether a picture shows little but black; the face decides where there is one."""
    if light.contrast >= _LEAST_CONTRAST:
        return False
    if light.face_brightness is None:
        return light.brightness < _DARKEST
    return light.face_brightness < DARKEST_FACE
