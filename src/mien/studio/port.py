"""The port that a project's studio had last, so that after a restart open tabs find it again.

A tab may hold frames of the camera that no server has yet; they can be sent only to the address
that the tab came from. Law: the port is a wish, nothing more; a free one does as well.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from mien.errors import UserError
from mien.files import write_text
from mien.serve.run import bind


def bind_again(root: Path, port: int) -> socket.socket:
    """Take the port that is asked for or, for 0, the last one of this project, or any free one.

    Raises:
        UserError: The port that is asked for is taken or may not be used.
    """
    note = root / ".mien" / "port"
    if port == 0:
        with suppress(OSError, ValueError, UserError):
            return bind(int(note.read_text(encoding="ascii")))
    return bind(port)


def remember(root: Path, listener: socket.socket) -> None:
    """Note the port for the next time."""
    with suppress(UserError):  # a full disk must not keep the studio from starting
        write_text(root / ".mien" / "port", f"{listener.getsockname()[1]}\n")
