"""What the checks of single photos share: a rule asked of every photo, and a sentence.

Law: photos are named worst first; both folders are asked, each photo by its own figures.
"""

from __future__ import annotations

from collections.abc import Callable

from mien.audits.facts import Facts
from mien.audits.findings import Check, Finding, Outcome, count, some
from mien.audits.view import View
from mien.records import Face

Rule = Callable[[Facts, Face | None], float | None]
"""How bad a photo is, larger is worse; None where nothing is wrong with it."""


def ask_each(
    check: Check, view: View, *, rule: Rule, outcome: Outcome, says: str, advice: str, clean: str
) -> Finding:
    """Ask a rule of every photo.

    Args:
        check: Whose finding it is.
        view: The photos.
        rule: See `Rule`.
        outcome: Where the rule holds for a photo.
        says: What is wrong, after one photo and after several: ``"is dark|are dark"``.
        advice: What to do.
        clean: The sentence where nothing is wrong.
    """
    named: dict[str, list[str]] = {}
    for side, part in view.parts:
        bad = []
        for photo, fact, face in zip(part.dataset.photos, part.facts, part.faces, strict=True):
            how_bad = rule(fact, face)
            if how_bad is not None:
                bad.append((-how_bad, photo.name))
        named[side] = [name for _, name in sorted(bad)]
    photos, test_photos = named["train"], named.get("test", [])
    n = len(photos) + len(test_photos)
    if n == 0:
        return check.passed(clean)
    one, many = says.split("|")
    sentence = (
        f"{count(n, 'photo')} {one if n == 1 else many}: {some([*photos, *test_photos])}. {advice}"
    )
    return check.found(outcome, sentence, photos=photos, test_photos=test_photos)
