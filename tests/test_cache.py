from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mien import cache as cache_module
from mien.cache import FILE_NAME, Cache


def value_of(key: str) -> bytes:
    """What the writers below put under a key, so that any reader can tell whether it is right."""
    return (key * 200).encode()


# A process that puts batches of right values until it is killed; it says so when it has begun.
WRITER = """
import sys, itertools
from pathlib import Path
from mien.cache import Cache
name = sys.argv[2]
with Cache.open(Path(sys.argv[1])) as cache:
    for i in itertools.count():
        keys = [f"{name}-{i}-{j}" for j in range(20)]
        cache.put_many({key: (key * 200).encode() for key in keys})
        if i == 2:
            print("begun", flush=True)
        if len(sys.argv) > 3 and i == int(sys.argv[3]):
            break
"""


def start_writer(folder: Path, name: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, *more], stdout=subprocess.PIPE, text=True
    )


def all_keys(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / ".mien" / FILE_NAME)
    try:
        return [key for (key,) in connection.execute("SELECT key FROM entry")]
    finally:
        connection.close()


def database(folder: Path) -> Path:
    return folder / ".mien" / FILE_NAME


def test_what_was_put_comes_back_after_reopening(tmp_path: Path) -> None:
    with Cache.open(tmp_path) as cache:
        cache.put_many({"a": b"1", "b": b"", "c": bytes(100_000)})
        cache.put_many({"a": b"2"})
    with Cache.open(tmp_path) as cache:
        assert cache.get_many(["a", "b", "c", "d"]) == {"a": b"2", "b": b"", "c": bytes(100_000)}
        assert cache.path == database(tmp_path)


def test_nothing_asked_is_nothing_found(tmp_path: Path) -> None:
    with Cache.open(tmp_path) as cache:
        cache.put_many({})
        cache.forget([])
        assert cache.get_many([]) == {}


def test_more_keys_than_a_statement_holds_are_found(tmp_path: Path) -> None:
    values = {f"key {i}": value_of(str(i)) for i in range(2_345)}
    with Cache.open(tmp_path) as cache:
        cache.put_many(values)
        assert cache.get_many(list(values)) == values


def test_forgotten_keys_are_gone(tmp_path: Path) -> None:
    with Cache.open(tmp_path) as cache:
        cache.put_many({"a": b"1", "b": b"2"})
        cache.forget(["a", "unknown"])
        assert cache.get_many(["a", "b"]) == {"b": b"2"}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entry SET value = x'00' WHERE key = 'a'",
        "UPDATE entry SET value = 'text' WHERE key = 'a'",
        "UPDATE entry SET seal = x'00' WHERE key = 'a'",
        "UPDATE entry SET value = (SELECT value FROM entry WHERE key = 'b'),"
        " seal = (SELECT seal FROM entry WHERE key = 'b') WHERE key = 'a'",
    ],
)
def test_a_wrong_value_is_treated_as_missing_and_deleted(tmp_path: Path, damage: str) -> None:
    with Cache.open(tmp_path) as cache:
        cache.put_many({"a": b"1", "b": b"2"})
    connection = sqlite3.connect(database(tmp_path))
    connection.execute(damage)
    connection.commit()
    connection.close()
    with Cache.open(tmp_path) as cache:
        assert cache.get_many(["a", "b"]) == {"b": b"2"}
    assert all_keys(tmp_path) == ["b"]


def test_many_threads_may_use_one_cache(tmp_path: Path) -> None:
    keys = [f"{i}" for i in range(200)]
    with Cache.open(tmp_path) as cache:

        def work(mine: list[str]) -> None:
            for key in mine:
                cache.put_many({key: value_of(key)})
                assert cache.get_many([key]) == {key: value_of(key)}

        threads = [threading.Thread(target=work, args=(keys[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(cache.get_many(keys)) == 200


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, name, "30") for name in ("x", "y")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdout
        writer.stdout.close()
    with Cache.open(tmp_path) as cache:
        keys = [f"{name}-{i}-{j}" for name in "xy" for i in range(31) for j in range(20)]
        found = cache.get_many(keys)
    assert found == {key: value_of(key) for key in keys}


def test_a_kill_at_any_moment_leaves_whole_batches_only(tmp_path: Path) -> None:
    rng = random.Random(1)
    for n in range(3):
        writer = start_writer(tmp_path, f"w{n}")
        assert writer.stdout
        assert writer.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        said: list[str] = []
        with Cache.open(tmp_path, say=said.append) as cache:
            keys = all_keys(tmp_path)
            assert len(keys) >= 60 * (n + 1)
            assert len(keys) % 20 == 0
            assert cache.get_many(keys) == {key: value_of(key) for key in keys}
        assert said == []


@pytest.mark.parametrize(
    "content", [b"this is no database at all" * 100, b"SQLite format 3\0" * 99]
)
def test_a_file_that_is_no_database_is_moved_aside_and_said(tmp_path: Path, content: bytes) -> None:
    database(tmp_path).parent.mkdir()
    database(tmp_path).write_bytes(content)
    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        cache.put_many({"a": b"1"})
        assert cache.get_many(["a"]) == {"a": b"1"}
    assert len(said) == 1
    assert "moved to 'cache-aside.sqlite' and begun anew" in said[0]
    assert (tmp_path / ".mien" / "cache-aside.sqlite").read_bytes() == content


def test_another_version_of_the_cache_is_moved_aside(tmp_path: Path) -> None:
    with Cache.open(tmp_path) as cache:
        cache.put_many({"a": b"1"})
    connection = sqlite3.connect(database(tmp_path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        assert cache.get_many(["a"]) == {}
    assert "not a cache of version 1" in said[0]


def test_a_file_damaged_while_it_is_open_is_begun_anew(tmp_path: Path) -> None:
    said: list[str] = []
    values = {str(i): os.urandom(5_000) for i in range(200)}
    with Cache.open(tmp_path) as cache:
        cache.put_many(values)
    with database(tmp_path).open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * 200_000)
    with Cache.open(tmp_path, say=said.append) as cache:
        found = cache.get_many(list(values))
        assert all(values[key] == value for key, value in found.items())
        cache.put_many({"a": b"1"})
        assert cache.get_many(["a"]) == {"a": b"1"}
    assert any("begun anew" in sentence for sentence in said)


def test_the_folder_may_be_deleted_while_the_cache_is_open(tmp_path: Path) -> None:
    import shutil

    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        cache.put_many({"a": b"1"})
        shutil.rmtree(tmp_path / ".mien")
        cache.put_many({"b": b"2"})
        assert cache.get_many(["b"]) == {"b": b"2"}
    with Cache.open(tmp_path) as cache:
        assert cache.get_many(["a", "b"]) == {"b": b"2"}
    assert said == []


def test_where_the_folder_cannot_be_written_the_users_cache_is_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / ".mien").write_text("a file stands where the folder should be")
    said: list[str] = []
    with Cache.open(photos, say=said.append) as cache:
        cache.put_many({"a": b"1"})
        assert cache.path is not None
        assert cache.path.is_relative_to(tmp_path / "home" / "cache")
    assert len(said) == 1
    assert f"'{photos}' cannot hold a cache" in said[0]
    with Cache.open(photos) as cache:
        assert cache.get_many(["a"]) == {"a": b"1"}


def test_a_read_only_folder_is_left_alone_even_by_root(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    folder.chmod(0o555)
    said: list[str] = []
    with Cache.open(folder, say=said.append) as cache:
        cache.put_many({"a": b"1"})
    assert not list(folder.iterdir())
    assert "read-only" in said[0]


def test_two_folders_do_not_share_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".mien").touch()
        with Cache.open(tmp_path / name) as cache:
            paths.append(cache.path)
    assert paths[0] != paths[1]


def test_where_nothing_can_be_written_it_remembers_for_itself_alone_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()
    (tmp_path / ".mien").touch()
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        assert cache.path is None
        cache.put_many({"a": b"1"})
        assert cache.get_many(["a"]) == {"a": b"1"}
    assert len(said) == 1
    assert said[0].startswith("No cache can be kept")


def test_a_disk_without_shared_memory_sends_the_cache_to_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What SQLite does on NFS: the write-ahead log needs shared memory and locking fails.
    prepared = cache_module._prepared

    def fail_beside_the_photos(connection: sqlite3.Connection) -> sqlite3.Connection:
        (row,) = connection.execute("PRAGMA database_list").fetchall()
        if str(row[2]).startswith(str(tmp_path / "photos")):
            raise sqlite3.OperationalError("locking protocol")
        return prepared(connection)

    (tmp_path / "photos").mkdir()
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache_module, "_prepared", fail_beside_the_photos)
    said: list[str] = []
    with Cache.open(tmp_path / "photos", say=said.append) as cache:
        assert cache.path is not None
        assert cache.path.is_relative_to(tmp_path / "home")
    assert "(locking protocol)" in said[0]


def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        cache.put_many({"a": b"1"})
        # SQLite's own limit gives the same error as a full disk does.
        cache._connection.execute("PRAGMA max_page_count = 1")
        for i in range(3):
            cache.put_many({f"b{i}": bytes(1_000_000)})
        assert cache.get_many(["a", "b0"]) == {"a": b"1"}
    assert len(said) == 1
    assert "database or disk is full" in said[0]
    assert "going on without" in said[0]


def test_another_process_holding_the_lock_does_not_stop_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_BUSY_SECONDS", 0.2)
    said: list[str] = []
    with Cache.open(tmp_path, say=said.append) as cache:
        cache.put_many({"a": b"1"})
        other = sqlite3.connect(database(tmp_path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert cache.get_many(["a"]) == {"a": b"1"}
        cache.put_many({"b": b"2"})
        other.execute("ROLLBACK")
        other.close()
        cache.put_many({"c": b"3"})
        assert cache.get_many(["b", "c"]) == {"c": b"3"}
    assert "database is locked" in said[0]
