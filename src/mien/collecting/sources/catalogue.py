"""The sources that mien knows, with what each says of rights. A new one is one entry here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.collecting.sources import bing, commons, local, openverse
from mien.collecting.sources.base import Source
from mien.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """A source.

    Attributes:
        name: What the user calls it.
        search: Turns a query into candidates.
        about: One sentence for the user.
        home: Its page; empty for the user's own disk.
        states_licences: Whether each picture comes with a licence.
        on_web: Whether its pictures are fetched from other people's servers.
        warning: Said every time it is used; empty where there is nothing to warn of.
    """

    name: str
    search: Source
    about: str
    home: str
    states_licences: bool
    on_web: bool
    warning: str = ""


_ENTRIES: Final = (
    SourceEntry(
        name="openverse", search=openverse.search_openverse, home="https://openverse.org",
        about="Openly licensed pictures from many collections; licence and creator with each.",
        states_licences=True, on_web=True,
    ),
    SourceEntry(
        name="commons", search=commons.search_commons, home="https://commons.wikimedia.org",
        about="Wikimedia Commons: free pictures; licence and creator with each.",
        states_licences=True, on_web=True,
    ),
    SourceEntry(
        name="bing", search=bing.search_bing, home="https://www.bing.com/images",
        about="Bing's image search: many pictures, no licences.",
        states_licences=False, on_web=True, warning=bing.RIGHTS,
    ),
    SourceEntry(
        name="urls", search=local.search_urls, home="",
        about="A file of addresses, one a line, or a CSV with a column url.",
        states_licences=False, on_web=True,
    ),
    SourceEntry(
        name="folder", search=local.search_folder, home="",
        about="A folder of pictures on this machine.",
        states_licences=False, on_web=False,
    ),
    SourceEntry(
        name="camera", search=local.search_camera, home="",
        about="A folder that a camera fills, newest first.",
        states_licences=False, on_web=False,
    ),
)  # fmt: skip
SOURCES: Final[dict[str, SourceEntry]] = {entry.name: entry for entry in _ENTRIES}


def source_entry(name: str) -> SourceEntry:
    """The entry of that name.

    Raises:
        UserError: There is none.
    """
    if name not in SOURCES:
        raise UserError(f"source '{name}' is unknown", f"Choose from: {', '.join(SOURCES)}.")
    return SOURCES[name]
