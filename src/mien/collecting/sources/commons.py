"""Wikimedia Commons, by MediaWiki's action API.

`generator=search` in the file namespace with `prop=imageinfo`; licence and creator come as
`extmetadata` (Extension:CommonsMetadata), whose values are HTML. Its etiquette asks for one
request at a time, a telling user agent and `maxlag`. Pictures are fetched as thumbnails of
`WIDTH_PX`, as the service asks of whoever does not need the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from mien.collecting.licences import licence_page, parse_licence
from mien.collecting.records import Candidate
from mien.collecting.sources.base import SourceContext, get_json, text_of, url_of
from mien.errors import FetchError

BASE_URL: Final = "https://commons.wikimedia.org"
WIDTH_PX: Final = 1280  # one of the widths that Wikimedia keeps ready
PAGE_SIZE: Final = 50
MAX_PAGES: Final = 40
_LAG_S: Final = 5.0  # what API:Etiquette recommends
_TRIES: Final = 4
# Its databases are behind, or we were too quick: those who can wait are asked to.
_PATIENCE: Final = ("maxlag", "ratelimited")
_PICTURES: Final = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff")


def search_commons(query: str, context: SourceContext) -> Iterator[Candidate]:
    """Search bitmap pictures on Wikimedia Commons.

    Raises:
        FetchError: The service cannot be asked, or reports an error.
    """
    asked = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "maxlag": "5",
        "generator": "search",
        "gsrsearch": f"filetype:bitmap {query}",
        "gsrnamespace": "6",
        "gsrlimit": str(PAGE_SIZE),
        "prop": "imageinfo",
        "iiprop": "url|mime|size|extmetadata",
        "iiurlwidth": str(WIDTH_PX),
        "iiextmetadatafilter": "LicenseShortName|LicenseUrl|Artist|Credit|ObjectName|UsageTerms",
    }
    following: Mapping[str, str] = {}
    for _ in range(MAX_PAGES):
        url = f"{context.base_url or BASE_URL}/w/api.php?{urlencode({**asked, **following})}"
        answer = _ask(url, context)
        yield from _candidates(answer)
        following = answer.get("continue") or {}
        if not following:
            return


def _ask(url: str, context: SourceContext) -> dict[str, Any]:
    error: Mapping[str, Any] = {}
    for _ in range(_TRIES):
        answer = get_json(url, context, source="Wikimedia Commons")
        if not isinstance(answer, dict):
            raise FetchError("Wikimedia Commons answered no object", "Its API may have changed.")
        if "error" not in answer:
            return answer
        error = answer["error"] if isinstance(answer["error"], dict) else {}
        if error.get("code") not in _PATIENCE:
            break
        context.pause(_LAG_S)
    info = text_of(error.get("info")) or "an error"
    raise FetchError(f"Wikimedia Commons reports: {info}", "Try again later.")


def _candidates(answer: Mapping[str, Any]) -> Iterator[Candidate]:
    query = answer.get("query")
    pages = query.get("pages", []) if isinstance(query, dict) else []
    # Version 1 of the format keys pages by their number.
    listed = list(pages.values()) if isinstance(pages, dict) else pages
    rows = [page for page in listed if isinstance(page, dict)]
    for page in sorted(rows, key=lambda page: page.get("index") or 0):
        infos = page.get("imageinfo")
        if isinstance(infos, list) and infos and isinstance(infos[0], dict):
            candidate = _candidate(page, infos[0])
            if candidate is not None:
                yield candidate


def _candidate(page: Mapping[str, Any], info: Mapping[str, Any]) -> Candidate | None:
    url = url_of(info.get("thumburl")) or url_of(info.get("url"))
    if not url or info.get("mime") not in _PICTURES:
        return None
    stated = info.get("extmetadata")
    extra = stated if isinstance(stated, dict) else {}

    def value(name: str) -> str:
        entry = extra.get(name)
        return text_of(entry.get("value")) if isinstance(entry, dict) else ""

    licence = parse_licence(value("LicenseShortName") or value("UsageTerms"))
    return Candidate(
        url=url,
        source="commons",
        landing_page=url_of(info.get("descriptionurl")),
        title=value("ObjectName") or text_of(page.get("title")).removeprefix("File:"),
        creator=value("Artist") or value("Credit"),
        licence=licence,
        licence_url=url_of(value("LicenseUrl")) or licence_page(licence),
    )
