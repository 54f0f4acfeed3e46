"""M306: one person among training and test photos."""

from __future__ import annotations

from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.words import count

_COLUMN = "person"


class Persons(Check):
    """Values of the group column 'person' on both sides."""

    code = "M306"
    title = "One person on both sides"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Compare the columns."""
        if view.test is None:
            return self.not_applicable("no test photos were given (--test)")
        if not all(_COLUMN in part.dataset.group_columns for _, part in view.parts):
            return self.not_applicable("no group column 'person' in both folders")
        persons = [
            {p.groups[_COLUMN] for p in part.dataset.photos if _COLUMN in p.groups}
            for _, part in view.parts
        ]
        both = sorted(persons[0] & persons[1])
        if not both:
            return self.passed("No person is among training and test photos.")
        named = [
            [p.name for p in part.dataset.photos if p.groups.get(_COLUMN) in both]
            for _, part in view.parts
        ]
        return self.found(
            "issue",
            f"{count(len(both), 'person')} on both sides, training and test: {some(both)}. The "
            "model may know the person instead of the expression.",
            photos=named[0],
            test_photos=named[1],
        )
