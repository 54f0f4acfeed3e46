"""Connections to addresses that were checked: the place where a stranger's name becomes a number.

Law: a name is resolved once, every address it has is judged, and one of those, not the name, is
connected to; a name server that changes its mind has no second say. Whatever is open can be broken
off at once, so that Ctrl-C waits for no slow server. Knows nothing of HTTP.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import httpcore

from mien.collecting.addresses import require_public
from mien.collecting.records import Unusable

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""A host name and port to its addresses; raises `OSError` where there are none."""


def ask_system(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves once, checks every address, connects to one of those and to nothing else.

    Args:
        resolve: Names to addresses.
        backend: Opens connections.
        allow_local: Skip the check, for tests against this machine.
    """

    def __init__(
        self, resolve: Resolve, backend: httpcore.NetworkBackend, *, allow_local: bool
    ) -> None:
        self._resolve = resolve
        self._backend = backend
        self._allow_local = allow_local
        self._hung_up = False
        self._deadline = threading.local()
        # Weak, so that a connection that is done with is not kept alive here.
        self._open: weakref.WeakSet[_Stream] = weakref.WeakSet()

    def give_until(self, deadline: float) -> None:
        """Let whatever the calling thread reads and writes next end by then (monotonic seconds).

        Without this a server that sends a byte of its headers now and then holds a thread for days:
        each read has its own patience.
        """
        self._deadline.at = deadline

    def left(self, timeout: float | None) -> float | None:
        """How long the calling thread may still wait, no longer than `timeout`."""
        left = getattr(self._deadline, "at", math.inf) - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for this fetch is over")
        if math.isinf(left):
            return timeout
        return left if timeout is None else min(left, timeout)

    def hang_up(self) -> None:
        """Break off every connection and refuse new ones."""
        self._hung_up = True
        for stream in list(self._open):
            stream.break_off()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses that were just checked."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unusable("no connection", f"host '{host}' is not found") from error
        if not self._allow_local:
            addresses = require_public(addresses, host=host)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            if self._hung_up:
                raise Unusable("no connection", "collecting was broken off", retry_after_s=0.0)
            try:
                stream = self._backend.connect_tcp(
                    address,
                    port,
                    timeout=self.left(timeout),
                    local_address=local_address,
                    socket_options=socket_options,
                )
                return _Stream(stream, self._open, self.left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Refuse."""
        raise Unusable("refused address", f"a socket file '{path}'")

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection that is listed while it is open; with TLS, the one inside is."""

    def __init__(
        self,
        inner: httpcore.NetworkStream,
        listed: weakref.WeakSet[_Stream],
        left: Callable[[float | None], float | None],
    ) -> None:
        self._inner: Final = inner
        self._listed: Final = listed
        self._left: Final = left
        listed.add(self)

    def break_off(self) -> None:
        """Wake whoever reads or writes: a socket that is only closed would let them wait."""
        wire = self._inner.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # closed already, or not the system's
            wire.shutdown(socket.SHUT_RDWR)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._listed.discard(self)
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Stream(inner, self._listed, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
