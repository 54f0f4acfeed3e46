"""M105: photos washed out by light."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import ask_each
from mien.audits.facts import Facts
from mien.audits.findings import Check, Finding
from mien.audits.view import View
from mien.records import Face

# Even the darkest twentieth of the picture is light (no hair, no eyes, no shadow left), and the
# face, or the picture where there is none, is nearly white. A white wall alone is no fault.
_DARKEST: Final = 0.33
_FACE: Final = 0.8
_PICTURE: Final = 0.9


class Overexposed(Check):
    """Overexposed, photo by photo."""

    code = "M105"
    title = "Overexposed"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Ask every photo."""
        return ask_each(
            self,
            view,
            rule=_rule,
            outcome="issue",
            says="is overexposed|are overexposed",
            advice="Find others: what was burnt to white cannot be brought back.",
            clean="No photo is overexposed.",
        )


def _rule(facts: Facts, _face: Face | None) -> float | None:
    light = facts.face_brightness if facts.face_brightness is not None else facts.brightness
    limit = _FACE if facts.face_brightness is not None else _PICTURE
    return light if facts.darkest > _DARKEST and light > limit else None
