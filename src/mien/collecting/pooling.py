"""Connections that are kept open between requests, each used by one thread at a time.

Not httpcore's own pool: for each request and again for each answer that one asks every connection
whether its other end has hung up, a third of all that fetching takes. Law: no more than so many are
open; one that may have ended is not used again. Knows nothing of addresses and of what is asked.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Final

import httpcore

# A server that keeps connections longer than this is rare, and a new one is made soon enough.
_KEEP_S: Final = 15.0


class Pool:
    """Sends requests over connections that are kept. Safe to use from many threads.

    Args:
        backend: Opens connections.
        most: How many may be open at once.
    """

    def __init__(self, backend: httpcore.NetworkBackend, *, most: int) -> None:
        self._backend: Final = backend
        self._most: Final = most
        self._tls: Final = ssl.create_default_context()
        self._free: Final = threading.BoundedSemaphore(most)
        self._lock: Final = threading.Lock()
        self._idle: Final[list[tuple[httpcore.Origin, httpcore.HTTPConnection]]] = []
        self._n_busy = 0

    @contextlib.contextmanager
    def stream(self, request: httpcore.Request) -> Iterator[httpcore.Response]:
        """Send a request; its answer may be read inside.

        Raises:
            PoolTimeout: No connection was free for as long as the request's ``"pool"`` says.
        """
        if not self._free.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpcore.PoolTimeout("all connections are in use")
        try:
            origin = request.url.origin
            connection = self._taken(origin)
            try:
                response = connection.handle_request(request)
                try:
                    yield response
                finally:
                    response.close()
            finally:
                self._give_back(origin, connection)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._lock:
            idle = [connection for _, connection in self._idle]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _taken(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        while True:
            connection = self._one_of(origin)
            if connection is None:
                return httpcore.HTTPConnection(
                    origin, self._tls, keepalive_expiry=_KEEP_S, network_backend=self._backend
                )
            if not connection.has_expired():
                return connection
            connection.close()
            with self._lock:
                self._n_busy -= 1

    def _one_of(self, origin: httpcore.Origin) -> httpcore.HTTPConnection | None:
        """A connection that is kept, the last used first; None, and room for one, without any."""
        with self._lock:
            self._n_busy += 1
            for i in range(len(self._idle) - 1, -1, -1):
                if self._idle[i][0] == origin:
                    return self._idle.pop(i)[1]
            surplus = len(self._idle) + self._n_busy - self._most
            dropped = [connection for _, connection in self._idle[: max(0, surplus)]]
            del self._idle[: len(dropped)]
        for connection in dropped:
            connection.close()
        return None

    def _give_back(self, origin: httpcore.Origin, connection: httpcore.HTTPConnection) -> None:
        is_sound = connection.is_available()
        with self._lock:
            self._n_busy -= 1
            if is_sound:
                self._idle.append((origin, connection))
        if not is_sound:
            connection.close()
