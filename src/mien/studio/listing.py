"""What lies in a project's folder at this moment, read quickly enough to be asked every second.

The disk is the truth: people and the command line change it too. A listing is read again only when
a folder's or a table's time stamp changed. Knows nothing of pixels.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from mien.dataset.groups import TABLE_NAME, GroupTable
from mien.dataset.walk import Candidate, is_ignored, printable, refuse_entry, walk
from mien.errors import DatasetError
from mien.files import nfc
from mien.studio.journal import CLASSES_NAME
from mien.studio.table import read_table

# File systems stamp by a clock that ticks every few milliseconds: ample.
_TICK_NS: Final = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Item:
    """A file in a class folder.

    Attributes:
        name: Relative to the project, with ``/``, NFC.
        path: Where it lies.
        version: Changes when its bytes do.
    """

    name: str
    path: Path
    version: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A project at one moment.

    Attributes:
        version: Changes when anything below does.
        classes: In the user's order.
        photos: Of each class, sorted by name.
        table: The groups.
        trouble: Why `groups.csv` cannot be used, None where it can.
    """

    version: str
    classes: tuple[str, ...]
    photos: Mapping[str, tuple[Item, ...]]
    table: GroupTable
    trouble: str | None

    @property
    def n_photos(self) -> int:
        """How many photos there are in all."""
        return sum(len(items) for items in self.photos.values())

    def find(self, name: str) -> Item | None:
        """The photo of this name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Item]:
        return {item.name: item for items in self.photos.values() for item in items}

    def group_counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Column → value → class → photos; photos without a value are not in it."""
        counts: dict[str, dict[str, Counter[str]]] = {name: {} for name in self.table.columns}
        for label, items in self.photos.items():
            for item in items:
                for column, value in self.table.groups.get(item.name, {}).items():
                    counts[column].setdefault(value, Counter())[label] += 1
        return {
            column: {value: dict(by_class) for value, by_class in sorted(values.items())}
            for column, values in counts.items()
        }


class Lister:
    """Reads listings of one folder; safe in threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._latest: Listing | None = None
        self._stamp = ""
        self._settled = False

    def find(self, name: str) -> Item | None:
        """The photo of this name as it is now.

        Asks for the one file where it is known already: a grid asks for a hundred thumbnails at
        once, and reading a folder of ten thousand names for each takes longer than making it.
        """
        latest = self._latest
        known = latest.find(name) if latest else None
        try:
            if known is not None and _version(known.path) == known.version:
                return known
        except OSError:
            pass  # it was moved or deleted: the folder tells
        return self.now().find(name)

    def now(self) -> Listing:
        """The listing as it is now.

        Raises:
            DatasetError: The folder was taken away or may no longer be read.
        """
        with self._lock:
            try:
                before = time.time_ns()
                stamp, newest_ns = _stamp(self._root)
                if stamp != self._stamp or not self._settled:
                    self._renew(_read(self._root, stamp))
                    self._stamp = stamp
                    # A change within the clock's tick of the one that was seen has its time stamp.
                    self._settled = newest_ns < before - _TICK_NS
            except OSError as error:
                raise DatasetError(
                    f"cannot read the project '{self._root}': {error.strerror or error}",
                    "Bring the folder back; the studio goes on where it was.",
                ) from error
            assert self._latest is not None
            return self._latest

    def _renew(self, found: Listing) -> None:
        latest = self._latest
        if latest is None or latest.version.partition(".")[0] != found.version:
            self._latest = found
        elif replace(found, version=latest.version) != latest:
            # The same time stamps and other files: told apart by a count.
            count = int(latest.version.partition(".")[2] or 0) + 1
            self._latest = replace(found, version=f"{found.version}.{count}")


def _stamp(root: Path) -> tuple[str, int]:
    """What changes when anything is added, renamed or taken away, and the latest time stamp."""
    state = hashlib.sha256()
    newest_ns = 0
    for path in _folders(root):
        changed_ns = path.stat().st_mtime_ns
        newest_ns = max(newest_ns, changed_ns)
        state.update(f"{path}\0{changed_ns}\0".encode(errors="surrogateescape"))
    for name in (TABLE_NAME, CLASSES_NAME):
        try:
            status = (root / name).stat()
        except FileNotFoundError:
            continue
        newest_ns = max(newest_ns, status.st_mtime_ns)
        state.update(f"{name}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
    return state.hexdigest()[:16], newest_ns


def _folders(folder: Path) -> Iterator[Path]:
    yield folder
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not is_ignored(entry.name)]
            inside = [Path(entry.path) for entry in seen if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    for path in sorted(inside):
        yield from _folders(path)


def _read(root: Path, stamp: str) -> Listing:
    resolved = root.resolve()
    labels: list[str] = []
    photos: dict[str, tuple[Item, ...]] = {}
    with os.scandir(root) as entries:
        ordered = sorted(entries, key=lambda entry: printable(entry.name))
    for entry in ordered:
        usable = not is_ignored(entry.name) and refuse_entry(entry, root=resolved) is None
        if usable and entry.is_dir(follow_symlinks=False):
            label = printable(entry.name)
            labels.append(label)
            found = walk(Path(entry.path), prefix=f"{label}/", root=resolved)
            photos[label] = tuple(_items(found))
    table, trouble = _table(root)
    return Listing(
        version=stamp, classes=_order(root, labels), photos=photos, table=table, trouble=trouble
    )


def _items(found: Iterator[object]) -> Iterator[Item]:
    for one in found:
        if isinstance(one, Candidate) and Path(one.name).suffix.lower() not in _NOTES:
            try:
                yield Item(name=one.name, path=one.path, version=_version(one.path))
            except FileNotFoundError:
                continue


def _version(path: Path) -> str:
    status = path.stat()
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


# Not photos and not shown; the dataset names them among what it left out.
_NOTES: Final = frozenset({".txt", ".md", ".csv", ".json"})


def _order(root: Path, labels: list[str]) -> tuple[str, ...]:
    """The user's order; classes that came from elsewhere stand at the end."""
    try:
        text = (root / CLASSES_NAME).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, UnicodeDecodeError):
        return tuple(labels)
    listed = [nfc(line.strip()) for line in text.splitlines()]
    first = [label for label in dict.fromkeys(listed) if label in labels]
    return tuple(first + [label for label in labels if label not in first])


def _table(root: Path) -> tuple[GroupTable, str | None]:
    try:
        return read_table(root), None
    except DatasetError as error:
        return GroupTable(columns=(), groups={}, labels={}), str(error)
