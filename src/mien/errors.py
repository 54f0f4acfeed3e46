"""The errors a user can cause, each with what is wrong and what to do about it.

Knows nothing of the rest of mien. The command line turns a `UserError` into one red line and
exit code 1; anything else that escapes is our own bug and shows its traceback.
"""

from __future__ import annotations

from typing import Final


class UserError(Exception):
    """Something the user gave cannot be used.

    Args:
        message: What is wrong, with the name and the value, and what was expected.
        hint: What to do about it, a full sentence. Empty where the message says it all.

    Example:
        >>> error = UserError("class 'sad' has 1 photo, at least 2 are needed", "Add photos.")
        >>> str(error)
        "class 'sad' has 1 photo, at least 2 are needed · Add photos."
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message: Final = message
        self.hint: Final = hint

    def __str__(self) -> str:
        return f"{self.message} · {self.hint}" if self.hint else self.message


class PhotoError(UserError):
    """One photo cannot be used; its message is the reason that stands in the record's rejects."""


class DatasetError(UserError):
    """A folder of photos, a groups table or a split cannot be used as asked."""


class ModelError(UserError):
    """A model file cannot be read, or does not fit what it is used for."""


class RecipeError(UserError):
    """A recipe's setting is unknown, of the wrong kind or out of range."""


class FetchError(UserError):
    """Something that must be downloaded or found in the mirror cannot be had."""
