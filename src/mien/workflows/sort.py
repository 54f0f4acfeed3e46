"""`mien sort`: what the page that shows the inbox asks for and decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.collecting.inbox import class_names, take, throw_out
from mien.collecting.inventory import undecided_photos
from mien.collecting.journal import INBOX
from mien.collecting.ledger import read_sources
from mien.collecting.locking import alone
from mien.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """A photo in the inbox, as the page shows it.

    Attributes:
        name: Relative to the dataset's folder.
        label: The class it was collected for; None where that is not known.
        groups: The groups it was collected for.
        title, creator, licence, landing_page, source, query: As the ledger has them.
    """

    name: str
    label: str | None
    groups: Mapping[str, str]
    title: str = ""
    creator: str = ""
    licence: str = ""
    landing_page: str = ""
    source: str = ""
    query: str = ""


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """All that is not decided, and the classes to choose from."""

    classes: tuple[str, ...]
    photos: tuple[Undecided, ...]


def dataset_folder(path: Path | str) -> Path:
    """The dataset's folder of what the user named: the folder itself or its inbox.

    Raises:
        DatasetError: There is nothing to sort.
    """
    given = Path(path)
    folder = given.parent if given.name == INBOX else given
    if not folder.is_dir():
        raise DatasetError(f"folder '{folder}' does not exist", "Give the folder of photos.")
    if not (folder / INBOX).is_dir():
        raise DatasetError(f"'{folder}' has no inbox", "Fill one with 'mien collect'.")
    return folder


def look(folder: Path) -> Inbox:
    """What is in the inbox now."""
    lines = {line.path: line for line in read_sources(folder)}
    photos = []
    for photo in undecided_photos(folder):
        line = lines.get(photo.name)
        more: dict[str, Any] = {}
        if line is not None:
            keys = ("title", "creator", "licence", "landing_page", "source", "query")
            more = {key: getattr(line, key) for key in keys}
        photos.append(
            Undecided(name=photo.name, label=photo.label, groups=dict(photo.groups), **more)
        )
    return Inbox(classes=class_names(folder), photos=tuple(photos))


def decide(
    folder: Path, name: str, *, label: str | None, groups: Mapping[str, str] | None = None
) -> str | None:
    """Put a photo into a class, or throw it out where `label` is None.

    Returns:
        Its new name, None where it was thrown out.

    Raises:
        DatasetError: It is not in the inbox, or the label cannot be used.
        UserError: The folder is being collected into.
    """
    with alone(folder):
        if label is None:
            throw_out(folder, name)
            return None
        return take(folder, name, label=label, groups=groups).name
