"""One GET from a stranger's server: the checked address, bounded time and size, our own redirects.

Law: every hop passes `check_url`, and every connection goes to an address that was resolved once,
checked, and is the one connected to: a name server that changes its mind has no second say. TLS
still verifies the name. No cookies, no credentials, no proxies, no decompression.
Knows nothing of politeness or pictures.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from mien.collecting.addresses import ascii_host, check_url
from mien.collecting.connecting import CheckedBackend, Resolve, ask_system
from mien.collecting.pooling import Pool
from mien.collecting.records import Unusable
from mien.version import VERSION

MAX_HOPS: Final = 5
# The largest photo of a good camera is about this; what is larger is not meant for a web page.
MAX_PICTURE_BYTES: Final = 40 << 20
MAX_TEXT_BYTES: Final = 4 << 20
_CHUNK_ROOM: Final = 1 << 16
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer.

    Attributes:
        url: Of the last hop.
        content_type: Lower case, without parameters; empty where the server states none.
        data: The body.
    """

    url: str
    content_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds: for a connection, for the next bytes, for all of it."""

    connect_s: float = 10.0
    read_s: float = 15.0
    total_s: float = 90.0


class Browser:
    """Fetches URLs, keeping connections open between them. Safe to use from many threads.

    Args:
        contact: Put into the user agent, such as a mail address; services ask for it.
        patience: See `Patience`.
        allow_local: Skip the checks of addresses: for tests against this machine only.
        resolve: Stands in for the system's resolver in tests.
        backend: Opens connections to checked addresses; the system's by default.
        connections: How many may be open at once.
    """

    def __init__(
        self,
        *,
        contact: str = "",
        patience: Patience | None = None,
        allow_local: bool = False,
        resolve: Resolve | None = None,
        backend: httpcore.NetworkBackend | None = None,
        connections: int = 32,
    ) -> None:
        self.user_agent: Final = user_agent(contact)
        self._patience = patience or Patience()
        self._allow_local = allow_local
        self._checked = CheckedBackend(
            resolve or ask_system, backend or httpcore.SyncBackend(), allow_local=allow_local
        )
        self._pool = Pool(self._checked, most=connections)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def hang_up(self) -> None:
        """Break off whatever is being fetched, from any thread; nothing can be fetched after."""
        self._checked.hang_up()

    def get(
        self,
        url: str,
        *,
        max_bytes: int,
        accept: str = "*/*",
        may_visit: Callable[[str], bool] | None = None,
    ) -> Answer:
        """Fetch a URL, following redirects that pass the same checks.

        Args:
            url: http(s).
            max_bytes: A longer body is refused, not cut.
            accept: What to ask for.
            may_visit: Asked for each hop; False refuses it (robots.txt).

        Raises:
            Unusable: With a reason; `retry_after_s` is set where asking again may help.
        """
        deadline = time.monotonic() + self._patience.total_s
        self._checked.give_until(deadline)
        for _ in range(MAX_HOPS + 1):
            if not self._allow_local:
                check_url(url)
            elif not url.startswith(("http://", "https://")):
                raise Unusable("refused address", "scheme is not http or https")
            if may_visit is not None and not may_visit(url):
                raise Unusable("robots.txt", "robots.txt of the site asks not to fetch this")
            answer = self._hop(url, max_bytes=max_bytes, accept=accept, deadline=deadline)
            if isinstance(answer, Answer):
                return answer
            url = _next_hop(url, answer)
        raise Unusable("refused address", f"more than {MAX_HOPS} redirects")

    def _hop(self, url: str, *, max_bytes: int, accept: str, deadline: float) -> Answer | str:
        """The answer, or where it redirects to."""
        target = _target(url)
        headers = [
            (b"Host", _host_header(target)),
            (b"User-Agent", self.user_agent.encode()),
            (b"Accept", accept.encode()),
            (b"Accept-Encoding", b"identity"),
        ]
        times = self._patience
        waits = {
            "connect": times.connect_s,
            "read": times.read_s,
            "write": times.read_s,
            "pool": times.total_s,
        }
        request = httpcore.Request("GET", target, headers=headers, extensions={"timeout": waits})
        try:
            with self._pool.stream(request) as response:
                found = {name.lower(): value for name, value in response.headers}
                if response.status in _REDIRECTS and b"location" in found:
                    return found[b"location"].decode("latin-1")
                _check_status(response.status, found)
                data = _body(response.iter_stream(), found, max_bytes=max_bytes, deadline=deadline)
                kind = found.get(b"content-type", b"").decode("latin-1").partition(";")[0]
                return Answer(url=url, content_type=kind.strip().lower(), data=data)
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise Unusable("timed out", "the server is too slow", retry_after_s=2.0) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            words = str(error) or type(error).__name__
            raise Unusable("no connection", f"no answer ({words})", retry_after_s=1.0) from error


def user_agent(contact: str) -> str:
    """The name under which mien asks, as Wikimedia's user agent policy wants it.

    Example:
        >>> user_agent("someone@example.org").startswith("mien/")
        True
    """
    who = "".join(letter for letter in contact if letter.isprintable() and letter.isascii())
    about = f"collects photos for teaching classifiers; {who or 'no contact given'}"
    return f"mien/{VERSION} ({about}) python-httpcore/{httpcore.__version__}"


def read_retry_after(text: str, *, now: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait (RFC 9110, 10.2.3), None where unclear.

    Args:
        text: Seconds or an HTTP date.
        now: Seconds since the epoch.

    Example:
        >>> read_retry_after("120", now=0.0)
        120.0
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - now)


def _target(url: str) -> httpcore.URL:
    parts = urlsplit(url)
    assert parts.hostname is not None
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return httpcore.URL(
        scheme=parts.scheme.encode(),
        host=ascii_host(parts.hostname).encode(),
        port=parts.port,
        target=(path + ("?" + query if query else "")).encode(),
    )


def _host_header(target: httpcore.URL) -> bytes:
    host = b"[" + target.host + b"]" if b":" in target.host else target.host
    return host if target.port is None else host + b":" + str(target.port).encode()


def _next_hop(url: str, location: str) -> str:
    try:
        following = urljoin(url, location.strip())
    except ValueError as error:
        raise Unusable("refused address", f"a redirect to no URL: {error}") from error
    if url.startswith("https:") and following.startswith("http:"):
        raise Unusable("refused address", "a redirect from https to http")
    return following


def _check_status(status: int, headers: dict[bytes, bytes]) -> None:
    if status == 200:
        return
    stated = headers.get(b"retry-after", b"").decode("latin-1")
    wait = read_retry_after(stated, now=time.time()) if stated else None
    if status == 429 or (status == 503 and wait is not None):
        raise Unusable("throttled", f"the server asks to wait (HTTP {status})",
                       retry_after_s=10.0 if wait is None else wait)  # fmt: skip
    if status >= 500:
        raise Unusable("server error", f"the server failed (HTTP {status})", retry_after_s=1.0)
    raise Unusable("not found", f"the server answers HTTP {status}")


def _body(
    chunks: Iterable[bytes], headers: dict[bytes, bytes], *, max_bytes: int, deadline: float
) -> bytes:
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise Unusable("not a picture", "the answer is compressed, which was not asked for")
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > max_bytes:
        raise Unusable("too large", f"{int(stated):,} bytes, at most {max_bytes:,}")
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > max_bytes:
            raise Unusable("too large", f"more than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise Unusable("timed out", "the server is too slow", retry_after_s=2.0)
    return bytes(data)
