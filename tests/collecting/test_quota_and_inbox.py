"""Quota, inbox and forgetting: the table is filled, a person decides, and what goes is gone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from mien.cache import Cache
from mien.collecting.forgetting import forget, forgotten_digests, tainted_by
from mien.collecting.inbox import class_names, take, throw_out
from mien.collecting.inventory import count_cells, current_sources, held_photos, undecided_photos
from mien.collecting.journal import read_journal
from mien.collecting.ledger import read_sources, read_tombstones
from mien.collecting.purging import Traces, leftovers
from mien.collecting.quota import parse_quota, read_quota
from mien.collecting.records import Search
from mien.errors import DatasetError, UserError

WANT = {
    "want": {
        "classes": ["happy", "sad"],
        "per_cell": 2,
        "groups": {"skin": ["white", "brown"], "gender": ["man", "woman"]},
        "cell": [{"class": "sad", "gender": "man", "n": 5}],
    },
    "search": {
        "sources": ["openverse", "commons"],
        "queries": ["{class} {gender}"],
        "limit": 50,
        "words": {"sad": ["sad", "crying"]},
    },
}


# Quota.


def test_a_quota_names_every_cell_and_its_exceptions() -> None:
    quota = parse_quota(WANT)
    assert len(quota.wanted) == 8
    assert quota.wanted["sad", (("gender", "man"), ("skin", "brown"))] == 5
    assert quota.wanted["happy", (("gender", "man"), ("skin", "brown"))] == 2
    assert quota.limit == 50


def test_the_neediest_cell_comes_first_and_more_groups_than_asked_still_count() -> None:
    quota = parse_quota(WANT)
    cell = ("happy", (("gender", "man"), ("skin", "white")))
    have = {("happy", (("gender", "man"), ("person", "p1"), ("skin", "white"))): 2}
    lacking = quota.lacking(have)
    assert cell not in lacking
    assert next(iter(lacking))[0] == "sad"
    assert sum(lacking.values()) == 6 + 14


def test_searches_try_first_words_first_and_every_source() -> None:
    quota = parse_quota(WANT)
    cell = ("sad", (("gender", "man"), ("skin", "white")))
    found = list(quota.searches(cell))
    assert [(s.query, s.source) for s in found] == [
        ("sad man", "openverse"), ("sad man", "commons"),
        ("crying man", "openverse"), ("crying man", "commons"),
    ]  # fmt: skip
    assert found[0] == Search(
        source="openverse", query="sad man", label="sad", groups={"gender": "man", "skin": "white"}
    )


def test_without_queries_class_and_groups_are_searched_for() -> None:
    quota = parse_quota(
        {"want": {"classes": ["sad"], "per_cell": 1, "groups": {"skin": ["white"]}}}
    )
    (search,) = quota.searches(("sad", (("skin", "white"),)))
    assert (search.query, search.source) == ("sad white portrait", "openverse")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"want": 3}, r"\[want\] is missing or no table"),
        ({"more": {}}, "more is unknown"),
        ({"want": {"classes": [], "per_cell": 1}}, "want.classes must be a list"),
        ({"want": {"classes": ["a", "a"], "per_cell": 1}}, "want.classes must be a list"),
        ({"want": {"classes": ["a"], "per_cell": -1}}, "want.per_cell must be a whole number"),
        ({"want": {"classes": ["a"], "per_cell": True}}, "want.per_cell must be a whole number"),
        ({"want": {"classes": ["a"], "per_cell": 1, "x": 1}}, "want.x is unknown"),
        (
            {"want": {"classes": ["a"], "per_cell": 1, "cell": [{"class": "b", "n": 1}]}},
            "is no cell of the table",
        ),
        ({"search": {"sources": ["ask"]}}, "names 'ask'"),
        ({"search": {"queries": ["{mood} face"]}}, "has '{mood}'"),
        ({"search": {"queries": ["{class!r:x} {"]}}, "search.queries has"),
        ({"search": {"limits": 3}}, "search.limits is unknown"),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused_by_its_key(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        parse_quota({**WANT, **change})


def test_a_quota_file_must_be_toml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read quota"):
        read_quota(tmp_path / "none.toml")
    (tmp_path / "q.toml").write_text("want = [")
    with pytest.raises(UserError, match="is not TOML"):
        read_quota(tmp_path / "q.toml")


# Inbox and forgetting, on a folder that was really collected.


@pytest.fixture
def photos(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Four photos in the inbox."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))  # its tombstones are ours alone
    pictures = [web.Picture(name=f"{i}.jpg", data=data) for i, data in enumerate(drawn[:4])]
    search = Search(source="openverse", query="q", label="happy", groups={"gender": "man"})
    with web.Server(pictures=pictures) as server, collecting(server, workers=1) as collector:
        collector.run(search, limit=10)
    return tmp_path / "photos"


def names(folder: Path) -> list[str]:
    return [photo.name for photo in undecided_photos(folder)]


def groups_table(folder: Path) -> list[dict[str, str]]:
    with (folder / "groups.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.network
def test_taking_moves_the_photo_its_groups_and_its_line(photos: Path) -> None:
    (photos / "groups.csv").write_text("path,age\nsad/x.jpg,old\n")
    name = names(photos)[0]
    taken = take(photos, name, label="sad", groups={"gender": "woman"})
    assert taken.path.is_file()
    assert taken.name == f"sad/{Path(name).name}"
    assert groups_table(photos) == [
        {"path": "sad/x.jpg", "age": "old", "gender": ""},
        {"path": taken.name, "age": "", "gender": "woman"},
    ]
    line = next(s for s in read_sources(photos) if s.path == taken.name)
    assert (line.label, line.groups, line.state) == ("sad", "gender=woman", "kept")
    assert len(names(photos)) == 3
    assert class_names(photos) == ("happy", "sad")
    assert count_cells(photos)["happy", (("gender", "man"),)] == 3


@pytest.mark.network
def test_throwing_out_deletes_and_remembers(photos: Path) -> None:
    name = names(photos)[0]
    throw_out(photos, name)
    assert not (photos / name).exists()
    assert name not in {line.path for line in read_sources(photos)}
    assert [line.reason for line in read_journal(photos)].count("rejected by hand") == 1


@pytest.mark.network
@pytest.mark.parametrize(
    "name", ["", "x.jpg", ".inbox/none.jpg", ".inbox/../sources.csv", ".inbox/lock/..", ".inbox/.x"]
)
def test_only_photos_of_the_inbox_can_be_decided(photos: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="is not in"):
        take(photos, name, label="sad")


@pytest.mark.network
@pytest.mark.parametrize("label", ["", "../sad", "a/b", "a\\b", ".mien", " sad", "a\nb"])
def test_a_label_must_be_the_name_of_a_folder(photos: Path, label: str) -> None:
    with pytest.raises(DatasetError, match="cannot be a class"):
        take(photos, names(photos)[0], label=label)


@pytest.mark.network
def test_a_line_follows_its_photo_wherever_a_person_moves_it(photos: Path) -> None:
    name = names(photos)[0]
    (photos / "sad").mkdir()
    (photos / name).rename(photos / "sad" / "renamed.jpg")
    lines = {line.path: line for line in current_sources(photos, held_photos(photos))}
    assert len(lines) == 4
    assert lines["sad/renamed.jpg"].state == "kept"
    assert lines["sad/renamed.jpg"].label == "sad"


@pytest.mark.network
def test_forgetting_leaves_nothing_but_the_tombstone(photos: Path) -> None:
    first, second = names(photos)[:2]
    taken = take(photos, first, label="sad", groups={"person": "p1", "gender": "man"})
    kept = (photos / taken.name).read_bytes()
    line = next(s for s in read_sources(photos) if s.path == taken.name)
    (photos / "splits.csv").write_text(f"path,part,sha256\n{taken.name},train,{line.sha256}\n")
    with Cache.open(photos) as cache:
        cache.put_many({"embedding": kept})
    erased = forget(photos, person="p1")
    assert erased.photos == (taken.name,)
    assert set(erased.tables) == {"groups.csv", "sources.csv", "splits.csv"}
    assert erased.cache
    assert leftovers(photos, erased.traces) == []
    assert leftovers(photos, Traces(names=[line.url], digests=[])) == []
    everything = b"".join(
        path.read_bytes()
        for path in photos.rglob("*")
        if path.is_file() and path.name != "forgotten.csv"
    )
    for secret in (kept[2000:2060], line.sha256.encode(), taken.name.encode(), line.url.encode()):
        assert secret not in everything
    (stone,) = read_tombstones(photos)
    assert stone.sha256 == line.sha256
    assert line.url not in (photos / "forgotten.csv").read_text()
    assert second in names(photos)


@pytest.mark.network
def test_a_forgotten_photo_taints_what_was_trained_on_it(photos: Path) -> None:
    digest = undecided_photos(photos)[0].sha256
    assert tainted_by([digest], folders=[photos]) == ()
    forget(photos, photo=digest[:10])
    assert tainted_by([digest, "other"]) == (digest,)  # known on this machine, wherever it lay
    assert digest in forgotten_digests([photos])


@pytest.mark.network
def test_a_source_is_forgotten_by_name_host_or_creator(photos: Path) -> None:
    assert len(forget(photos, source="127.0.0.1").photos) == 4
    assert read_journal(photos) == []


@pytest.mark.network
def test_forgetting_wants_to_know_exactly_what(photos: Path) -> None:
    for asked in ({}, {"photo": "x", "person": "y"}):
        with pytest.raises(DatasetError, match="say which photos"):
            forget(photos, **asked)
    for asked in ({"photo": "0123456789ab"}, {"person": "nobody"}, {"source": "bing"}):
        with pytest.raises(DatasetError, match="no photo in"):
            forget(photos, **asked)


@pytest.mark.network
def test_a_photo_can_be_named_by_its_path(photos: Path) -> None:
    name = names(photos)[2]
    assert forget(photos, photo=name).photos == (name,)
