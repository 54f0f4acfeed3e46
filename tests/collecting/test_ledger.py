"""The table of where every photo is from, its tombstones and its credits."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.collecting.ledger import (
    SourceLine,
    Tombstone,
    add_tombstones,
    credits_text,
    join_groups,
    read_sources,
    read_tombstones,
    split_groups,
    write_sources,
)
from mien.errors import DatasetError


def line(**values: str) -> SourceLine:
    return SourceLine(**{"path": "a/1.jpg", "sha256": "0" * 64, "source": "commons", "url": "u",
                         **values})  # fmt: skip


def test_the_ledger_comes_back_as_it_was_written(tmp_path: Path) -> None:
    lines = [line(title='=HYPERLINK("x")', creator="Søren, “the” 한국"), line(path="a/0.jpg")]
    write_sources(tmp_path, lines)
    assert read_sources(tmp_path) == sorted(lines, key=lambda s: s.path)
    text = (tmp_path / "sources.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK" in text  # a spreadsheet must not run it
    assert read_sources(tmp_path / "nowhere") == []


def test_a_ledger_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("name\nx\n")
    with pytest.raises(DatasetError, match="no column 'path'"):
        read_sources(tmp_path)
    (tmp_path / "sources.csv").write_bytes(b"path,sha256\n\xff\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_sources(tmp_path)


def test_tombstones_are_added_once(tmp_path: Path) -> None:
    stone = Tombstone(sha256="a", fetched_sha256="b", url_sha256="c", forgotten_at="now")
    file = tmp_path / "forgotten.csv"
    add_tombstones(file, [stone])
    add_tombstones(file, [stone])
    assert read_tombstones(tmp_path) == read_tombstones(file) == [stone]


def test_groups_survive_their_cell() -> None:
    groups = {"skin": "brown", "gender": "woman"}
    assert split_groups(join_groups(groups)) == groups
    assert split_groups("") == {}


def test_credits_name_title_creator_licence_and_place() -> None:
    text = credits_text([
        line(title="Smile", creator="Jo", licence="by-sa 4.0", licence_url="https://l",
             landing_page="https://p", edits="metadata removed"),
        line(path="b/2.jpg"),
    ])  # fmt: skip
    first, second = text.splitlines()
    for part in ("“Smile” by Jo", "CC BY-SA 4.0 <https://l>", "https://p", "metadata removed"):
        assert part in first
    assert "unknown creator, no licence stated" in second
    assert credits_text([]) == ""
