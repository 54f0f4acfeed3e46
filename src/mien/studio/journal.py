"""The journal of a project: every change, in plain JSON lines, so that each can be undone.

::

    {"change": {"id": …, "kind": "move", "moves": [["happy/1.jpg", "sad/1.jpg"]], …}}
    {"done": ID}
    {"given_up": ID}

Laws: the intention is on the disk before the first file moves, and each step can be repeated
without harm; so after a kill at any moment, opening the project finishes what was begun. What the
disk refuses half-way is taken back before anything else is done, so that it cannot come true later
over what the user did since. Nothing is ever deleted: what goes, goes to ``.mien/trash/ID/``. Two
studios on one project take turns.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mien.errors import UserError
from mien.files import write_text
from mien.studio.errors import StudioError, from_disk
from mien.studio.table import Row, Rows, change_table, read_table

TRASH: Final = ".mien/trash"
CLASSES_NAME: Final = "classes.txt"
_MAX_UNDO: Final = 1000


def new_id() -> str:
    """Name a change so that names sort by time."""
    return f"{int(time.time() * 1000):013x}-{secrets.token_hex(3)}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change to a project; paths are relative to its folder, with ``/``.

    Attributes:
        id: Sorts by time.
        kind: What the user did; its text is ``change.KIND``.
        words: For that text's placeholders.
        folders: Made.
        moves: From, to; files or whole folders, in order.
        rows: Of the groups table, before and after.
        classes: Order of the classes before and after; None inside where there was no such file.
        undoes: The change that this one takes back.
    """

    id: str
    kind: str
    words: Mapping[str, str | int] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    rows: Rows = field(default_factory=dict)
    classes: tuple[Sequence[str] | None, Sequence[str] | None] | None = None
    undoes: str | None = None

    def inverse(self) -> Change:
        """The change that takes this one back; folders that were made go to the trash."""
        number = new_id()
        return Change(
            id=number,
            kind=self.kind,
            words=self.words,
            moves=(
                *((b, a) for a, b in reversed(self.moves)),
                *((folder, f"{TRASH}/{number}/{folder}") for folder in reversed(self.folders)),
            ),
            rows={name: (after, before) for name, (before, after) in self.rows.items()},
            classes=None if self.classes is None else (self.classes[1], self.classes[0]),
            undoes=self.id,
        )


class Journal:
    """The changes of one project, and the only place that applies them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / ".mien" / "journal.jsonl"
        self._lock = threading.RLock()
        self._depth = 0
        # What the disk refused and would not let us take back either, yet.
        self._stuck: list[Change] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other threads and other studios from changing the project; may be nested."""
        with self._lock, _file_lock(self._path.with_suffix(".lock"), held=self._depth > 0):
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def recover(self) -> int:
        """Finish what a kill interrupted; returns how many changes that were."""
        with self.turn():
            changes, done = self._read()
            open_ones = [change for change in changes if change.id not in done]
            for change in open_ones:
                self._carry_out(change)
        return len(open_ones)

    def do(self, change: Change) -> None:
        """Write a change down, carry it out, and write down that it is done.

        Raises:
            UserError: The disk refused it; all is as it was before.
        """
        with self.turn():
            self._take_back_stuck()
            try:
                self._append({"change": _to_plain(change)})
                self._carry_out(change)
            except (OSError, UserError) as error:
                self._stuck.append(change)
                with suppress(OSError, UserError):
                    self._take_back_stuck()
                told = from_disk(error)
                if told is error:
                    raise
                raise told from error

    def note(self, change: Change) -> None:
        """Write down a change that has been carried out already, so that it can be undone."""
        with self.turn():
            self._take_back_stuck()
            self._append({"change": _to_plain(change)}, {"done": change.id})

    def undo(self) -> Change | None:
        """Take back the latest change that still stands; None where there is none."""
        with self.turn():
            change = self.latest()
            if change is not None:
                self.do(change.inverse())
            return change

    def take_back(self, number: str) -> None:
        """Take back this very change, whatever was done since; one that was undone stays so.

        Groups that were given since go back with their photos.

        Raises:
            StudioError: What it moved is no longer where it was moved to.
        """
        with self.turn():
            changes, _ = self._read()
            if any(change.undoes == number for change in changes):
                return
            for change in changes:
                if change.id == number:
                    inverse = change.inverse()
                    for source, _ in inverse.moves:
                        if not os.path.lexists(self._root / source):
                            raise StudioError("photo_gone", name=source)
                    self.do(replace(inverse, rows=self._rows_now(inverse)))

    def standing(self) -> set[str]:
        """Numbers of the changes that were carried out and not taken back."""
        changes, done = self._read()
        undone = {change.undoes for change in changes if change.id in done}
        return {change.id for change in changes if change.id in done} - undone

    def latest(self) -> Change | None:
        """The change that `undo` would take back."""
        changes, done = self._read()
        undone = {change.undoes for change in changes if change.undoes}
        standing = [c for c in changes[-_MAX_UNDO:] if not c.undoes and c.id not in undone]
        return next((c for c in reversed(standing) if c.id in done), None)

    def _rows_now(self, inverse: Change) -> Rows:
        """The rows of an old change's inverse, each with what the table says of its photo today."""
        table = read_table(self._root).groups
        now: dict[str, tuple[Row | None, Row | None]] = dict(inverse.rows)
        for source, target in inverse.moves:
            if source in table:
                now |= {source: (table[source], None), target: (None, table[source])}
        return now

    def _take_back_stuck(self) -> None:
        while self._stuck:
            change = self._stuck[-1]
            for source, target in reversed(change.moves):
                _move(self._root / target, self._root / source)
            change_table(self._root, change.inverse().rows)
            if change.classes is not None:
                _write_classes(self._root / CLASSES_NAME, change.classes[0])
            for folder in reversed(change.folders):
                with suppress(OSError):  # not empty: somebody put a photo there meanwhile
                    (self._root / folder).rmdir()
            self._append({"given_up": change.id})
            self._stuck.pop()

    def _carry_out(self, change: Change) -> None:
        for folder in change.folders:
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        for source, target in change.moves:
            _move(self._root / source, self._root / target)
        change_table(self._root, change.rows)
        if change.classes is not None:
            _write_classes(self._root / CLASSES_NAME, change.classes[1])
        self._append({"done": change.id})

    def _append(self, *lines: Mapping[str, Any]) -> None:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                # A kill may have left half a line; it must not swallow this one.
                if file.tell() and not _ends_with_newline(file):
                    file.write(b"\n")
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise from_disk(error) from error

    def _read(self) -> tuple[list[Change], set[str]]:
        changes: list[Change] = []
        done: set[str] = set()
        given_up: set[str] = set()
        if not self._path.is_file():
            return changes, done
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # half a line: its change was never begun
            if "done" in entry:
                done.add(entry["done"])
            elif "given_up" in entry:
                given_up.add(entry["given_up"])
            elif "change" in entry:
                changes.append(_from_plain(entry["change"]))
        return [change for change in changes if change.id not in given_up], done


def _move(source: Path, target: Path) -> None:
    # Already moved before a kill, or taken away by the user meanwhile: nothing to do.
    if not os.path.lexists(source) or os.path.lexists(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _write_classes(path: Path, classes: Sequence[str] | None) -> None:
    if classes is None:
        path.unlink(missing_ok=True)
    else:
        write_text(path, "".join(f"{label}\n" for label in classes))


def _ends_with_newline(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _to_plain(change: Change) -> dict[str, Any]:
    plain = {
        "id": change.id,
        "kind": change.kind,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "words": dict(change.words),
        "folders": list(change.folders),
        "moves": [list(pair) for pair in change.moves],
        "rows": {name: list(pair) for name, pair in change.rows.items()},
        "classes": change.classes,
        "undoes": change.undoes,
    }
    return {key: value for key, value in plain.items() if value not in (None, [], {})}


def _from_plain(plain: Mapping[str, Any]) -> Change:
    classes = plain.get("classes")
    return Change(
        id=plain["id"],
        kind=plain["kind"],
        words=plain.get("words", {}),
        folders=tuple(plain.get("folders", ())),
        moves=tuple((source, target) for source, target in plain.get("moves", ())),
        rows={name: (before, after) for name, (before, after) in plain.get("rows", {}).items()},
        classes=None if classes is None else (classes[0], classes[1]),
        undoes=plain.get("undoes"),
    )


@contextmanager
def _file_lock(path: Path, *, held: bool) -> Iterator[None]:
    """Lock against other processes; on Windows, which has no `fcntl`, only threads are kept out."""
    if held or os.name != "posix":
        yield
        return
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
