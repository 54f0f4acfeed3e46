"""A store of bytes by key beside the photos: embeddings, face boxes, facts of an audit.

Everything in it can be computed again, so it may be deleted at any time and is never trusted
blindly. Laws: a value comes back exactly as it was put, or not at all (each carries a checksum
over its key and its bytes); two processes at once and a kill at any moment leave it whole
(SQLite with a write-ahead log); what stops it from remembering is said once and stops nothing
else. It knows nothing of what the bytes mean.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from mien.digest import digest_text
from mien.files import is_closed
from mien.places import user_cache
from mien.records import Say, say_nothing

T = TypeVar("T")

FILE_NAME: Final = "cache.sqlite"

# Bump when the table changes: a file of another version is moved aside and begun anew.
_VERSION: Final = 1
# "mien" in ASCII, so that a stranger's SQLite file under our name is not written to.
_APPLICATION: Final = 0x6D69656E
# A writer holds the lock for milliseconds; only a stopped process can make another wait this long.
_BUSY_SECONDS: Final = 30.0
# SQLite's own limit of variables in a statement was 999 before 3.32.
_KEYS_AT_ONCE: Final = 500
_CHECKSUM_BYTES: Final = 16
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Cache:
    """Bytes by key in `folder/.mien/cache.sqlite`; open it with `Cache.open`.

    One object may be used from many threads; after a fork, the child opens its own.

    Attributes:
        path: The file; None where nothing outlives this object, as neither the photos' folder
            nor the user's cache folder can be written.

    Example:
        >>> import pathlib, tempfile
        >>> with Cache.open(pathlib.Path(tempfile.mkdtemp())) as cache:
        ...     cache.put_many({"one": b"1"})
        ...     cache.get_many(["one", "two"])
        {'one': b'1'}
    """

    def __init__(self, path: Path | None, connection: sqlite3.Connection, say: Say) -> None:
        self.path: Final = path
        self._connection = connection
        self._say = say
        self._inode = _inode(path)
        self._lock = threading.Lock()
        self._said = False

    @classmethod
    def open(cls, folder: Path, *, say: Say = say_nothing) -> Self:
        """Open the cache of a folder of photos, making it where it is missing.

        Args:
            folder: The folder of photos. Where `folder/.mien` cannot be written, or lies on a disk
                that cannot share memory between processes, the user's cache folder is used.
            say: Told, in a sentence, of anything but the usual place.
        """
        folder = folder.absolute()
        elsewhere = user_cache() / "photos" / digest_text(os.fspath(folder.resolve()))[:32]
        beside = folder / ".mien" / FILE_NAME
        reason = ""
        for path in (beside, elsewhere / FILE_NAME):
            try:
                if path is beside:
                    _respect(folder)
                path.parent.mkdir(exist_ok=True, parents=path is not beside)
                cache = cls(path, _connect(path, say), say)
            except (OSError, sqlite3.OperationalError) as error:
                reason = reason or _why(error)
                continue
            if path is not beside:
                say(f"'{folder}' cannot hold a cache ({reason}): it is kept in '{path.parent}'.")
            return cache
        say(f"No cache can be kept, neither in '{folder}' nor in '{elsewhere}' ({reason}).")
        return cls(None, _prepared(_connection(":memory:")), say)

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The values of those `keys` that are here and whole; a damaged one is forgotten."""
        none: list[tuple[str, bytes, bytes]] = []
        rows = self._do(lambda connection: _select(connection, keys), otherwise=none)
        whole = {key: value for key, seal, value in rows if _is_whole(key, seal, value)}
        self.forget([key for key, _, _ in rows if key not in whole])
        return whole

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keep `values`, all or, after a kill, none of them; a known key gets its new value."""
        rows = [(key, _checksum(key, value), value) for key, value in values.items()]
        self._write("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", rows)

    def forget(self, keys: Iterable[str]) -> None:
        """Delete `keys`; unknown ones are passed over."""
        self._write("DELETE FROM entry WHERE key = ?", [(key,) for key in keys])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.executemany(statement, rows)

        self._do(write, otherwise=None)

    def _do(self, work: Callable[[sqlite3.Connection], T], *, otherwise: T) -> T:
        with self._lock:
            # Deleting `.mien` is allowed at any time; what we hold open would be lost unseen.
            if self.path is not None and _inode(self.path) != self._inode:
                self._reopen(self.path)
            # Twice: a file found broken is begun anew and asked again.
            for _ in range(2):
                try:
                    return work(self._connection)
                except sqlite3.DatabaseError as error:
                    if _is_broken(error) and self.path is not None:
                        self._begin_anew(self.path, error)
                        continue
                    if not isinstance(error, sqlite3.OperationalError):
                        raise
                    self._say_once(error)
                    break
        return otherwise

    def _begin_anew(self, path: Path, error: sqlite3.DatabaseError) -> None:
        self._connection.close()
        # Another process may have begun anew already: its file is not ours to move.
        if _inode(path) == self._inode:
            _move_aside(path, self._say, why=_why(error))
        self._reopen(path)

    def _reopen(self, path: Path) -> None:
        self._connection.close()
        try:
            path.parent.mkdir(exist_ok=True)
            self._connection = _connect(path, self._say)
        except (OSError, sqlite3.OperationalError) as error:
            self._say_once(error)
            self._connection = _prepared(_connection(":memory:"))
        self._inode = _inode(path)

    def _say_once(self, error: Exception) -> None:
        if not self._said:
            self._say(
                f"The cache '{self.path}' cannot be used now ({_why(error)}): going on without."
            )
        self._said = True


def _connection(where: Path | str) -> sqlite3.Connection:
    # Threads share it under `Cache._lock`; transactions are ours alone (isolation_level None).
    return sqlite3.connect(
        where, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _connect(path: Path, say: Say) -> sqlite3.Connection:
    connection = _connection(path)
    try:
        return _prepared(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if not _is_broken(error):
            raise
        _move_aside(path, say, why=_why(error))
    return _prepared(_connection(path))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    # A photos' folder may come from a stranger, its cache with it: nothing in the file's own
    # schema is run, and sizes of cells are checked (sqlite.org/security.html).
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
    # With a log, NORMAL can lose the last transactions when the power fails, never their order.
    connection.execute("PRAGMA synchronous = NORMAL")
    with _transaction(connection):
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables == 0:
            connection.execute(
                "CREATE TABLE entry (key TEXT PRIMARY KEY, seal BLOB NOT NULL, value BLOB NOT NULL)"
            )
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) != (_APPLICATION, _VERSION):
        raise _OtherFileError(f"it is not a cache of version {_VERSION}")
    return connection


class _OtherFileError(sqlite3.DatabaseError):
    """A sound SQLite file, but not ours or of another version."""


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE: a read lock that is to become a write lock is refused at once, without waiting.
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        yield
    except BaseException:
        # A full disk rolls back by itself; then there is nothing left to roll back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _patiently(ask: Callable[[], object]) -> None:
    # SQLite does not call its busy handler where waiting could deadlock (turning the log on,
    # recovering it after a kill): then we wait ourselves.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            ask()
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _select(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    rows: list[tuple[str, bytes, bytes]] = []
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        marks = ",".join("?" * len(some))
        rows += connection.execute(
            f"SELECT key, seal, value FROM entry WHERE key IN ({marks})", some
        ).fetchall()
    return rows


def _checksum(key: str, value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_CHECKSUM_BYTES, key=key.encode()[-64:]).digest()


def _is_whole(key: str, seal: object, value: object) -> bool:
    return isinstance(value, bytes) and seal == _checksum(key, value)


def _move_aside(path: Path, say: Say, *, why: str) -> None:
    aside = path.with_name(f"{path.stem}-aside{path.suffix}")
    path.replace(aside)
    # A log left behind would be played into the new file.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    say(f"The cache '{path}' was damaged ({why}): it was moved to '{aside.name}' and begun anew.")


def _code(error: sqlite3.Error) -> int:
    # Python gives the extended code; its low byte is the primary one.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    return isinstance(error, _OtherFileError) or _code(error) in _BROKEN


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _respect(folder: Path) -> None:
    """Leave a folder alone that its owner has closed to writing, even where we are root."""
    if is_closed(folder):
        raise PermissionError(errno.EACCES, "it is read-only", os.fspath(folder))


def _inode(path: Path | None) -> int | None:
    try:
        return path.stat().st_ino if path else None
    except OSError:
        return None
