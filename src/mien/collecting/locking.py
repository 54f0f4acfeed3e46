"""One writer at a time in a dataset's folder: collecting, sorting and forgetting wait in turn.

All three read a table, change it and write it back; two at once would lose lines. The lock is on
`.inbox/lock` and ends with the process that holds it, however that ends (flock). Where the system
has no flock, threads of this process are kept apart and other processes are not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from mien.collecting.journal import INBOX
from mien.errors import UserError

_PATIENCE_S: Final = 10.0
_THREADS: Final = threading.Lock()


@contextmanager
def alone(folder: Path, *, wait_s: float = _PATIENCE_S) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: The dataset's folder; its inbox is made when missing.
        wait_s: How long to wait for another process or thread.

    Raises:
        UserError: Somebody else still holds it, or the folder cannot be written.
    """
    if folder.is_file():
        raise UserError(f"'{folder}' is a file, expected a folder of photos", "Name a folder.")
    try:
        (folder / INBOX).mkdir(parents=True, exist_ok=True)
        file = (folder / INBOX / "lock").open("wb")
    except OSError as error:
        raise UserError(f"cannot write into '{folder}': {error.strerror or error}", "") from error
    deadline = time.monotonic() + wait_s
    with file:
        while not _try(file):
            if time.monotonic() >= deadline:
                raise UserError(
                    f"another mien is at work in '{folder}'",
                    "Wait until it is done, then try again.",
                )
            time.sleep(0.02)
        try:
            yield
        finally:
            if os.name != "posix":
                _THREADS.release()


def _try(file: IO[bytes]) -> bool:
    if os.name != "posix":
        return _THREADS.acquire(blocking=False)
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
