"""Openverse: over 800 million openly licensed pictures, by its API version 1.

Documented at https://api.openverse.org/v1/. Without an account, a page holds at most 20 results
and at most 240 results of a search can be seen; both are the service's limits, not ours. Each
result states licence, creator and landing page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from mien.collecting.licences import licence_page, parse_licence
from mien.collecting.records import Candidate
from mien.collecting.sources.base import SourceContext, get_json, text_of, url_of
from mien.errors import FetchError

BASE_URL: Final = "https://api.openverse.org"
PAGE_SIZE: Final = 20
MAX_PAGES: Final = 12
# Openverse knows Creative Commons' codes and no "pd".
_CODES: Final = ("cc0", "pdm", "by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")


def search_openverse(query: str, context: SourceContext) -> Iterator[Candidate]:
    """Search photographs on Openverse.

    Raises:
        FetchError: The service cannot be asked, or answers in another shape.
    """
    wanted = {"q": query, "page_size": str(PAGE_SIZE), "category": "photograph"}
    if context.codes is not None:
        wanted["license"] = ",".join(code for code in _CODES if code in context.codes)
        if not wanted["license"]:
            return
    page, pages = 1, 1
    while page <= min(pages, MAX_PAGES):
        address = urlencode({**wanted, "page": str(page)})
        url = f"{context.base_url or BASE_URL}/v1/images/?{address}"
        answer = get_json(url, context, source="Openverse")
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise FetchError("Openverse answered without 'results'", "Its API may have changed.")
        pages = answer.get("page_count", 0)
        pages = pages if isinstance(pages, int) else 0
        for result in answer["results"]:
            candidate = _candidate(result)
            if candidate is not None:
                yield candidate
        page += 1


def _candidate(result: Any) -> Candidate | None:
    if not isinstance(result, dict) or not url_of(result.get("url")):
        return None
    stated = f"{result.get('license') or ''} {result.get('license_version') or ''}".strip()
    licence = parse_licence(text_of(stated))
    return Candidate(
        url=url_of(result["url"]),
        source="openverse",
        landing_page=url_of(result.get("foreign_landing_url")),
        title=text_of(result.get("title")),
        creator=text_of(result.get("creator")),
        creator_url=url_of(result.get("creator_url")),
        licence=licence,
        licence_url=url_of(result.get("license_url")) or licence_page(licence),
    )
