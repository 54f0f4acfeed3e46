"""What the studio itself refuses, with a code by which the page says it in its own language."""

from __future__ import annotations

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
