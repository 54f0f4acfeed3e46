"""M111: drawings, cartoons and renderings among photos."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import by_side
from mien.audits.facts import Facts
from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.words import count

# A photo's noise keeps neighbouring pixels from being equal and spreads its colours; a drawing has
# surfaces and few colours. See docs/checks.md for what photos score.
_FLAT: Final = 0.6
_FEW_COLOURS: Final = 0.008
# A portrait before black cloth has few colours too, but no strong ones.
_CHROMA: Final = 0.2
# Where most pictures look drawn, that is what the folder is meant to hold.
_MEANT: Final = 0.5


class NotPhoto(Check):
    """Pictures with surfaces and few colours, where the others have neither."""

    code = "M111"
    title = "Drawing among photos"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name pictures that look drawn, unless most do."""
        photos, test_photos = by_side(view, lambda part: _drawn(part.names, part.facts))
        n, n_all = len(photos) + len(test_photos), len(view.photos)
        if n == 0:
            return self.passed("No picture looks drawn.")
        if n > _MEANT * n_all:
            return self.not_applicable(
                f"{n} of {n_all} pictures look drawn: these are not meant to be photos."
            )
        return self.found(
            "hint",
            f"{count(n, 'picture')} may be drawn rather than photographed: "
            f"{some([*photos, *test_photos])}. Take them out unless they are meant.",
            photos=photos,
            test_photos=test_photos,
        )


def _drawn(names: list[str], facts: tuple[Facts, ...]) -> list[str]:
    bad = [
        (-fact.flat_share, name)
        for name, fact in zip(names, facts, strict=True)
        if fact.flat_share > _FLAT and fact.n_colours < _FEW_COLOURS and fact.chroma > _CHROMA
    ]
    return [name for _, name in sorted(bad)]
