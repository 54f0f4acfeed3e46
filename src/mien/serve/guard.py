"""The guard before every route: which requests of a browser are ours to answer.

Pure ASGI, so that WebSockets pass through it too. It refuses, in this order: a `Host` that is not
ours (DNS rebinding), an `Origin` that is not ours, ``null`` included, a `Sec-Fetch-Site` that says
the request comes from another site (a page on another port of this machine counts as other), and
a missing cookie. There are no CORS headers at all, and every answer carries a content security
policy without inline scripts.

Laws: access is decided on ``scope["path"]``, never on a URL that was put together from headers;
what is not expressly open is closed. Sources: Fetch Metadata Request Headers (W3C), RFC 6454.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, TypeAlias

from mien.serve.access import Access

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    b"content-security-policy": POLICY.encode(),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
}
_SAFE: Final = frozenset({"GET", "HEAD"})
# `none`: typed, a bookmark, or a link outside any page.
_OUR_SITES: Final = frozenset({"same-origin", "none"})
_WS_REFUSED: Final = 1008  # RFC 6455: policy violation


class Guard:
    """Wraps an application.

    Args:
        app: What is guarded.
        hosts: Values of `Host` that are ours, with the port, such as ``127.0.0.1:8000``.
        access: Asked for the cookie; None where everybody on this machine may ask.
        open_paths: Exact paths that need no cookie: where the link is redeemed, and what the page
            that refuses looks like.
        entry: The one path that may be opened from another page, as when the link is clicked in a
            mail; it only redeems a token.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Iterable[str],
        access: Access | None,
        open_paths: Iterable[str] = (),
        entry: str | None = None,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._access = access
        self._open = frozenset(open_paths) | ({entry} if entry else frozenset())
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _WS_REFUSED, "reason": refusal[1]})
        else:
            await _refuse(_with_headers(send), *refusal)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = _Headers(scope)
        host = headers.only("host")
        if host not in self._hosts:
            return 421, "this server does not answer to that host"
        if not self._is_same_site(scope, headers, host):
            return 403, "requests from other pages are not answered"
        if self._access is None or scope["path"] in self._open:
            return None
        if not self._access.knows(headers.cookie(self._access.cookie_name)):
            return 401, "open the link that the terminal shows"
        return None

    def _is_same_site(self, scope: Scope, headers: _Headers, host: str) -> bool:
        origins = headers.all("origin")
        if origins and origins != [f"http://{host}"]:
            return False
        if scope["type"] == "websocket":
            # Browsers always name the origin of a WebSocket. A cookie alone proves nothing.
            return bool(origins) or self._access is None
        is_safe = scope["method"] in _SAFE
        site = headers.only("sec-fetch-site")
        if site is None:
            return is_safe or bool(origins) or self._access is None
        if site in _OUR_SITES:
            return True
        is_navigation = is_safe and headers.only("sec-fetch-mode") == "navigate"
        return is_navigation and scope["path"] == self._entry


class _Headers:
    """The headers of a scope; one that stands twice counts as missing, so that it is refused."""

    def __init__(self, scope: Scope) -> None:
        self._pairs: list[tuple[bytes, bytes]] = list(scope["headers"])

    def all(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self._pairs if key == name.encode()]

    def only(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def cookie(self, name: str) -> str | None:
        jar: SimpleCookie = SimpleCookie()
        try:
            for line in self.all("cookie"):
                jar.load(line)
        except CookieError:
            return None
        return jar[name].value if name in jar else None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            there = {key.lower() for key, _ in own}
            own += [(key, value) for key, value in _HEADERS.items() if key not in there]
            message = {**message, "headers": own}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = f"{status}: {reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
