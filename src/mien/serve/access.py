"""Who may talk to a server: a link that works once, and the cookie it is exchanged for.

Law: secrets are compared in constant time, live in memory only, and end with the server. Knows
nothing of HTTP: `guard` asks, this answers.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import Final

_N_BYTES: Final = 32


class Access:
    """The secrets of one running server.

    Attributes:
        cookie_name: Bears the port, because cookies are shared by all ports of a host.

    Example:
        >>> access = Access(port=8000)
        >>> token = access.new_token()
        >>> access.redeem(token), access.redeem(token)
        (True, False)
    """

    def __init__(self, *, port: int) -> None:
        self.cookie_name: Final = f"mien_{port}"
        self.cookie_value: Final = secrets.token_urlsafe(_N_BYTES)
        self._tokens: list[str] = []
        self._lock = threading.Lock()

    def new_token(self) -> str:
        """Make a token that can be redeemed once; it replaces those before it."""
        token = secrets.token_urlsafe(_N_BYTES)
        with self._lock:
            self._tokens[:] = [token]
        return token

    def redeem(self, token: str) -> bool:
        """Whether the token is good; it no longer is afterwards."""
        with self._lock:
            good = [one for one in self._tokens if _same(one, token)]
            for one in good:
                self._tokens.remove(one)
        return bool(good)

    def knows(self, cookie: str | None) -> bool:
        """Whether a request with this value of the cookie comes from who redeemed a token."""
        return cookie is not None and _same(cookie, self.cookie_value)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
