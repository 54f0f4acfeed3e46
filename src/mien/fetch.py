"""Files that mien does not carry: found here, in a mirror, or downloaded when the user said so.

Law: nothing is kept or handed out whose SHA-256 is not the one in its catalogue, and the network
is asked only where the caller passes `download=True`, because the user's verb allows it.
It knows nothing of what the files are for: backbones and face detectors both come through here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from mien.digest import digest_bytes, digest_file
from mien.errors import FetchError
from mien.files import write_bytes
from mien.places import user_data
from mien.records import Progress, no_progress

_SECONDS: Final = 30.0
_CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file in a catalogue: what it is called, where it is from and what it must be.

    Attributes:
        name: The catalogue's name of what it gives, such as ``"mobilenet-v2-0.35"``.
        file_name: Its name here and in a mirror; a mirror may also use the URL's last part.
        url: Where it is downloaded from, http(s).
        sha256: Of its bytes.
        size_bytes: Of its bytes; a longer answer is cut off.
        licence: SPDX identifier.
        home: The page that says who made it and how.
        by_hand: What else the user can do to have it, a full sentence; empty where nothing.
    """

    name: str
    file_name: str
    url: str
    sha256: str
    size_bytes: int
    licence: str
    home: str
    by_hand: str = ""


def place(source: Source) -> Path:
    """Where the file lies once it is here."""
    return user_data() / "files" / source.file_name


def find(source: Source) -> Path | None:
    """The file where it is here or in the mirror that `MIEN_MIRROR` names, verified; else None.

    Raises:
        FetchError: The mirror has a file of that name with another content.
    """
    here = place(source)
    if here.is_file() and digest_file(here) == source.sha256:
        return here
    for candidate in _in_mirror(source):
        found = digest_file(candidate)
        if found != source.sha256:
            raise FetchError(
                f"'{candidate}' has sha256 {found}, expected {source.sha256} for '{source.name}'",
                "Put the right file into the mirror, or unset MIEN_MIRROR.",
            )
        return candidate
    return None


def fetch(source: Source, *, download: bool, progress: Progress = no_progress) -> Path:
    """The file of `source`: already here, else in the mirror, else from the network.

    Args:
        source: What is wanted.
        download: Whether the network may be asked.
        progress: Told bytes, under the stage ``fetch NAME``.

    Raises:
        FetchError: It cannot be had; the hint names every way to have it.
    """
    if found := find(source):
        return found
    if not download:
        raise _out_of_reach(source, "it is not on this machine")
    data = _download(source, progress)
    found_sha256 = digest_bytes(data)
    if found_sha256 != source.sha256:
        raise _out_of_reach(source, f"{source.url} gave sha256 {found_sha256}, not {source.sha256}")
    here = place(source)
    write_bytes(here, data)
    return here


def keep(source: Source, path: Path) -> Path | None:
    """Keep a file that the user brought by hand; None where it is not the one of `source`.

    Raises:
        FetchError: It cannot be read.
    """
    try:
        if path.stat().st_size != source.size_bytes:
            return None
        data = path.read_bytes()
    except OSError as error:
        raise FetchError(f"cannot read '{path}': {error.strerror or error}") from error
    if digest_bytes(data) != source.sha256:
        return None
    write_bytes(place(source), data)
    return place(source)


def _in_mirror(source: Source) -> list[Path]:
    mirror = os.environ.get("MIEN_MIRROR")
    if not mirror:
        return []
    names = (source.file_name, PurePosixPath(urlsplit(source.url).path).name)
    return [path for name in names if (path := Path(mirror).expanduser() / name).is_file()][:1]


def _download(source: Source, progress: Progress) -> bytes:
    import httpx

    data = bytearray()
    stage = f"fetch {source.name}"
    try:
        # httpx follows to http(s) only; what comes is believed by its digest, not by its address.
        with httpx.stream("GET", source.url, follow_redirects=True, timeout=_SECONDS) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(_CHUNK_BYTES):
                data += chunk
                if len(data) > source.size_bytes:
                    break
                progress(stage, len(data), source.size_bytes)
    except httpx.HTTPError as error:
        raise _out_of_reach(source, f"{source.url} cannot be downloaded: {error}") from error
    return bytes(data)


def _out_of_reach(source: Source, why: str) -> FetchError:
    ways = (
        f"Connect to the network and run `mien backbones fetch {source.name}`; "
        f"or point MIEN_MIRROR at a folder that holds '{source.file_name}'."
    )
    return FetchError(f"'{source.name}' cannot be had: {why}", f"{ways} {source.by_hand}".strip())
