"""What was fetched and not yet decided: a person puts each photo into a class, or throws it out.

Law: a photo that is taken moves into its class folder, `groups.csv` and `sources.csv` follow, all
by whole-file replacement and the move first, so that a kill leaves the photo in one place. A photo
that is thrown out is deleted and its address stays in the journal, so that it does not come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from mien.collecting import ledger
from mien.collecting.grouping import write_groups
from mien.collecting.inventory import HeldPhoto, undecided_photos
from mien.collecting.journal import INBOX, read_journal, rewrite_journal
from mien.dataset.walk import is_ignored
from mien.digest import digest_file
from mien.errors import DatasetError
from mien.files import nfc

_SLASHES: Final = ("/", "\\")


def class_names(folder: Path) -> tuple[str, ...]:
    """The classes that a photo can be put into: class folders, and what the inbox is meant for."""
    there = {
        nfc(path.name) for path in folder.glob("*") if path.is_dir() and not is_ignored(path.name)
    }
    meant = {photo.label for photo in undecided_photos(folder) if photo.label}
    return tuple(sorted(there | meant))


def take(
    folder: Path, name: str, *, label: str, groups: Mapping[str, str] | None = None
) -> HeldPhoto:
    """Put a photo from the inbox into a class.

    Args:
        folder: The dataset's folder.
        name: The photo's name, such as ``".inbox/openverse-….jpg"``.
        label: The class; its folder is made when missing.
        groups: What the photo shows, as a person says; what it was searched by when None.

    Raises:
        DatasetError: It is not in the inbox, or the label cannot be a folder's name.
    """
    photo = _find(folder, name)
    check_label(label)
    said = dict(photo.groups if groups is None else groups)
    target = folder / label / photo.path.name
    try:
        target.parent.mkdir(exist_ok=True)
        photo.path.rename(target)
    except OSError as error:
        raise DatasetError(f"cannot move '{name}': {error.strerror or error}", "") from error
    new = f"{label}/{photo.path.name}"
    write_groups(folder, {new: said})
    lines = ledger.read_sources(folder)
    ledger.write_sources(
        folder,
        [ledger.moved(s, path=new, label=label, groups=said) if s.path == name else s
         for s in lines],
    )  # fmt: skip
    return HeldPhoto(
        path=target, name=new, sha256=photo.sha256, label=label, groups=said, undecided=False
    )


def throw_out(folder: Path, name: str) -> None:
    """Delete a photo from the inbox; its address is remembered as rejected by hand.

    Raises:
        DatasetError: It is not in the inbox.
    """
    photo = _find(folder, name)
    lines = read_journal(folder)
    photo.path.unlink()
    ledger.write_sources(folder, [s for s in ledger.read_sources(folder) if s.path != name])
    hit = [
        replace(line, reason="rejected by hand", detail="a person threw it out", path="", sha256="")
        for line in lines
        if line.sha256 == photo.sha256
    ]
    rewrite_journal(folder, lambda line: line.sha256 != photo.sha256, add=hit)


def _find(folder: Path, name: str) -> HeldPhoto:
    inside = name.removeprefix(f"{INBOX}/")
    path = folder / INBOX / inside
    ours = name.startswith(f"{INBOX}/") and Path(inside).name == inside and "\\" not in inside
    if not ours or is_ignored(inside) or path.is_symlink() or not path.is_file():
        raise DatasetError(f"'{name}' is not in '{folder / INBOX}'", "It may be decided already.")
    line = next((s for s in ledger.read_sources(folder) if s.path == name), None)
    return HeldPhoto(
        path=path,
        name=name,
        sha256=digest_file(path),
        label=(line.label or None) if line else None,
        groups=ledger.split_groups(line.groups) if line else {},
        undecided=True,
    )


def check_label(label: str) -> None:
    """Refuse a class that cannot be a folder's name.

    Raises:
        DatasetError: It is empty, hidden, has a slash, or is not plain text.
    """
    odd = any(slash in label for slash in _SLASHES) or is_ignored(label) or label != label.strip()
    if not label or odd or not label.isprintable():
        raise DatasetError(
            f"'{label}' cannot be a class: it would be no folder's name",
            "Choose a name without slashes that does not begin with a dot.",
        )
