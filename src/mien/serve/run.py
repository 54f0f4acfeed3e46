"""Run an application on this machine: bind, tell the link, serve until Ctrl-C.

Law: the socket is bound before anything is told, so a link that is shown works. Only loopback
addresses are offered; what reaches further is the business of a proxy that the user sets up.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from mien.errors import UserError

if TYPE_CHECKING:
    from mien.serve.guard import App

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 128


def bind(port: int) -> socket.socket:
    """Take a port on loopback; 0 for any free one.

    Raises:
        UserError: The port is taken or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without this a server that was stopped a moment ago blocks its own port for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"port {port} cannot be used: {reason}", "Choose another with --port, or 0 for any."
        ) from error
    listener.listen(_BACKLOG)
    return listener


def hosts(port: int) -> tuple[str, ...]:
    """The values of `Host` by which a browser on this machine may call us."""
    return (f"{HOST}:{port}", f"localhost:{port}")


def serve(app: App, listener: socket.socket) -> None:
    """Serve `app` on a bound socket until the process is told to stop."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        # A frame of the camera is far smaller; an upload does not go through a WebSocket.
        ws_max_size=4 << 20,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])
