"""Bing's image search, as the study behind mien used it: off unless asked for by name.

Pages of results are read by icrawler (MIT; the extra ``mien[bing]``), which follows Bing's changes
of markup; its downloader is not used: pictures go through the same checked fetching as all others.
Bing states no licence and no creator. `RIGHTS` says so to the user, every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from mien.collecting.records import Candidate
from mien.collecting.sources.base import SourceContext, ask, url_of
from mien.errors import FetchError, UserError

BASE_URL: Final = "https://www.bing.com"
PAGE_SIZE: Final = 20
MAX_RESULTS: Final = 1000  # beyond, Bing repeats itself

RIGHTS: Final = (
    "Bing states no licences: these pictures belong to somebody, and most show people who were "
    "not asked. They may be fit for a private exercise; do not publish or pass them on."
)


@dataclass(frozen=True)
class _Page:
    """What icrawler's parser reads of an answer."""

    content: bytes


def search_bing(query: str, context: SourceContext) -> Iterator[Candidate]:
    """Search pictures on Bing.

    Raises:
        FetchError: Bing cannot be asked.
        UserError: icrawler is not installed, or a licence was asked for.
    """
    if context.codes is not None:
        raise UserError("Bing states no licences, so --licence cannot be kept", "Use openverse.")
    parser = _parser()
    seen: set[str] = set()
    for first in range(0, MAX_RESULTS, PAGE_SIZE):
        address = urlencode({"q": query, "first": str(first)})
        url = f"{context.base_url or BASE_URL}/images/async?{address}"
        page = _Page(ask(url, context, source="Bing", accept="text/html"))
        found = [url_of(entry.get("file_url")) for entry in parser.parse(page)]
        new = [url for url in dict.fromkeys(found) if url and url not in seen]
        if not new:
            return
        seen.update(new)
        for picture in new:
            yield Candidate(url=picture, source="bing")


def _parser() -> Any:
    try:
        from icrawler.builtin.bing import BingParser
    except ImportError as error:
        raise UserError(
            "searching Bing needs the package icrawler", "Install it: pip install 'mien[bing]'."
        ) from error
    try:
        return BingParser(1, None, None)
    except TypeError as error:
        raise FetchError(f"this icrawler does not fit: {error}", "Install 0.6.10.") from error
