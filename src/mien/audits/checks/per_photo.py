"""What the checks of single photos share: a rule asked of every photo, and a sentence.

Law: photos are named worst first; both folders are asked, each photo by its own figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from mien.audits.facts import Facts
from mien.audits.findings import Check, Finding, Outcome, some
from mien.audits.view import Part, View
from mien.records import Face
from mien.words import count


class PhotoCheck(Check):
    """A rule that every photo keeps or breaks by itself. Subclasses give the rule and the words.

    Attributes:
        outcome: Where the rule holds for a photo.
        says: What is wrong, of one photo and of several.
        advice: What to do.
        clean: The sentence where nothing is wrong.
    """

    outcome: ClassVar[Outcome]
    says: ClassVar[tuple[str, str]]
    advice: ClassVar[str]
    clean: ClassVar[str]

    def how_bad(self, facts: Facts, face: Face | None) -> float | None:
        """How bad a photo is, larger is worse; None where nothing is wrong with it."""
        raise NotImplementedError

    def run(self, view: View) -> Finding:
        """Ask every photo."""
        photos, test_photos = by_side(view, self._bad)
        n = len(photos) + len(test_photos)
        if n == 0:
            return self.passed(self.clean)
        named = some([*photos, *test_photos])
        return self.found(
            self.outcome,
            f"{count(n, 'photo')} {self.says[n > 1]}: {named}. {self.advice}",
            photos=photos,
            test_photos=test_photos,
        )

    def _bad(self, part: Part) -> list[str]:
        bad = []
        for name, facts, face in zip(part.names, part.facts, part.faces, strict=True):
            how_bad = self.how_bad(facts, face)
            if how_bad is not None:
                bad.append((-how_bad, name))
        return [name for _, name in sorted(bad)]


def by_side(
    view: View, pick: Callable[[Part], Sequence[str]]
) -> tuple[Sequence[str], Sequence[str]]:
    """What is picked of the training photos, and of the test photos where there are any."""
    return pick(view.train), pick(view.test) if view.test else ()
