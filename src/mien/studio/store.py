"""Photos on their way into a project: judged, named, written whole.

Knows nothing of HTTP. Laws: a file is stored as it came, byte for byte, so that the command line
trains on the same; it is stored only if our decoder takes it; its name is ours to choose.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias, TypeVar

from mien.archive import open_archive
from mien.digest import digest_bytes, digest_file
from mien.errors import DatasetError, PhotoError, UserError
from mien.files import nfc, write_bytes
from mien.formats.project import unpack_samples
from mien.image.decode import MAX_BYTES, Format, Look, decode, look_away
from mien.records import Reject
from mien.studio.errors import StudioError, is_full
from mien.studio.project import Project, clean_label, free_name

T = TypeVar("T")
InPassing: TypeAlias = Callable[[Sequence[str]], AbstractContextManager[Look]]
"""For files of these SHA-256: what looks at them while they are open."""

_BAD: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_SUFFIXES: Final = {
    "jpeg": (".jpg", ".jpeg"),
    "png": (".png",),
    "webp": (".webp",),
    "gif": (".gif",),
    "bmp": (".bmp",),
    "tiff": (".tif", ".tiff"),
}
_N_THREADS: Final = 2
# A batch of a zip: few enough to hold in memory, many enough for one line in the journal.
_BATCH: Final = 100


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that a browser sent.

    Attributes:
        name: What it is called there; may hold folders.
        data: Its bytes.
    """

    name: str
    data: bytes


@dataclass
class Stored:
    """What became of files.

    Attributes:
        added: Names of the photos that are now there.
        known: How many were there already, byte for byte.
        rejects: The others, and why.
    """

    added: list[str] = field(default_factory=list)
    known: int = 0
    rejects: list[Reject] = field(default_factory=list)


@contextmanager
def nobody(sha256s: Sequence[str]) -> Iterator[Look]:
    """Looks at nothing."""
    del sha256s
    yield look_away


def store(
    project: Project, files: Iterable[Incoming], *, label: str, in_passing: InPassing = nobody
) -> Stored:
    """Put files into a class, which is made where it is missing.

    Args:
        project: Where to.
        files: What a browser sent.
        label: The class.
        in_passing: Who looks at the pictures while they are open.

    Raises:
        UserError: The class cannot be, or the disk is full; photos stored so far stay.
    """
    stored = Stored()
    label = _class_for(project, label)
    incoming = list(files)
    digests = [digest_bytes(file.data) for file in incoming]
    with in_passing(digests) as look, ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
        verdicts = list(pool.map(lambda file: _judge(file, look), incoming))
    with project.journal.turn():
        listing = project.listing()
        folder = project.root / label
        taken = {item.name: item.path for item in listing.photos.get(label, ())}
        try:
            for file, digest, verdict in zip(incoming, digests, verdicts, strict=True):
                _store_one(
                    file, digest, verdict, label=label, folder=folder, taken=taken, stored=stored
                )
        finally:
            project.note_added(stored.added, label=label)
    return stored


def store_zip(
    project: Project, path: Path, *, label: str | None, in_passing: InPassing = nobody
) -> Stored:
    """Put the pictures of a zip into a class, or each into the class its folder is called.

    Args:
        project: Where to.
        path: The zip.
        label: Of all of them; None to go by the folders inside.
        in_passing: As for `store`.

    Raises:
        UserError: The zip cannot be read, or goes by folders and has none.
    """
    stored = Stored()
    with open_archive(path, error=DatasetError) as archive:
        by_class: dict[str, list[str]] = {}
        for name in archive.names:
            if not _is_hidden(name):
                by_class.setdefault(label or PurePosixPath(name).parent.name, []).append(name)
        if not by_class or "" in by_class:
            raise StudioError("zip_without_folders" if by_class else "zip_empty")
        for target, names in by_class.items():
            for batch in _batches(names):
                files = [
                    Incoming(name=n, data=archive.read(n, limit_bytes=MAX_BYTES)) for n in batch
                ]
                _add(stored, store(project, files, label=target, in_passing=in_passing))
    return stored


def store_project(project: Project, path: Path, *, in_passing: InPassing = nobody) -> Stored:
    """Put the photos of a Teachable Machine project into classes of the same names.

    Raises:
        UserError: It is no image project.
    """
    stored = Stored()
    with tempfile.TemporaryDirectory() as folder:
        samples = unpack_samples(path, out=Path(folder) / "samples")
        for label in samples.classes:
            paths = sorted((samples.folder / label).iterdir())
            for batch in _batches(paths):
                files = [Incoming(name=f"tm-{p.name}", data=p.read_bytes()) for p in batch]
                _add(stored, store(project, files, label=label, in_passing=in_passing))
        stored.rejects += samples.rejects
    return stored


def _add(stored: Stored, more: Stored) -> None:
    stored.added += more.added
    stored.known += more.known
    stored.rejects += more.rejects


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    """On a file: the picture's format, or None with the reason."""

    format: Format | None
    reason: str = ""


def _judge(file: Incoming, look: Look) -> _Verdict:
    try:
        decoded = decode(file.data)
    except PhotoError as error:
        return _Verdict(format=None, reason=str(error))
    look(file.data, decoded)
    return _Verdict(format=decoded.format)


def _store_one(
    file: Incoming, digest: str, verdict: _Verdict, *, label: str, folder: Path,
    taken: dict[str, Path], stored: Stored,
) -> None:  # fmt: skip
    shown = nfc(PurePosixPath(file.name.replace("\\", "/")).name) or "?"
    if verdict.format is None:
        stored.rejects.append(Reject(path=shown, reason=verdict.reason))
        return
    name = f"{label}/{_safe_name(shown, verdict.format)}"
    there = next((n for n in taken if n.casefold() == name.casefold()), None)
    if there is not None and digest_file(taken[there]) == digest:
        stored.known += 1
        return
    name = free_name(name, taken)
    path = folder / name.partition("/")[2]
    try:
        write_bytes(path, file.data)
    except UserError as error:
        if is_full(error):
            raise StudioError("disk_full") from error
        raise
    taken[name] = path
    stored.added.append(name)


def _class_for(project: Project, label: str) -> str:
    label = clean_label(label)
    with project.journal.turn():
        for known in project.listing().classes:
            if known.casefold() == label.casefold():
                return known
        return project.add_class(label)


def _safe_name(name: str, kind: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem:
        stem, suffix = name, ""
    stem = _BAD.sub("-", stem).strip(" .-") or "photo"
    while len(stem.encode()) > 150:
        stem = stem[:-1]
    ending = f".{suffix.lower()}"
    return stem + (ending if ending in _SUFFIXES[kind] else _SUFFIXES[kind][0])


def _is_hidden(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _batches(all_of_them: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(all_of_them), _BATCH):
        yield all_of_them[start : start + _BATCH]
