"""M107: photos much longer than wide, or the reverse."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import ask_each
from mien.audits.facts import Facts
from mien.audits.findings import Check, Finding
from mien.audits.view import View
from mien.records import Face

# A centred square then keeps less than half of the picture.
_MOST: Final = 2.0


class OddShape(Check):
    """Odd shape, photo by photo."""

    code = "M107"
    title = "Odd shape"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Ask every photo."""
        return ask_each(
            self,
            view,
            rule=_rule,
            outcome="hint",
            says="is more than twice as long as wide|are more than twice as long as wide",
            advice="A centre crop cuts most of them away: crop them to the person by hand.",
            clean="No photo is more than twice as long as wide.",
        )


def _rule(facts: Facts, _face: Face | None) -> float | None:
    ratio = max(facts.aspect, 1 / facts.aspect)
    return ratio if ratio > _MOST else None
