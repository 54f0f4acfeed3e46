"""M105: photos washed out by light."""

from __future__ import annotations

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.audits.light import is_overexposed
from mien.records import Face


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
