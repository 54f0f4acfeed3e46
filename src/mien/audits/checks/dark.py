"""M104: photos that show little but black."""

from __future__ import annotations

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.audits.light import is_dark
from mien.records import Face


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
