"""M204: photos whose groups are not known, where others' are."""

from __future__ import annotations

from mien.audits.checks.per_photo import by_side
from mien.audits.findings import Check, Finding, some
from mien.audits.view import Part, View
from mien.words import count


class Ungrouped(Check):
    """Photos without a value in a group column."""

    code = "M204"
    title = "Photos without groups"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name them."""
        if not any(part.dataset.group_columns for _, part in view.parts):
            return self.not_applicable("no groups are known")
        photos, test_photos = by_side(view, _ungrouped)
        n = len(photos) + len(test_photos)
        if n == 0:
            return self.passed("Every photo has a value in every group column.")
        return self.found(
            "hint",
            f"{count(n, 'photo')} without a value in some group column: "
            f"{some([*photos, *test_photos])}. They are in no group's score.",
            photos=photos,
            test_photos=test_photos,
        )


def _ungrouped(part: Part) -> list[str]:
    return [
        photo.name
        for photo in part.dataset.photos
        if any(column not in photo.groups for column in part.dataset.group_columns)
    ]
