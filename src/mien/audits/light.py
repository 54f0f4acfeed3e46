"""Whether a picture is too dark or burnt, by its tones: what the checks and collecting agree on."""

from __future__ import annotations

from typing import Final

from mien.audits.facts import Facts, Tones

# Dark. Median luma and range. A dark face in a well-lit photo has range: skin alone must never trip
# this.
_DARKEST: Final = 0.12
DARKEST_FACE: Final = 0.12
_LEAST_CONTRAST: Final = 0.25
# Burnt. Even the darkest twentieth of the picture is light (no hair, no eyes, no shadow left), and
# the face, or the picture where there is none, is nearly white. A white wall alone is no fault.
_LIT: Final = 0.33
BURNT_FACE: Final = 0.8
_BURNT: Final = 0.9


def is_dark(light: Facts | Tones) -> bool:
    """Whether a picture shows little but black; the face decides where there is one."""
    if light.contrast >= _LEAST_CONTRAST:
        return False
    if light.face_brightness is None:
        return light.brightness < _DARKEST
    return light.face_brightness < DARKEST_FACE


def is_overexposed(light: Facts | Tones) -> bool:
    """Whether a picture is burnt to white; the face decides where there is one."""
    if light.darkest <= _LIT:
        return False
    if light.face_brightness is None:
        return light.brightness > _BURNT
    return light.face_brightness > BURNT_FACE
