"""What a user decided about the audit's findings, one line each, every one of which can be undone.

::

    .mien/decisions.jsonl    {"id", "time", "key", "choice", "words", "change"}  or  {"undoes": ID}

A decision that moves or deletes a photo is also a change in the journal; undoing it takes that very
change back, whatever else was done since. Laws: a decision is on the disk before the page is told;
it is written before its change and stands only while that change does, so a kill between the two,
or the board's undo, leaves neither; it is about bytes, not names, so a renamed photo keeps its
decisions.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from mien.digest import digest_file, digest_text
from mien.studio.errors import StudioError, from_disk
from mien.studio.journal import new_id
from mien.studio.listing import Item
from mien.studio.project import Project

Choice: TypeAlias = Literal["keep", "move", "drop"]
_NAME: Final = "decisions.jsonl"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision.

    Attributes:
        id: Sorts by time.
        key: What it is about: a kind of finding and the photos' bytes.
        choice: Keep as it is, move to another class, or drop a photo.
        photo: The photo that was moved or dropped, else the first.
        label: The class that it was moved to.
        change: The journal's change, where there was one.
        time: When, ISO 8601 in UTC.
    """

    id: str
    key: str
    choice: Choice
    photo: str
    label: str | None
    change: str | None
    time: str


class Decisions:
    """The decisions of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._path = project.private / _NAME
        self._digests: dict[tuple[str, str], str] = {}

    def all(self) -> list[Decision]:
        """The decisions that still stand, the latest first."""
        lines = self._read()
        undone = {line["undoes"] for line in lines if "undoes" in line}
        changes = self._project.journal.standing() if lines else set()
        standing = [
            line
            for line in lines
            if "key" in line and line["id"] not in undone
            and (line["change"] is None or line["change"] in changes)
        ]  # fmt: skip
        return [Decision(**line) for line in reversed(standing)]

    def key(self, kind: str, photos: Sequence[str]) -> str:
        """The key of a finding about these photos; those that are gone count by name."""
        listing = self._project.listing()
        found = [listing.find(name) for name in photos]
        parts = [name if item is None else self._digest(item)
                 for name, item in zip(photos, found, strict=True)]  # fmt: skip
        return f"{kind}:{digest_text(*sorted(parts))[:32]}"

    def decide(
        self,
        kind: str,
        photos: Sequence[str],
        *,
        choice: Choice,
        photo: str | None = None,
        label: str | None = None,
    ) -> Decision:
        """Carry a decision out and write it down.

        Args:
            kind: Of the finding, its code.
            photos: That the finding is about.
            choice: What to do.
            photo: The one to move or drop.
            label: Where to move it.

        Raises:
            StudioError: A photo or the class is no longer there.
        """
        if choice != "keep" and (photo is None or photo not in photos):
            raise StudioError("bad_request")
        with self._project.journal.turn():
            work = self._work(choice, photo or "", label or "")
            decision = Decision(
                id=new_id(),
                key=self.key(kind, photos),
                choice=choice,
                photo=photo or photos[0],
                label=label,
                change=None if work is None else new_id(),
                time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            )
            self._append(vars(decision))
            if work is not None:
                work(decision.change or "")
        return decision

    def undo(self) -> Decision | None:
        """Take the latest decision back, and what it did to the photos."""
        with self._project.journal.turn():
            standing = self.all()
            if not standing:
                return None
            latest = standing[0]
            if latest.change is not None:
                self._project.journal.take_back(latest.change)
            self._append({"undoes": latest.id})
        return latest

    def _work(self, choice: Choice, photo: str, label: str) -> Callable[[str], object] | None:
        """What is to be done to the photo by a change of a given number; None for nothing.

        Raises:
            StudioError: It cannot be done; nothing was written yet.
        """
        if choice == "keep":
            return None
        self._project.photo(photo)
        if choice == "drop":
            return lambda number: self._project.delete_photos([photo], number=number)
        self._project.require_class(label)
        if photo.partition("/")[0] == label:
            return None
        return lambda number: self._project.move_photos([photo], label, number=number)

    def _digest(self, item: Item) -> str:
        known = (item.name, item.version)
        if known not in self._digests:
            self._digests[known] = digest_file(item.path)
        return self._digests[known]

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            with self._path.open("a+b") as file:
                # A kill may have left half a line; it must not swallow this one.
                if file.tell() and _last_byte(file) != b"\n":
                    file.write(b"\n")
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise from_disk(error) from error

    def _read(self) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        lines = []
        for text in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                continue  # half a line: nobody was told of it
        return lines


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return bytes(file.read(1))
