"""Reading a zip that a stranger made.

Law: names are refused by their syntax before anything is inflated; bytes are counted while they
come out, never believed from a header; the number of entries, their size together and their ratio
are capped; links and encrypted entries are refused. Nothing is written to disk here.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mien.errors import ModelError, UserError

# A project of some thousand photos stays far below; a bomb is stopped long before memory ends.
MAX_ENTRIES: Final = 20_000
MAX_TOTAL_BYTES: Final = 512 << 20
# Text deflates to a tenth, pictures hardly; a thousandfold is what a bomb of zeros reaches.
MAX_RATIO: Final = 200
_RATIO_MATTERS_ABOVE_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 18
_BAD_NAME: Final = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:")
_PROBLEMS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # a compression that this Python has not
    RuntimeError,  # an encrypted entry
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)


@dataclass
class Archive:
    """An open zip; counts what has been inflated from it so far.

    Attributes:
        path: For messages.
        names: Of its files, in the order of the zip; folders are left out.
    """

    path: Path
    names: tuple[str, ...]
    _zip: zipfile.ZipFile = field(repr=False)
    _error: type[UserError] = field(repr=False)
    _n_bytes: int = 0

    def read(self, name: str, *, limit_bytes: int) -> bytes:
        """Inflate one entry.

        Raises:
            UserError: There is none of that name, it is damaged, encrypted or too large, or the
                archive as a whole has grown too large.
        """
        if name not in self.names:
            raise self._error(f"'{self.path}' holds no {name!r:.90}", "")
        info = self._zip.getinfo(name)
        chunks, n_bytes = [], 0
        try:
            with self._zip.open(info) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    n_bytes += len(chunk)
                    self._check_size(name, n_bytes, info.compress_size, limit_bytes)
                    chunks.append(chunk)
        except _PROBLEMS as error:
            message = f"{name!r:.90} in '{self.path}' cannot be unpacked: {error}"
            raise self._error(message, "") from error
        self._n_bytes += n_bytes
        return b"".join(chunks)

    def _check_size(self, name: str, n_bytes: int, n_packed: int, limit_bytes: int) -> None:
        if n_bytes > limit_bytes:
            what = f"{name!r:.90} in '{self.path}' has more than {limit_bytes:,} bytes"
            raise self._error(what, "")
        if n_bytes > _RATIO_MATTERS_ABOVE_BYTES and n_bytes > MAX_RATIO * max(n_packed, 1):
            what = f"{name!r:.90} in '{self.path}' unpacks to over {MAX_RATIO} times its size"
            raise self._error(what, "It looks like a decompression bomb and was not read on.")
        if self._n_bytes + n_bytes > MAX_TOTAL_BYTES:
            raise self._error(f"'{self.path}' unpacks to over {MAX_TOTAL_BYTES:,} bytes", "")


@contextmanager
def open_archive(path: Path, *, error: type[UserError] = ModelError) -> Iterator[Archive]:
    """Open a zip, its list of names checked.

    Args:
        path: Of the zip.
        error: The kind of `UserError` to raise.

    Raises:
        UserError: It is not a zip, has too many entries, or a name that leaves its folder, stands
            twice, or is a link.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.zip"
        >>> with zipfile.ZipFile(path, "w") as file:
        ...     file.writestr("labels.txt", "0 calm")
        >>> with open_archive(path) as archive:
        ...     archive.read("labels.txt", limit_bytes=100)
        b'0 calm'
    """
    try:
        opened = zipfile.ZipFile(path)
    except _PROBLEMS as problem:
        raise error(f"'{path}' cannot be read as a zip: {problem}", "") from problem
    with opened:
        yield Archive(
            path=path, names=_checked_names(opened, path, error), _zip=opened, _error=error
        )


def _checked_names(opened: zipfile.ZipFile, path: Path, error: type[UserError]) -> tuple[str, ...]:
    infos = opened.infolist()
    if len(infos) > MAX_ENTRIES:
        raise error(f"'{path}' has {len(infos):,} entries; at most {MAX_ENTRIES:,} are read", "")
    for info in infos:
        if not info.filename:  # which `ZipInfo.is_dir` cannot bear
            raise error(f"'{path}' has an entry without a name", "")
        if _BAD_NAME.search(info.filename) or ".." in info.filename.split("/"):
            raise error(f"'{path}' has an entry that leaves its folder, {info.filename!r:.90}", "")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise error(f"'{path}' has an entry that is a link, {info.filename!r:.90}", "")
    names = [info.filename for info in infos if not info.is_dir()]
    if len(set(names)) != len(names):
        raise error(f"'{path}' has two entries of one name", "")
    return tuple(names)
