"""The audit as one HTML page with the photos it is about.

A view of the record: no figure is made here. Law: one file, nothing loaded from elsewhere, no
script; thumbnails are decoded and encoded anew, so that no EXIF data reaches the page. It shows
people, so it is for whoever owns the photos, not for publishing.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mien.audits.findings import OUTCOMES, Finding, Side
from mien.audits.tables import NO_GROUPS, UNKNOWN, is_known
from mien.audits.view import Part
from mien.errors import PhotoError
from mien.files import write_text
from mien.image.decode import decode, read_photo_bytes
from mien.image.preprocessing import upright_pixels
from mien.records import plain
from mien.reports.rendering import render
from mien.reports.words import Words, words

_MOST_PHOTOS: Final = 24
_MOST_PAIRS: Final = 16
_THUMBNAIL_PX: Final = 168

Key = tuple[str, str]


def write_audit_page(
    path: Path, *, record: Any, parts: Mapping[Side, Part], language: str = "en"
) -> None:
    """Write the page.

    Args:
        path: The file.
        record: The record of `mien audit`.
        parts: The photos it is about, for their thumbnails.
        language: Of the page, one of `words.LANGUAGES`.

    Raises:
        UserError: The file cannot be written, or there are no pages in this language.
    """
    write_text(path, audit_page(record, parts=parts, language=language))


def audit_page(record: Any, *, parts: Mapping[Side, Part], language: str = "en") -> str:
    """The page's text; see `write_audit_page`."""
    t = words(language)
    places = {
        (side, photo.name): photo.path
        for side, part in parts.items()
        for photo in part.dataset.photos
    }
    shown = {key for finding in record.findings for key in _shown(finding)}
    document = _named(plain(record), t)
    for finding, source in zip(document["findings"], record.findings, strict=True):
        finding["more_photos"] = max(0, len(_listed(source)) - _MOST_PHOTOS)
        finding["more_pairs"] = max(0, len(source.pairs) - _MOST_PAIRS)
        finding["shown"] = _listed(source)[:_MOST_PHOTOS]
        finding["pairs"] = finding["pairs"][:_MOST_PAIRS]
    known = [is_known(column) for column in record.table.columns]
    counts = {
        outcome: sum(f["outcome"] == outcome for f in document["findings"]) for outcome in OUTCOMES
    }
    return render(
        "audit.html",
        d=document,
        counts=counts,
        known=known,
        pictures={key: _thumbnail(places[key]) for key in sorted(shown) if key in places},
        sums=[sum(column) for column in zip(*document["table"]["counts"], strict=True)],
        language=language,
    )


def _named(document: dict[str, Any], t: Words) -> dict[str, Any]:
    """The document with the table's own words, for what has no group, in the page's language."""

    def name(column: str) -> str:
        if column == NO_GROUPS:
            return t("all photos")
        return " ".join(t("unknown") if word == UNKNOWN else word for word in column.split(" "))

    document["table"]["columns"] = [name(column) for column in document["table"]["columns"]]
    for lack in document["collect_next"]["cells"]:
        lack["group"] = name(lack["group"])
    return document


def _listed(finding: Finding) -> list[Key]:
    """Photos that are shown one by one: none where pairs show them."""
    if finding.pairs:
        return []
    return [
        *(("train", name) for name in finding.photos),
        *(("test", name) for name in finding.test_photos),
    ]


def _shown(finding: Finding) -> Iterable[Key]:
    yield from _listed(finding)[:_MOST_PHOTOS]
    for pair in finding.pairs[:_MOST_PAIRS]:
        yield pair.first_in, pair.first
        yield pair.second_in, pair.second


def _thumbnail(path: Path) -> str:
    """A small picture as a data address; empty where it cannot be read any more."""
    from PIL import Image

    try:
        pixels = upright_pixels(decode(read_photo_bytes(path)))
    except PhotoError:
        return ""
    picture = Image.fromarray(pixels)
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
