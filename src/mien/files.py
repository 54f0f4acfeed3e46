"""Writing to disk so that a reader finds the old file or the new one, never a mixture.

Every file that mien writes goes through here. Law: write beside, flush to the disk, rename.
Knows nothing of what it writes.
"""

from __future__ import annotations

import itertools
import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from mien.errors import UserError

# Numbers the files that are being written.
_NUMBERS: Final = itertools.count()
# Files of `write_many` that are flushed at once: more gains nothing on a solid-state disk.
_AT_ONCE: Final = 8


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` for writing and rename it over `path` when all went well.

    The body must do nothing but write: any `OSError` in it is told as a failure to write `path`.
    The parent folder is made when it is missing. On an exception, `path` is as it was.

    Raises:
        UserError: The folder cannot be written, or the disk is full.

    Example:
        >>> import tempfile, pathlib
        >>> target = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> with replacing(target) as file:
        ...     _ = file.write(b"whole")
        >>> target.read_bytes()
        b'whole'
    """
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = _beside(path)
        with os.fdopen(handle, "wb") as file:
            yield file
            _settle(file)
        beside.replace(path)
        beside = None
        _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Check that files can be written to a folder, there or not, before long work for it.

    Raises:
        UserError: They cannot.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise _unwritten(folder, f"'{there}' is a file, not a folder")
    if not os.access(there, os.W_OK):
        raise _unwritten(folder, f"'{there}' is read-only")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` as a whole or not at all."""
    with replacing(path) as file:
        file.write(data)


def write_many(contents: Mapping[Path, bytes], *, pool: Executor) -> None:
    """Write many files, each as a whole or not at all, flushed together by the threads of `pool`.

    One after the other, the disk is waited for twice a file; sixteen at once take a fifth of that.

    Raises:
        UserError: One cannot be written; others may have been.
    """
    parts: dict[Path, Path] = {}
    folders = {path.parent: path for path in contents}

    def write(some: Sequence[Path]) -> None:
        for path in some:
            try:
                handle, parts[path] = _beside(path)
                with os.fdopen(handle, "wb") as file:
                    file.write(contents[path])
                    _settle(file)
            except OSError as error:
                raise _cannot_write(path, error) from error

    try:
        for folder, path in folders.items():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _cannot_write(path, error) from error
        # Each is waited for, whatever became of the one before: none is written to any more after.
        paths = list(contents)
        written = [pool.submit(write, paths[i::_AT_ONCE]) for i in range(min(_AT_ONCE, len(paths)))]
        wait(written)
        for one in written:
            one.result()
        for path, part in list(parts.items()):
            try:
                os.replace(part, path)  # noqa: PTH105 - a Path is made for nothing
            except OSError as error:
                raise _cannot_write(path, error) from error
            del parts[path]
        for folder in folders:
            _sync_folder(folder)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path` as a whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented UTF-8 JSON to `path` as a whole or not at all.

    Raises:
        ValueError: `value` holds NaN or infinity, which JSON has no word for.
    """
    write_text(path, to_json(value) + "\n")


def to_json(value: object) -> str:
    """JSON text as mien writes it everywhere: indented, UTF-8 unescaped, no NaN."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)


def read_json(path: Path, *, what: str, error: Callable[[str, str], UserError] = UserError) -> Any:
    """Read a JSON file that mien or the user wrote.

    Args:
        path: The file.
        what: What it should be, for the message, such as ``"run record"``.
        error: The kind of `UserError` to raise.

    Raises:
        UserError: It is not there, cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise error(f"cannot read {what} '{path}': {problem.strerror or problem}", "") from problem
    except ValueError as problem:
        raise error(f"'{path}' is not a {what}: {problem}", "") from problem


def is_closed(folder: Path) -> bool:
    """Whether a folder's owner has taken away all permission to write, which root minds too."""
    return os.name == "posix" and folder.is_dir() and not folder.stat().st_mode & 0o222


def nfc(text: str) -> str:
    """Unicode NFC, so that a name typed on macOS (NFD) and one typed on Windows are one."""
    return unicodedata.normalize("NFC", text)


def _beside(path: Path) -> tuple[int, Path]:
    """A new file beside `path`, open for writing; those may read it who may read new files."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        beside = path.with_name(f".{path.name[:40]}.{os.getpid()}-{next(_NUMBERS)}.part")
        with suppress(FileExistsError):  # left by a process of this number that was killed
            return os.open(beside, flags, 0o666), beside


def _settle(file: IO[bytes]) -> None:
    """Flush a file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError) -> UserError:
    file = next((folder for folder in path.parents if folder.is_file()), None)
    if file:
        return _unwritten(path, f"'{file}' is a file, not a folder")
    return _unwritten(path, error.strerror or f"{error}")


def _unwritten(path: Path, why: str) -> UserError:
    return UserError(
        f"cannot write '{path}': {why}", "Choose another folder, or free space on the disk."
    )


def _sync_folder(folder: Path) -> None:
    # The rename itself must reach the disk too. Windows cannot open folders: its rename is enough.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
