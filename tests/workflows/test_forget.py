"""Forgetting in a project that was really used: trained, audited, split, opened in the studio."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from mien.collecting.forgetting import forget as erase
from mien.collecting.ledger import SourceLine, write_sources
from mien.collecting.purging import Traces
from mien.dataset.drawn import draw_dataset
from mien.digest import digest_file
from mien.errors import DatasetError
from mien.studio.project import Project
from mien.studio.thumbnails import thumbnail
from mien.workflows.audit import audit
from mien.workflows.forget import forget
from mien.workflows.sources import sources
from mien.workflows.split import split
from mien.workflows.test import test as judge_models
from mien.workflows.train import train


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of drawn photos with a ledger, and a home of its own."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    draw_dataset(
        tmp_path / "drawn", classes=("happy", "sad"), n_per_class=8, seed=5, test_per_class=3,
        size_px=96,
    )  # fmt: skip
    folder = (tmp_path / "drawn" / "train").rename(tmp_path / "photos")
    lines = [
        SourceLine(
            path=path.relative_to(folder).as_posix(), sha256=digest_file(path), source="commons",
            url=f"https://photos.example/{path.name}", creator="Jo", licence="by-sa 4.0",
            label=path.parent.name,
        )
        for path in sorted(folder.glob("*/*.jpg"))
    ]  # fmt: skip
    write_sources(folder, lines)
    return folder


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the tombstones; a database with what its pages hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "forgotten.csv"
    }


@pytest.mark.usefixtures("small_backbone")
def test_in_a_used_project_only_the_tombstone_is_left(photos: Path, tmp_path: Path) -> None:
    split(photos, test=0.25)
    run = train(photos, recipe="small", out=tmp_path / "runs" / "one")
    assert run.sources is not None
    assert (run.sources.by_licence, run.sources.n_unknown) == ({"by-sa 4.0": run.n_photos}, 0)
    assert "by-sa 4.0" in (tmp_path / "runs" / "one" / "card.md").read_text()
    audit(photos, html=photos.parent / "audit.html")
    project = Project.open(photos)
    victim, other, moved = (project.listing().photos["happy"][i] for i in (0, 1, 2))
    thumbnail(victim, folder=project.private / "thumbnails")
    project.move_photos([victim.name, other.name, moved.name], "sad")
    project.undo()
    data, digest = victim.path.read_bytes(), digest_file(victim.path)
    # What SQLite deletes lingers on free pages; here is one that holds the photo.
    with sqlite3.connect(project.private / "cache.sqlite") as base:
        base.execute("CREATE TABLE x (v BLOB)")
        base.execute("INSERT INTO x VALUES (?)", (data,))
        base.execute("DELETE FROM x")

    answer = forget(photos, photo=victim.name)

    for name, found in bytes_below(photos).items():
        for secret in (data[-600:-500], digest.encode(), victim.name.encode()):
            assert secret not in found, name
    assert answer.left == ()
    assert str(tmp_path / "runs" / "one" / "sources.csv") in answer.tables
    beside = {n for n, found in bytes_below(tmp_path / "runs").items() if digest.encode() in found}
    assert beside == {"one/model.onnx"}  # by which it is known to be tainted
    assert [one.n_photos for one in answer.tainted] == [1]
    assert digest in (photos / "forgotten.csv").read_text()
    # What is left still works: undo, credits, another training, an exam that warns.
    assert {other.name, moved.name} <= {i.name for i in project.listing().photos["happy"]}
    text = (project.private / "journal.jsonl").read_text()
    assert other.name in text
    assert len(sources(run.run).photos) == run.n_photos - 1
    assert train(photos, recipe="small", out=tmp_path / "runs" / "two").n_photos == run.n_photos - 1
    tested = judge_models(run.model, photos=tmp_path / "drawn" / "test").results[0]
    assert tested.tainted == (digest,)


def test_a_photo_in_the_trash_of_the_studio_is_forgotten_and_others_there_are_not(
    photos: Path,
) -> None:
    project = Project.open(photos)
    first, second = project.listing().photos["sad"][:2]
    digests = [digest_file(one.path) for one in (first, second)]
    project.delete_photos([first.name, second.name])
    (trashed,) = (project.private / "trash").rglob(first.path.name)
    erased = erase(photos, photo=digests[0][:12])
    assert erased.photos == (trashed.relative_to(photos).as_posix(),)
    assert not trashed.exists()
    project.undo()
    assert second.name in {item.name for item in project.listing().photos["sad"]}
    assert first.name not in {item.name for item in project.listing().photos["sad"]}
    assert digests[0].encode() not in b"".join(bytes_below(photos).values())


@pytest.mark.parametrize("how", ["photos", "class"])
def test_a_person_is_forgotten_in_the_trash_and_in_the_history_too(photos: Path, how: str) -> None:
    project = Project.open(photos)
    mine, other = project.listing().photos["sad"][:2]
    digest = digest_file(mine.path)
    project.set_group([mine.name], column="person", value="김민수")
    project.set_group([other.name], column="person", value="이영희")
    if how == "photos":
        project.move_photos([mine.name], "happy")
        project.delete_photos([f"happy/{mine.path.name}", other.name])
    else:
        project.rename_class("sad", "슬픔")
        project.delete_class("슬픔")

    erased = erase(photos, person="김민수")

    assert [stone.sha256 for stone in erased.tombstones] == [digest]
    left = b"".join(bytes_below(photos).values())
    for secret in ("김민수", json.dumps("김민수")[1:-1], digest):
        assert secret.encode() not in left
    assert "이영희".encode() in left
    project.undo()  # what is left of the history still works
    if how == "photos":
        assert other.name in {item.name for item in project.listing().photos["sad"]}
    else:
        assert len(project.listing().photos["슬픔"]) == 7


def test_a_trashed_photo_is_named_by_where_it_was_and_its_name_may_have_a_new_owner(
    photos: Path,
) -> None:
    project = Project.open(photos)
    old = project.listing().photos["sad"][0]
    data, name = old.path.read_bytes(), old.name
    project.set_group([name], column="person", value="p1")
    project.delete_photos([name])
    (photos / name).write_bytes(data + b"\0")  # another photo that took the name
    project.set_group([name], column="person", value="p2")
    erased = erase(photos, person="p1")
    assert len(erased.photos) == 1
    assert erased.photos[0].startswith(".mien/trash/")
    assert (photos / name).is_file()
    assert "p2" in (photos / "groups.csv").read_text()
    (photos / name).unlink()
    project.delete_photos([project.listing().photos["sad"][0].name])
    with pytest.raises(DatasetError, match="no photo"):
        erase(photos, photo=name)
    (gone,) = (project.private / "trash").rglob("*.jpg")
    (named,) = erase(photos, photo=f"sad/{gone.name}").photos
    assert named == gone.relative_to(photos).as_posix()


def test_traces_tell_whole_names_however_they_are_written() -> None:
    traces = Traces(names=["happy/1.jpg", "기쁨/사진.jpg"], digests=["ab" * 32])
    for text in ("happy/1.jpg", '"happy/1.jpg"', "../x/happy/1.jpg,y", json.dumps("기쁨/사진.jpg")):
        assert traces.are_named_by(text), text
    for text in ("unhappy/1.jpg", "happy/1.jpgx", "happy/11.jpg", "", "기쁨/사진2.jpg"):
        assert not traces.are_named_by(text), text
    assert traces.are_named_in(b"sha256: " + b"ab" * 32)
    assert not Traces(names=[], digests=[""]).are_named_in(b"anything")
