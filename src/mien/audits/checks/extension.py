"""M114: files whose name states another format than their bytes."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import by_side
from mien.audits.findings import Check, Finding, some
from mien.audits.view import Part, View
from mien.words import count

_ENDINGS: Final = {
    "jpeg": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "png": {".png", ".apng"},
    "webp": {".webp"},
    "gif": {".gif"},
    "bmp": {".bmp", ".dib"},
    "tiff": {".tif", ".tiff"},
}


class Extension(Check):
    """Names that do not say what the file is."""

    code = "M114"
    title = "Name states another format"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Compare endings with magic bytes."""
        photos, test_photos = by_side(view, _misnamed)
        n = len(photos) + len(test_photos)
        if n == 0:
            return self.passed("Every file is what its name says.")
        return self.found(
            "hint",
            f"{count(n, 'file')} of another format than the name says: "
            f"{some([*photos, *test_photos])}. mien reads them; other programs may not.",
            photos=photos,
            test_photos=test_photos,
        )


def _misnamed(part: Part) -> list[str]:
    return [
        photo.name
        for photo, fact in zip(part.dataset.photos, part.facts, strict=True)
        if photo.path.suffix.lower() not in _ENDINGS[fact.format]
    ]
