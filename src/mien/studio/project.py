"""A project: a folder of class folders and what a user does to it from the browser.

Every method is one change that the journal writes down and can take back. Knows nothing of HTTP.
Laws: photos are files in class folders, nothing else; the command line may change the folder at any
time, so nothing is assumed that was not read a moment ago; nothing is deleted, only moved to the
trash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from mien.dataset.groups import GroupTable
from mien.errors import UserError
from mien.files import nfc
from mien.studio.errors import StudioError
from mien.studio.journal import CLASSES_NAME, TRASH, Change, Journal, new_id
from mien.studio.listing import Item, Lister, Listing

MAX_NAME: Final = 80
# What some file system refuses in a name.
_BAD: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED: Final = frozenset({"con", "prn", "aux", "nul", "__macosx", "runs"})


class Project:
    """The project in `root`; safe in threads.

    Attributes:
        root: The folder of class folders.
        private: ``root/.mien``: journal, trash, jobs, thumbnails, cache.
        journal: The changes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private = root / ".mien"
        self.journal = Journal(root)
        self._lister = Lister(root)

    @classmethod
    def open(cls, root: Path) -> Project:
        """Open a folder, made when missing; changes that a kill interrupted are finished.

        Raises:
            UserError: It is a file, or cannot be written.
        """
        root = root.expanduser().absolute()
        try:
            (root / ".mien").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"'{root}' cannot be used as a project: {error.strerror or error}",
                "Give a folder that you may write to.",
            ) from error
        project = cls(root)
        project.journal.recover()
        return project

    @property
    def runs(self) -> Path:
        """Where runs go: beside the photos, because a folder among them would be a class."""
        return self.root.parent / "runs"

    def listing(self) -> Listing:
        """What lies in the folder now."""
        return self._lister.now()

    def photo(self, name: str) -> Item:
        """The photo of this name.

        Raises:
            StudioError: There is none.
        """
        item = self._lister.find(nfc(name))
        if item is None:
            raise StudioError("photo_gone", name=name)
        return item

    def require_class(self, label: str) -> None:
        """See that there is a class of this name.

        Raises:
            StudioError: There is none.
        """
        self._with_class(label)

    def add_class(self, label: str) -> str:
        """Make a class; returns its name as it was written."""
        label = clean_label(label)
        with self.journal.turn():
            listing = self.listing()
            _refuse_taken(label, listing.classes)
            order = self._order((*listing.classes, label))
            self._do("add_class", words={"label": label}, folders=(label,), classes=order)
        return label

    def rename_class(self, old: str, new: str) -> str:
        """Rename a class; groups of its photos go with it."""
        new = clean_label(new)
        with self.journal.turn():
            listing = self._with_class(old)
            if new == old:
                return new
            _refuse_taken(new, [label for label in listing.classes if label != old])
            pairs = [(i.name, new + i.name[len(old) :]) for i in listing.photos[old]]
            order = tuple(new if label == old else label for label in listing.classes)
            self._do(
                "rename_class",
                words={"label": old, "new": new},
                moves=((_on_disk(self.root, old), new),),
                rows=_moved_rows(listing, pairs),
                classes=self._order(order),
            )
        return new

    def delete_class(self, label: str) -> None:
        """Move a class with its photos to the trash."""
        with self.journal.turn():
            listing = self._with_class(label)
            number = new_id()
            self._do(
                "delete_class",
                number=number,
                words={"label": label, "n": len(listing.photos[label])},
                moves=((_on_disk(self.root, label), f"{TRASH}/{number}/{label}"),),
                rows=_gone_rows(listing, listing.photos[label]),
                classes=self._order([c for c in listing.classes if c != label]),
            )

    def order_classes(self, labels: Sequence[str]) -> None:
        """Put the classes into this order, which models will number them by."""
        with self.journal.turn():
            listing = self.listing()
            if sorted(labels) != sorted(listing.classes):
                raise StudioError("classes_changed")
            if tuple(labels) != listing.classes:
                before = self._written_order()
                self._do("order_classes", classes=(before, tuple(labels)))

    def move_photos(self, names: Iterable[str], label: str, *, number: str | None = None) -> int:
        """Move photos to another class, as a change of this number; returns how many moved."""
        with self.journal.turn():
            listing = self._with_class(label)
            items = [i for i in _found(listing, names) if i.name.partition("/")[0] != label]
            taken = {item.name for item in listing.photos[label]}
            pairs = []
            for item in items:
                target = free_name(f"{label}/{item.path.name}", taken)
                taken.add(target)
                pairs.append((item.name, target))
            moves = tuple(
                (self._relative(item.path), target)
                for item, (_, target) in zip(items, pairs, strict=True)
            )
            if moves:
                words: dict[str, str | int] = {"n": len(moves), "label": label}
                rows = _moved_rows(listing, pairs)
                self._do("move", number=number, words=words, moves=moves, rows=rows)
        return len(moves)

    def delete_photos(self, names: Iterable[str], *, number: str | None = None) -> int:
        """Move photos to the trash, as a change of this number; returns how many."""
        with self.journal.turn():
            listing = self.listing()
            items = _found(listing, names)
            number = number or new_id()
            moves = tuple(
                (self._relative(item.path), f"{TRASH}/{number}/{item.name}") for item in items
            )
            if moves:
                rows = _gone_rows(listing, items)
                self._do("delete", number=number, words={"n": len(moves)}, moves=moves, rows=rows)
        return len(moves)

    def set_group(self, names: Iterable[str], *, column: str, value: str) -> int:
        """Give photos a value in a group column; an empty one takes theirs away."""
        column, value = _clean_cell(column), _clean_cell(value)
        if not column or column in ("path", "label"):
            raise StudioError("bad_column", name=column)
        with self.journal.turn():
            listing = self.listing()
            if listing.trouble:
                raise UserError(listing.trouble)
            rows = {}
            for item in _found(listing, names):
                before = listing.table.groups.get(item.name)
                after = {k: v for k, v in (before or {}).items() if k != column}
                if value:
                    after[column] = value
                if after != (before or {}):
                    rows[item.name] = (before, after)
            if rows:
                words: dict[str, str | int] = {"n": len(rows), "column": column, "value": value}
                self._do("group", words=words, rows=rows)
        return len(rows)

    def take_over(self, table: GroupTable) -> int:
        """Give photos the groups that another table states for them; returns how many.

        Names may have folders before the class, as when a folder above was dropped. What is known
        here already stays.
        """
        stated = {"/".join(name.split("/")[-2:]): row for name, row in table.groups.items()}
        with self.journal.turn():
            listing = self.listing()
            rows = {}
            for items in listing.photos.values():
                for item in items:
                    before = listing.table.groups.get(item.name)
                    after = {**stated.get(item.name, {}), **(before or {})}
                    if after != (before or {}):
                        rows[item.name] = (before, after)
            if rows:
                self._do("table", words={"n": len(rows)}, rows=rows)
        return len(rows)

    def note_added(self, names: Sequence[str], *, label: str) -> None:
        """Write down that photos were stored, so that it can be undone."""
        if names:
            number = new_id()
            # Undoing moves the files to the trash, which is where this change pretends they were.
            moves = tuple((f"{TRASH}/{number}/{name}", name) for name in names)
            words: dict[str, str | int] = {"n": len(names), "label": label}
            self.journal.note(Change(id=number, kind="add", words=words, moves=moves))

    def undo(self) -> Change | None:
        """Take back the latest change that still stands."""
        return self.journal.undo()

    def settle_order(self) -> None:
        """Make `classes.txt` agree with the folders, where folders came from elsewhere.

        The command line refuses a folder whose `classes.txt` lacks one of them.
        """
        with self.journal.turn():
            written = self._written_order()
            order = self.listing().classes
            if written is not None and tuple(written) != order:
                self._do("order_classes", classes=(written, order))

    def _do(self, kind: str, *, number: str | None = None, **parts: object) -> None:
        words = parts.pop("words", {})
        change = Change(id=number or new_id(), kind=kind, words=words, **parts)  # type: ignore[arg-type]
        self.journal.do(change)

    def _with_class(self, label: str) -> Listing:
        listing = self.listing()
        if label not in listing.classes:
            raise StudioError("class_gone", label=label)
        return listing

    def _written_order(self) -> tuple[str, ...] | None:
        path = self.root / CLASSES_NAME
        if not path.is_file():
            return None
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        return tuple(nfc(line.strip()) for line in lines if line.strip())

    def _order(self, order: Sequence[str]) -> tuple[Sequence[str] | None, Sequence[str] | None]:
        """Before and after of `classes.txt`; the studio keeps the order in which cards stand."""
        return self._written_order(), tuple(order)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def clean_label(label: str) -> str:
    """A class name that every file system takes.

    Raises:
        StudioError: It is empty, too long or has a character that names cannot have.

    Example:
        >>> clean_label("  very  happy ")
        'very happy'
    """
    label = nfc(" ".join(label.split()))
    if not label:
        raise StudioError("name_empty")
    if len(label) > MAX_NAME or len(label.encode()) > 200:
        raise StudioError("name_long", n=MAX_NAME)
    if _BAD.search(label) or label.startswith(".") or label.endswith("."):
        raise StudioError("name_bad", name=label)
    if label.casefold() in _RESERVED or any(unicodedata.category(c) == "Cf" for c in label):
        raise StudioError("name_bad", name=label)
    return label


def free_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or the first of ``name-2``, ``name-3`` … that is free, whatever the case.

    Example:
        >>> free_name("a/1.jpg", {"a/1.JPG"})
        'a/1-2.jpg'
    """
    folded = {one.casefold() for one in taken}
    if name.casefold() not in folded:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or "/" in suffix:
        stem, dot, suffix = name, "", ""
    number = 2
    while f"{stem}-{number}{dot}{suffix}".casefold() in folded:
        number += 1
    return f"{stem}-{number}{dot}{suffix}"


def _clean_cell(text: str) -> str:
    return nfc(" ".join(text.split()))[:MAX_NAME]


def _refuse_taken(label: str, labels: Iterable[str]) -> None:
    # Case is ignored: on macOS and Windows the two would be one folder.
    if label.casefold() in {one.casefold() for one in labels}:
        raise StudioError("class_taken", label=label)


def _on_disk(root: Path, label: str) -> str:
    """The folder's own spelling: macOS may have written it in another normal form."""
    return next((p.name for p in root.iterdir() if nfc(p.name) == label), label)


def _found(listing: Listing, names: Iterable[str]) -> list[Item]:
    wanted = {nfc(name) for name in names}
    return [item for items in listing.photos.values() for item in items if item.name in wanted]


def _moved_rows(
    listing: Listing, pairs: Iterable[tuple[str, str]]
) -> dict[str, tuple[Mapping[str, str] | None, Mapping[str, str] | None]]:
    rows: dict[str, tuple[Mapping[str, str] | None, Mapping[str, str] | None]] = {}
    for source, target in pairs:
        row = listing.table.groups.get(source)
        if row is not None:
            rows[source] = (row, None)
            rows[target] = (None, row)
    return rows


def _gone_rows(
    listing: Listing, items: Iterable[Item]
) -> dict[str, tuple[Mapping[str, str] | None, Mapping[str, str] | None]]:
    groups = listing.table.groups
    return {i.name: (groups[i.name], None) for i in items if i.name in groups}
