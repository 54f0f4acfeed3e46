"""What every source is given and what it gives; reading answers that strangers wrote.

Law: a source raises `FetchError` where it cannot be asked at all, and skips an entry that makes no
sense: one bad line of an answer never ends a search.
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mien.collecting.connection import MAX_TEXT_BYTES, Browser
from mien.collecting.politeness import MAX_WAIT_S
from mien.collecting.records import Candidate, Unusable
from mien.errors import FetchError

MAX_TEXT: Final = 300
_TAG: Final = re.compile(r"<[^>]{0,2000}>")
_TRIES: Final = 4


@dataclass(frozen=True, kw_only=True)
class SourceContext:
    """What a search may use.

    Attributes:
        browser: Fetches pages of results.
        base_url: Stands in for the source's own address; for tests and private mirrors. None for
            the source's own.
        codes: Licence codes to ask for where the source can filter; None for all.
        pause: Sleeps so many seconds; tests count instead.
    """

    browser: Browser
    base_url: str | None = None
    codes: frozenset[str] | None = None
    pause: Callable[[float], None] = time.sleep


class Source(Protocol):
    """Searches: words in, candidates out, the best first, until there are no more."""

    def __call__(self, query: str, context: SourceContext) -> Iterator[Candidate]:
        """Search.

        Raises:
            FetchError: The source cannot be asked.
        """


def get_json(url: str, context: SourceContext, *, source: str) -> Any:
    """Ask a source's API, waiting where it asks to wait.

    Raises:
        FetchError: It gives no JSON, or asks for more patience than we have.
    """
    data = ask(url, context, source=source, accept="application/json")
    try:
        return json.loads(data)
    except ValueError as error:
        raise FetchError(
            f"{source} answered no JSON to {url}: {error}", "Try again later."
        ) from error


def ask(url: str, context: SourceContext, *, source: str, accept: str) -> bytes:
    """Fetch a page of results, patiently.

    Raises:
        FetchError: It cannot be had.
    """
    last: Unusable | None = None
    for attempt in range(_TRIES):
        try:
            return context.browser.get(url, max_bytes=MAX_TEXT_BYTES, accept=accept).data
        except Unusable as error:
            last = error
            if error.retry_after_s is None or error.retry_after_s > MAX_WAIT_S:
                break
            if attempt + 1 < _TRIES:
                context.pause(max(error.retry_after_s, 0.5 * 2**attempt))
    assert last is not None
    hint = "Try again later." if last.retry_after_s is not None else _why_refused(last)
    raise FetchError(f"{source} cannot be asked: {last.message} ({url})", hint) from last


def _why_refused(error: Unusable) -> str:
    if error.reason == "not found":  # 401 and 403 among them
        return "Say who you are with --contact YOUR-MAIL: services refuse those who do not."
    return "Check the network."


def text_of(value: Any) -> str:
    """Text from a stranger's JSON: no markup, no control characters, not too long.

    Example:
        >>> text_of('<a href="x">Jo &amp; Co</a>')
        'Jo & Co'
    """
    if not isinstance(value, str):
        return ""
    plain = html.unescape(_TAG.sub(" ", value[: 8 * MAX_TEXT]))
    printable = "".join(letter if letter.isprintable() else " " for letter in plain)
    return " ".join(printable.split())[:MAX_TEXT]


def url_of(value: Any) -> str:
    """An http(s) address from a stranger's JSON, empty where it is none."""
    if not isinstance(value, str):
        return ""
    url = "https:" + value if value.startswith("//") else value.strip()
    return url if url.startswith(("http://", "https://")) and len(url) < 4096 else ""
