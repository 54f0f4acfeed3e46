"""What the studio itself refuses, with a code by which the page says it in its own language."""

from __future__ import annotations

import errno
from typing import Final

from mien.errors import UserError
from mien.studio.texts import say


class StudioError(UserError):
    """Something that was asked of the studio cannot be done.

    Args:
        code: Its text is ``error.CODE``, the advice ``error.CODE_hint`` where there is one.
        **values: For the text's placeholders.
    """

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(say("en", f"error.{code}", **values))
        self.code: Final = code
        self.values: Final = values


# The disk itself, or the user's share of it, which not every system has.
_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


# How a job tells it: in its record, or, where even that cannot be written, by its exit code.
DISK_FULL: Final = {"code": "disk_full", "message": say("en", "error.disk_full"), "hint": ""}
DISK_FULL_EXIT: Final = 74  # EX_IOERR of sysexits.h


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, says that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def from_disk(error: OSError | UserError) -> UserError:
    """What the user is told when the disk refused something, in one way whoever noticed it."""
    if is_full(error):
        return StudioError("disk_full")
    if isinstance(error, UserError):
        return error
    what = f"'{error.filename}'" if error.filename else "the project"
    return UserError(
        f"cannot change {what}: {error.strerror or error}",
        "See that the folder is there and that you may write to it; nothing was changed.",
    )
