"""The journal: nothing is lost by a kill at any step, and everything can be taken back."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.files import write_text
from mien.studio import journal as module
from mien.studio.errors import StudioError
from mien.studio.journal import Change, Journal, new_id
from mien.studio.project import Project


class KilledError(BaseException):
    pass


def project(root: Path) -> Project:
    for name in ("happy/1.jpg", "happy/2.jpg", "sad/1.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    write_text(root / "groups.csv", "path,skin\nhappy/1.jpg,brown\nsad/1.jpg,white\n")
    return Project.open(root)


def files(root: Path) -> dict[str, str]:
    """Every file of the user, trash included, and what is in it."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("journal.jsonl", "journal.lock")
    }


def photos(root: Path) -> list[str]:
    """The content of every photo, wherever it lies."""
    return sorted(text for name, text in files(root).items() if name.endswith(".jpg"))


ACTIONS = {
    "add a class": lambda p: p.add_class("calm"),
    "rename a class": lambda p: p.rename_class("happy", "glad"),
    "delete a class": lambda p: p.delete_class("happy"),
    "reorder": lambda p: p.order_classes(["sad", "happy"]),
    "move": lambda p: p.move_photos(["happy/1.jpg", "happy/2.jpg"], "sad"),
    "delete": lambda p: p.delete_photos(["happy/1.jpg", "sad/1.jpg"]),
    "group": lambda p: p.set_group(["happy/1.jpg", "happy/2.jpg"], column="skin", value="black"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_undo_brings_back_what_was_there(action: str, tmp_path: Path) -> None:
    p = project(tmp_path)
    before = files(tmp_path)
    ACTIONS[action](p)
    assert files(tmp_path) != before or action == "add a class"
    change = p.undo()
    assert change is not None
    after = {name: text for name, text in files(tmp_path).items() if ".mien" not in name}
    assert after == before
    assert sorted(p.listing().classes) == ["happy", "sad"]
    assert p.undo() is None


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("step", range(8))
def test_a_kill_at_any_step_is_made_good_when_the_project_is_opened(
    action: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    ACTIONS[action](project(whole))
    broken = tmp_path / "broken"
    p = project(broken)
    steps = {"n": 0}

    def killing(function):  # type: ignore[no-untyped-def]
        def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            steps["n"] += 1
            if steps["n"] > step:
                raise KilledError
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(module, "_move", killing(module._move))
        patch.setattr(module, "change_table", killing(module.change_table))
        patch.setattr(module, "_write_classes", killing(module._write_classes))
        patch.setattr(Journal, "_append", killing(Journal._append))
        with contextlib.suppress(KilledError):
            ACTIONS[action](p)
    again = Project.open(broken)
    assert photos(broken) == photos(whole)
    begun = step > 0
    expected = Project.open(whole) if begun else project(tmp_path / "untouched")
    assert again.listing().classes == expected.listing().classes
    assert again.listing().table == expected.listing().table
    names = {item.name for items in again.listing().photos.values() for item in items}
    wanted = {item.name for items in expected.listing().photos.values() for item in items}
    assert names == wanted


def test_half_a_line_at_the_end_is_passed_over_and_not_glued_to_the_next(tmp_path: Path) -> None:
    p = project(tmp_path)
    p.delete_photos(["sad/1.jpg"])
    path = tmp_path / ".mien" / "journal.jsonl"
    with path.open("a") as file:
        file.write('{"change": {"id": "x", "kind": "dele')
    p.delete_photos(["happy/1.jpg"])
    lines = path.read_text().splitlines()
    assert json.loads(lines[-1]).keys() == {"done"}
    assert p.undo() is not None
    assert (tmp_path / "happy/1.jpg").is_file()


def test_undo_goes_back_step_by_step_in_the_opposite_order(tmp_path: Path) -> None:
    p = project(tmp_path)
    p.add_class("calm")
    p.move_photos(["happy/1.jpg"], "calm")
    p.rename_class("calm", "quiet")
    kinds = [change.kind for _ in range(3) if (change := p.undo())]
    assert kinds == ["rename_class", "move", "add_class"]
    assert p.undo() is None
    assert (tmp_path / "happy/1.jpg").read_bytes() == b"happy/1.jpg"


def test_the_journal_survives_the_server(tmp_path: Path) -> None:
    project(tmp_path).delete_photos(["happy/1.jpg"])
    assert Project.open(tmp_path).undo() is not None
    assert (tmp_path / "happy/1.jpg").is_file()


def test_a_file_that_is_in_the_way_is_never_overwritten(tmp_path: Path) -> None:
    p = project(tmp_path)
    p.delete_photos(["happy/1.jpg"])
    (tmp_path / "happy/1.jpg").write_bytes(b"the command line was here")
    p.undo()
    assert (tmp_path / "happy/1.jpg").read_bytes() == b"the command line was here"
    assert b"happy/1.jpg" in [p.read_bytes() for p in tmp_path.rglob(".mien/trash/**/1.jpg")]


def test_a_disk_that_is_full_is_said_before_anything_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project(tmp_path)
    before = files(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(UserError, match="The disk is full; photos stored so far are safe"):
        p.delete_photos(["happy/1.jpg"])
    assert files(tmp_path) == before


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(3)]
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)


@pytest.mark.skipif(os.name != "posix", reason="no lock between processes there")
def test_two_studios_on_one_project_take_turns(tmp_path: Path) -> None:
    import threading

    one, other = project(tmp_path), Project.open(tmp_path)
    errors: list[BaseException] = []

    def work(p: Project, column: str) -> None:
        try:
            for i in range(12):
                p.set_group(["happy/1.jpg"], column=column, value=str(i))
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((one, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    groups = Project.open(tmp_path).listing().table.groups["happy/1.jpg"]
    assert groups == {"skin": "brown", "a": "11", "b": "11"}


def test_a_change_without_parts_is_written_short(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.note(Change(id="1", kind="add"))
    first = json.loads((tmp_path / ".mien/journal.jsonl").read_text().splitlines()[0])
    assert set(first["change"]) == {"id", "kind", "time"}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("n_refused", [1, 2])
@pytest.mark.parametrize("step", range(3))
def test_what_a_full_disk_stops_is_taken_back_and_never_comes_true_later(
    action: str, step: int, n_refused: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project(tmp_path)
    before = {name: text for name, text in files(tmp_path).items() if ".mien" not in name}
    steps = {"n": 0}

    def failing(function):  # type: ignore[no-untyped-def]
        def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            steps["n"] += 1
            # The disk stays full for a while: taking back is refused at first, too.
            if step < steps["n"] <= step + n_refused:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("_move", "change_table", "_write_classes"):
            patch.setattr(module, name, failing(getattr(module, name)))
        patch.setattr(os, "fsync", failing(os.fsync))
        with pytest.raises(UserError, match="disk is full"):
            ACTIONS[action](p)
    p.set_group(["sad/1.jpg"], column="skin", value="brown")
    p.set_group(["sad/1.jpg"], column="gender", value="woman")
    for opened in (p, Project.open(tmp_path)):
        assert opened.listing().table.groups["sad/1.jpg"] == {"gender": "woman", "skin": "brown"}
        after = {name: text for name, text in files(tmp_path).items() if ".mien" not in name}
        assert {n: t for n, t in after.items() if n != "groups.csv"} == {
            n: t for n, t in before.items() if n != "groups.csv"
        }


def test_two_changes_within_one_tick_of_the_clock_are_both_seen(tmp_path: Path) -> None:
    p = project(tmp_path)
    first = p.listing()
    stamps = {path: path.stat() for path in (tmp_path, tmp_path / "happy")}
    (tmp_path / "happy/1.jpg").rename(tmp_path / "happy/9.jpg")
    for path, status in stamps.items():
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = p.listing()
    assert second.find("happy/9.jpg") is not None
    assert second.version != first.version
    assert p.listing().version == second.version


def test_taking_an_old_change_back_keeps_the_groups_that_were_given_since(tmp_path: Path) -> None:
    p = project(tmp_path)
    p.move_photos(["happy/1.jpg"], "sad")
    change = p.journal.latest()
    assert change is not None
    moved = change.moves[0][1]
    p.set_group([moved], column="source", value="web")
    p.journal.take_back(change.id)
    assert p.listing().table.groups["happy/1.jpg"]["source"] == "web"
    assert moved not in p.listing().table.groups
    p.journal.take_back(change.id)
    assert (tmp_path / "happy/1.jpg").is_file()


def test_a_change_whose_photo_went_on_elsewhere_cannot_be_taken_back(tmp_path: Path) -> None:
    p = project(tmp_path)
    p.move_photos(["happy/1.jpg"], "sad")
    change = p.journal.latest()
    assert change is not None
    p.rename_class("sad", "blue")
    with pytest.raises(StudioError, match="no longer there"):
        p.journal.take_back(change.id)
    assert change.id in p.journal.standing()
