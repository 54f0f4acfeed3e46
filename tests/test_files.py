"""Files are written as a whole or not at all, one by one or many together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.files import replacing, write_many


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_many_files_are_written_together_and_readable_as_new_files_are(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    contents = {tmp_path / f"{i % 3}" / f"{i}.bin": bytes([i]) * i for i in range(20)}
    old = tmp_path / "1" / "1.bin"
    old.parent.mkdir()
    old.write_bytes(b"old")
    write_many(contents, pool=pool)
    assert {path: path.read_bytes() for path in contents} == contents
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert {path.stat().st_mode for path in contents} == {plain.stat().st_mode}
    write_many({}, pool=pool)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == len(contents) + 1


def test_of_many_files_none_is_half_where_one_cannot_be_written(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    (tmp_path / "file").write_bytes(b"")
    sound = {tmp_path / f"{i}.bin": b"whole" for i in range(6)}
    with pytest.raises(UserError, match=r"cannot write '.*file/x\.bin'"):
        write_many({**sound, tmp_path / "file" / "x.bin": b"x"}, pool=pool)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "file"]
    assert all(path.read_bytes() == b"whole" for path in left)
    assert not list(tmp_path.rglob("*.part"))


def test_one_file_is_as_it_was_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        _write_and_fail(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_bytes() == b"old"


def _write_and_fail(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"ne")
        file.write("w")  # type: ignore[arg-type]
