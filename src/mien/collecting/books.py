"""Journal, ledger and groups table of one folder, kept in agreement with its photos.

Law: for each URL there is one line in the journal; a kept photo has one line in the ledger once
`write` was called, and one in the groups table where it was accepted into a class.
Safe to use from many threads.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mien.collecting import ledger
from mien.collecting.grouping import write_groups
from mien.collecting.inventory import HeldPhoto, current_sources
from mien.collecting.journal import INBOX, Journal, read_journal, rewrite_journal
from mien.collecting.records import Gathered, Line, Search, most_frequent_first
from mien.version import VERSION

# Reasons for which no picture had arrived yet.
NOT_FETCHED: Final = frozenset(
    {"refused address", "robots.txt", "not found", "server error", "timed out", "no connection",
     "throttled", "too large", "not a picture", "lying type", "licence"}
)  # fmt: skip


class Books:
    """The books of a folder; use it as a context manager, under the folder's lock.

    Args:
        folder: The dataset's folder.
        held: The photos in it now.

    Attributes:
        folder: As given.
    """

    def __init__(self, folder: Path, held: Sequence[HeldPhoto]) -> None:
        self.folder: Final = folder
        _remove_parts(folder)
        self._sources = {line.path: line for line in current_sources(folder, held)}
        self._files: Final = {photo.name: str(photo.path) for photo in held}
        _heal(folder, {photo.sha256 for photo in held})
        self._journal: Final = Journal(folder)
        self._accepted: Final[set[str]] = set()  # photos whose groups are not in the table yet
        self._lock: Final = threading.RLock()
        self._written = False  # since when nothing new came

    def __enter__(self) -> Self:
        self._journal.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self.write)
            self._journal.__exit__(kind, error, trace)

    @property
    def lines(self) -> Mapping[str, Line]:
        """URL -> what came of it."""
        return self._journal.lines

    def add(self, lines: Sequence[Line]) -> None:
        """Write down what came of URLs."""
        with self._lock:
            self._written = False
            self._journal.add(lines)

    def placed(self, lines: Iterable[Line]) -> None:
        """Say that kept photos lie on the disk."""
        with self._lock:
            for line in lines:
                self._written = False
                accepted = not line.path.startswith(f"{INBOX}/")
                self._sources[line.path] = source_line(line, accepted=accepted)
                if accepted:
                    self._accepted.add(line.path)

    def gathered(self, search: Search, *, dry: bool = False, unfinished: int = 0) -> Gathered:
        """What a search gave so far."""
        lines = [line for line in list(self.lines.values()) if line.search == search]
        reasons = (line.reason for line in lines if line.reason is not None)
        return Gathered(
            search=search,
            asked=len(lines),
            fetched=sum(line.reason not in NOT_FETCHED for line in lines),
            usable=sum(line.reason is None for line in lines),
            reasons=most_frequent_first(reasons),
            dry=dry,
            unfinished=unfinished,
        )

    def write(self) -> None:
        """Write ledger and groups table as of now."""
        with self._lock:
            if self._written:
                return
            self._written = True
            unlisted = [
                line
                for line in self.lines.values()
                if line.reason is None and line.path not in self._sources
            ]
            # A kill came before the ledger was written.
            self.placed(line for line in unlisted if self._is_there(line.path))
            lines = [s for s in self._sources.values() if self._is_there(s.path)]
            new = [s for s in lines if s.state == "kept" and s.path in self._accepted]
            self._accepted.clear()
        write_groups(self.folder, {s.path: ledger.split_groups(s.groups) for s in new})
        if lines or (self.folder / ledger.LEDGER_NAME).is_file():
            ledger.write_sources(self.folder, lines)

    def _is_there(self, path: str) -> bool:
        # A held photo is asked for where it was found: a name of ours is composed (NFC), one that
        # came from a Mac may not be. Text, as thousands are asked for: a Path takes ten times as
        # long.
        return os.path.isfile(self._files.get(path) or f"{self.folder}/{path}")  # noqa: PTH113


def source_line(line: Line, *, accepted: bool) -> ledger.SourceLine:
    """The ledger's line of a photo that was kept."""
    candidate = line.candidate
    return ledger.SourceLine(
        path=line.path, sha256=line.sha256, source=candidate.source, url=line.url,
        landing_page=candidate.landing_page, title=candidate.title, creator=candidate.creator,
        creator_url=candidate.creator_url, licence=candidate.licence,
        licence_url=candidate.licence_url, query=line.search.query, label=line.search.label or "",
        groups=ledger.join_groups(line.search.groups), fetched_at=line.fetched_at,
        tool=f"mien {VERSION}", edits=line.edits, fetched_sha256=line.fetched_sha256,
        state="kept" if accepted else "undecided",
    )  # fmt: skip


def _heal(folder: Path, held: set[str]) -> None:
    """Make the journal agree with the disk.

    A kept photo without a file was either prevented by a kill, and is fetched again; or it was
    in the ledger, so a person deleted it, and it does not come back.
    """
    lines = read_journal(folder)
    known = {line.sha256 for line in ledger.read_sources(folder)}
    lost = {line.url for line in lines if line.reason is None and line.sha256 not in held}
    by_hand = [
        replace(line, reason="rejected by hand", detail="was deleted", path="", sha256="")
        for line in lines
        if line.url in lost and line.sha256 in known
    ]
    if lost:
        rewrite_journal(folder, lambda line: line.url not in lost, add=by_hand)


def _remove_parts(into: Path) -> None:
    """Remove what a kill left of files that were being written."""
    for folder in (into / INBOX, *(path for path in into.glob("*") if path.is_dir())):
        for part in folder.glob(".*.part"):
            part.unlink(missing_ok=True)
