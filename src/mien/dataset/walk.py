"""Which files of a folder could be photos, and what each of the others is.

A file is judged by where it lies, by its bytes' digest and by its magic number; broken pixels come
to light when it is decoded. Law: every file below the folder is either a candidate, a named
reject, or one of the files that systems and people put there on their own account, which are
ignored in silence. Nothing outside the folder is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from mien.digest import digest_bytes
from mien.errors import PhotoError
from mien.files import nfc
from mien.image.decode import HEAD_BYTES, explain_os_error, read_photo_bytes, refuse_unless_picture
from mien.records import Progress, Reject

IGNORED_NAMES: Final = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
# Hashing waits for the disk more than for the processor.
_N_THREADS: Final = 4
# Files that a thread reads before it comes for more: coming takes as long as reading a small one.
_A_THREAD: Final = 16


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that may be a photo.

    Attributes:
        path: Where it lies.
        name: How records call it, in NFC.
    """

    path: Path
    name: str


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is no business of ours, whatever it holds.

    Example:
        >>> [is_ignored(n) for n in (".DS_Store", "Thumbs.db", "__MACOSX", "a.jpg")]
        [True, True, True, False]
    """
    return name.startswith(".") or name.casefold() in IGNORED_NAMES


def printable(name: str) -> str:
    r"""A file's name as text that can be written anywhere: NFC, undecodable bytes as ``\xNN``.

    Example:
        >>> printable("bad\udcff.jpg")
        'bad\\xff.jpg'
    """
    return nfc(os.fsencode(name).decode("utf-8", "backslashreplace"))


def walk(folder: Path, *, prefix: str, root: Path) -> Iterator[Candidate | Reject]:
    """Visit all files below `folder`, in the order of their names.

    Args:
        folder: Where to look.
        prefix: What to put before names, such as ``"happy/"``.
        root: Resolved; links to files must end below it.
    """
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Reject(path=prefix.rstrip("/"), reason=explain_os_error(error))
        return
    for entry in ordered:
        if is_ignored(entry.name):
            continue
        name = prefix + printable(entry.name)
        reason = refuse_entry(entry, root=root)
        if reason:
            yield Reject(path=name, reason=reason)
        elif entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path), prefix=name + "/", root=root)
        else:
            yield Candidate(path=Path(entry.path), name=name)


def refuse_entry(entry: os.DirEntry[str], *, root: Path) -> str | None:
    """Why a file or folder must not be followed, None where it may."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        return "has a name that is not valid UTF-8; rename it"
    if not entry.is_symlink():
        return None
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a circle of links
        return "is a link to nothing"
    if not target.is_relative_to(root):
        return "is a link that leaves the folder"
    return "is a link to a folder" if target.is_dir() else None


def fingerprint(
    found: Iterable[Candidate | Reject], *, progress: Progress
) -> tuple[list[tuple[Candidate, str]], list[Reject]]:
    """Read every candidate once: its SHA-256, or why it is no photo.

    Args:
        found: As `walk` gives it.
        progress: Told as stage ``"reading photos"``.

    Returns:
        Candidates with their digests, and all rejects, in the order of `found`.
    """
    entries = list(found)
    good: list[tuple[Candidate, str]] = []
    rejects: list[Reject] = []
    parts = [entries[start : start + _A_THREAD] for start in range(0, len(entries), _A_THREAD)]
    with ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
        judged = chain.from_iterable(pool.map(lambda part: list(map(_judge, part)), parts))
        for i, (entry, verdict) in enumerate(zip(entries, judged, strict=True)):
            if isinstance(entry, Candidate) and not isinstance(verdict, Reject):
                good.append((entry, verdict))
            elif isinstance(verdict, Reject):
                rejects.append(verdict)
            progress("reading photos", i + 1, len(entries))
    return good, rejects


def one_per_name(
    entries: Sequence[tuple[Candidate, str]],
) -> tuple[list[tuple[Candidate, str]], list[Reject]]:
    """Keep the first of the files whose names differ in nothing but their Unicode normal form."""
    seen: set[str] = set()
    kept: list[tuple[Candidate, str]] = []
    rejects: list[Reject] = []
    for candidate, sha256 in entries:
        if candidate.name in seen:
            reason = "has the name of another file but for its Unicode normal form; rename it"
            rejects.append(Reject(path=candidate.name, reason=reason))
        else:
            seen.add(candidate.name)
            kept.append((candidate, sha256))
    return kept, rejects


def _judge(entry: Candidate | Reject) -> str | Reject:
    if isinstance(entry, Reject):
        return entry
    try:
        data = read_photo_bytes(entry.path)
        refuse_unless_picture(data[:HEAD_BYTES])
    except PhotoError as error:
        return Reject(path=entry.name, reason=error.message)
    return digest_bytes(data)
