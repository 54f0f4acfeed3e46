"""M204: photos whose groups are not known, where others' are."""

from __future__ import annotations

from mien.audits.findings import Check, Finding, count, some
from mien.audits.view import View


class Ungrouped(Check):
    """Photos without a value in a group column."""

    code = "M204"
    title = "Photos without groups"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Name them."""
        if not any(part.dataset.group_columns for _, part in view.parts):
            return self.not_applicable("no groups are known")
        named = {
            side: [
                photo.name
                for photo in part.dataset.photos
                if any(column not in photo.groups for column in part.dataset.group_columns)
            ]
            for side, part in view.parts
        }
        photos, test_photos = named["train"], named.get("test", [])
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
