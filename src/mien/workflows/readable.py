"""What a record of another version lacks, as an error about its file.

Law: views read records that anyone may have written; none of them may end in a traceback.
"""

from __future__ import annotations

from pathlib import Path

from mien.errors import UserError


class readable:  # noqa: N801 - used as a word: with readable(path)
    """Turns what a record lacks into an error about its file.

    Args:
        path: The record's file.

    Raises:
        UserError: The record is not of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from jinja2 import UndefinedError

        if isinstance(error, KeyError | TypeError | AttributeError | UndefinedError):
            raise UserError(
                f"'{self._path}' is not a record of this version of mien: {error}",
                "Run it again, or use the version that wrote it.",
            ) from error
