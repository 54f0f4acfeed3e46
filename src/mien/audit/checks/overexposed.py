"""M105: photos washed out by light."""

from __future__ import annotations

from typing import Final

from mien.audit.checks.per_photo import ask_each
from mien.audit.facts import Facts
from mien.audit.findings import Check, Finding
from mien.audit.view import View
from mien.records import Face

# Even the darkest twentieth of the picture is light, and half of it nearly white: a person before
# a white wall has hair, eyes or shadows. A face of median luma 0.95 has no drawing left.
_DARKEST: Final = 0.33
_BRIGHT: Final = 0.75
_BURNT_FACE: Final = 0.95


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
            says="are overexposed",
            advice="Find others: what was burnt to white cannot be brought back.",
            clean="No photo is overexposed.",
        )


def _rule(facts: Facts, _face: Face | None) -> float | None:
    washed = facts.darkest > _DARKEST and facts.brightness > _BRIGHT
    burnt = facts.face_brightness is not None and facts.face_brightness > _BURNT_FACE
    return facts.darkest + facts.brightness if washed or burnt else None
