"""M105: photos washed out by light."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts, Tones
from mien.records import Face

# Even the darkest twentieth of the picture is light (no hair, no eyes, no shadow left), and the
# face, or the picture where there is none, is nearly white. A white wall alone is no fault.
_DARKEST: Final = 0.33
BURNT_FACE: Final = 0.8
_PICTURE: Final = 0.9


class Overexposed(PhotoCheck):
    """Overexposed, photo by photo."""

    code = "M105"
    title = "Overexposed"
    severity = "medium"
    outcome = "issue"
    says = ("is overexposed", "are overexposed")
    advice = "Find another photo: what was burnt to white cannot be brought back."
    clean = "No photo is overexposed."

    def how_bad(self, facts: Facts, _face: Face | None) -> float | None:
        """By the light on the face, or on the picture where there is none."""
        light = facts.brightness if facts.face_brightness is None else facts.face_brightness
        return light if is_overexposed(facts) else None


def is_overexposed(light: Facts | Tones) -> bool:
    """Whether a picture is burnt to white; the face decides where there is one."""
    if light.darkest <= _DARKEST:
        return False
    if light.face_brightness is None:
        return light.brightness > _PICTURE
    return light.face_brightness > BURNT_FACE
