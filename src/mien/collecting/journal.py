"""What came of every URL, so that none is asked for twice: `.inbox/journal.jsonl`.

One JSON document a line, added at the end as soon as a picture is decided. A kill can only tear the
last line, which is then left out: its picture is asked for again and lands in the same file, since
kept photos are named by their digest. The journal may be deleted; then rejects are fetched again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from mien.collecting.records import REASONS, Candidate, Line, Search
from mien.errors import DatasetError, UserError
from mien.files import write_text

INBOX: Final = ".inbox"
JOURNAL_NAME: Final = "journal.jsonl"
_SYNC_EVERY_S: Final = 1.0


class Journal:
    """The journal of a dataset's folder, open for adding; use it as a context manager.

    Attributes:
        lines: URL -> what came of it, all that was known and all that was added.
    """

    def __init__(self, folder: Path) -> None:
        self.path: Final = folder / INBOX / JOURNAL_NAME
        self.lines: Final = {line.url: line for line in read_journal(folder)}
        self._file: BinaryIO | None = None
        self._synced_at = 0.0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_end(self.path)
        self._file = self.path.open("ab", buffering=0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._file is not None
        with self._file, contextlib.suppress(OSError):
            os.fsync(self._file.fileno())

    def add(self, lines: Sequence[Line]) -> None:
        """Add lines; they outlive a kill at once, and a power failure within a second.

        Raises:
            UserError: The disk is full or gone; what was there stays whole.
        """
        assert self._file is not None
        rows, before = b"".join(map(_encoded, lines)), self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(rows) != len(rows):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if time.monotonic() - self._synced_at > _SYNC_EVERY_S:
                os.fsync(self._file.fileno())
                self._synced_at = time.monotonic()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(before)  # half a line would swallow the next one
            raise UserError(
                f"cannot write '{self.path}': {error.strerror or error}",
                "Free space on the disk and run it again: it goes on where it stopped.",
            ) from error
        self.lines.update((line.url, line) for line in lines)


def read_journal(folder: Path) -> list[Line]:
    """The journal of a dataset's folder; empty where there is none.

    Raises:
        DatasetError: It cannot be read.
    """
    path = folder / INBOX / JOURNAL_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatasetError(f"cannot read '{path}': {error.strerror or error}", "") from error
    lines = (_decoded(row) for row in data.split(b"\n") if row.strip())
    return [line for line in lines if line is not None]


def rewrite_journal(
    folder: Path, keep: Callable[[Line], bool], *, add: Sequence[Line] = ()
) -> None:
    """Leave lines out of the journal, where there is one, and add others, in one step."""
    path = folder / INBOX / JOURNAL_NAME
    if path.is_file():
        lines = read_journal(folder)
        kept = [line for line in lines if keep(line)]
        if add or len(kept) != len(lines):
            write_text(path, b"".join(_encoded(line) for line in [*kept, *add]).decode())


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _encoded(line: Line) -> bytes:
    # As `records.plain` has it, in a tenth of the time.
    search = {**vars(line.search), "groups": dict(line.search.groups)}
    value = {**vars(line), "search": search, "candidate": vars(line.candidate)}
    return _JSON.encode(value).encode() + b"\n"


def _decoded(row: bytes) -> Line | None:
    """A line, None where it is torn or of another version: it is then asked for again."""
    try:
        value: dict[str, Any] = json.loads(row)
        names = {f.name for f in fields(Line)} - {"search", "candidate"}
        line = Line(
            search=Search(**value["search"]),
            candidate=Candidate(**value["candidate"]),
            **{name: value[name] for name in names},
        )
    except (ValueError, KeyError, TypeError):
        return None
    return line if line.reason is None or line.reason in REASONS else None


def _cut_torn_end(path: Path) -> None:
    # Without this the next line would be added to the torn one, and both be lost.
    if not path.is_file():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
