"""A project's classes, photos and groups: always the plain folder that the command line reads."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.dataset.folder import read_dataset
from mien.errors import UserError
from mien.studio import store as module
from mien.studio.errors import StudioError
from mien.studio.project import Project, clean_label, free_name
from mien.studio.store import Incoming, store, store_project, store_zip


def picture(seed: int = 0, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def names(project: Project) -> list[str]:
    return [item.name for items in project.listing().photos.values() for item in items]


def put(project: Project, label: str, *files: tuple[str, bytes]) -> module.Stored:
    return store(project, [Incoming(name=n, data=d) for n, d in files], label=label)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    p = Project.open(tmp_path / "photos")
    put(p, "happy", ("1.png", picture(1)), ("2.png", picture(2)))
    put(p, "sad", ("1.png", picture(3)))
    return p


def test_what_the_studio_stores_is_what_the_command_line_reads(project: Project) -> None:
    project.set_group(["happy/1.png"], column="skin", value="brown")
    dataset = read_dataset(project.root)
    assert [photo.name for photo in dataset.photos] == ["happy/1.png", "happy/2.png", "sad/1.png"]
    assert dataset.photos[0].groups == {"skin": "brown"}
    assert dataset.rejects == ()
    assert (project.root / "happy/1.png").read_bytes() == picture(1)


def test_what_the_command_line_adds_is_seen_at_once(project: Project) -> None:
    before = project.listing().version
    (project.root / "calm").mkdir()
    (project.root / "calm" / "9.png").write_bytes(picture(9))
    assert project.listing().version != before
    assert "calm/9.png" in names(project)


def test_the_order_of_the_cards_is_the_order_of_the_model(project: Project) -> None:
    project.order_classes(["sad", "happy"])
    assert read_dataset(project.root).classes == ("sad", "happy")
    project.add_class("angry")
    put(project, "angry", ("1.png", picture(5)))
    assert read_dataset(project.root).classes == ("sad", "happy", "angry")


def test_a_class_made_outside_is_put_into_the_order_before_training(project: Project) -> None:
    project.order_classes(["sad", "happy"])
    (project.root / "calm").mkdir()
    (project.root / "calm" / "9.png").write_bytes(picture(9))
    project.settle_order()
    assert read_dataset(project.root).classes == ("sad", "happy", "calm")


def test_groups_go_with_photos_that_are_moved_renamed_or_deleted(project: Project) -> None:
    project.set_group(["happy/1.png"], column="person", value="p1")
    project.move_photos(["happy/1.png"], "sad")
    assert "sad/1-2.png" in names(project)
    assert project.listing().table.groups == {"sad/1-2.png": {"person": "p1"}}
    project.rename_class("sad", "blue")
    assert project.listing().table.groups == {"blue/1-2.png": {"person": "p1"}}
    project.delete_photos(["blue/1-2.png"])
    assert project.listing().table.groups == {}
    project.undo()
    assert project.listing().table.groups == {"blue/1-2.png": {"person": "p1"}}


def test_a_label_column_of_the_users_table_follows_the_folder(project: Project) -> None:
    table = project.root / "groups.csv"
    table.write_text("path,label,skin\nhappy/1.png,happy,brown\n")
    project.move_photos(["happy/1.png"], "sad")
    assert table.read_text() == "path,label,skin\nsad/1-2.png,sad,brown\n"
    read_dataset(project.root)


def test_an_empty_value_takes_a_photos_group_away(project: Project) -> None:
    project.set_group(names(project), column="skin", value="brown")
    assert project.set_group(["happy/1.png"], column="skin", value="") == 1
    assert project.set_group(["happy/1.png"], column="skin", value="") == 0
    assert project.listing().group_counts() == {"skin": {"brown": {"happy": 1, "sad": 1}}}


@pytest.mark.parametrize("column", ["", "path", "label", "  "])
def test_a_group_needs_a_name_of_its_own(column: str, project: Project) -> None:
    with pytest.raises(StudioError, match="cannot be the name of a group column"):
        project.set_group(["happy/1.png"], column=column, value="x")


def test_groups_of_a_dropped_table_are_taken_over_where_nothing_is_known(project: Project) -> None:
    from mien.dataset.groups import read_group_table

    project.set_group(["happy/1.png"], column="skin", value="black")
    path = project.root.parent / "table.csv"
    path.write_text("path,skin,gender\ntrain/happy/1.png,brown,woman\nhappy/2.png,white,\n")
    assert project.take_over(read_group_table(path)) == 2
    assert project.listing().table.groups == {
        "happy/1.png": {"skin": "black", "gender": "woman"},
        "happy/2.png": {"skin": "white"},
    }


def test_a_broken_table_is_told_and_not_overwritten(project: Project) -> None:
    table = project.root / "groups.csv"
    table.write_text("name,skin\nx,y\n")
    assert "has no column 'path'" in str(project.listing().trouble)
    with pytest.raises(UserError, match="has no column 'path'"):
        project.set_group(["happy/1.png"], column="skin", value="brown")
    assert table.read_text() == "name,skin\nx,y\n"


def test_the_same_file_twice_is_one_photo_and_another_of_its_name_is_a_second(
    project: Project,
) -> None:
    again = put(project, "happy", ("1.png", picture(1)))
    assert (again.added, again.known) == ([], 1)
    other = put(project, "happy", ("1.png", picture(7)))
    assert other.added == ["happy/1-2.png"]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "happy/passwd.png"),
        ("C:\\photos\\me.PNG", "happy/me.png"),
        (".hidden.png", "happy/hidden.png"),
        ("a<b>|c.png", "happy/a-b--c.png"),
        ("noending", "happy/noending.png"),
        ("wrong.jpg", "happy/wrong.png"),
        ("가" * 200 + ".png", "happy/" + "가" * 50 + ".png"),
    ],
)
def test_a_strangers_file_name_becomes_a_safe_one(name: str, stored: str, project: Project) -> None:
    assert put(project, "happy", (name, picture(8))).added == [stored]
    assert all(path.is_relative_to(project.root) for path in project.root.parent.rglob("*.png"))


def test_broken_files_are_named_with_their_reason_and_the_others_stay(project: Project) -> None:
    done = put(
        project, "happy", ("empty.jpg", b""), ("text.jpg", b"hello"), ("good.png", picture(9)),
        ("half.png", picture(10)[:80]),
    )  # fmt: skip
    assert done.added == ["happy/good.png"]
    assert [(r.path, r.reason.split(" (")[0]) for r in done.rejects] == [
        ("empty.jpg", "is empty"),
        ("text.jpg", "is not a picture that mien reads"),
        ("half.png", "is a broken PNG"),
    ]


def test_a_full_disk_is_said_and_what_was_stored_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    real, n = module.write_bytes, 0

    def full(path: Path, data: bytes) -> None:
        nonlocal n
        n += 1
        if n > 1:
            cause = OSError(errno.ENOSPC, "No space left on device")
            raise UserError("cannot write") from cause
        real(path, data)

    monkeypatch.setattr(module, "write_bytes", full)
    with pytest.raises(StudioError, match="The disk is full; photos stored so far are safe"):
        put(project, "happy", ("a.png", picture(20)), ("b.png", picture(21)))
    assert "happy/a.png" in names(project)
    project.undo()
    assert "happy/a.png" not in names(project)


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def test_a_zip_of_class_folders_becomes_classes(project: Project, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{
        "set/calm/1.png": picture(30), "set/angry/1.png": picture(31),
        "__MACOSX/set/calm/._1.png": b"x", "set/angry/notes.png": b"no",
    })  # fmt: skip
    done = store_zip(project, path, label=None)
    assert sorted(done.added) == ["angry/1.png", "calm/1.png"]
    assert [reject.path for reject in done.rejects] == ["notes.png"]


def test_a_zip_without_folders_must_be_dropped_on_a_class(project: Project, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"1.png": picture(30)})
    with pytest.raises(StudioError, match="holds no folders; drop it on a class"):
        store_zip(project, path, label=None)
    assert store_zip(project, path, label="sad").added == ["sad/1-2.png"]
    with pytest.raises(StudioError, match="holds no pictures"):
        store_zip(project, zipped(tmp_path / "b.zip"), label=None)


def test_a_zip_that_leaves_its_folder_is_refused(project: Project, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"../evil/1.png": picture(30)})
    with pytest.raises(UserError, match="leaves its folder"):
        store_zip(project, path, label=None)


def test_a_teachable_machine_project_brings_its_classes(project: Project, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.tm", **{
        "manifest.json": b'{"type": "image", "version": "1", "appdata": {}}',
        "Class 1-!-0.jpg": picture(40, "JPEG"), "Class 2-!-0.jpg": picture(41, "JPEG"),
    })  # fmt: skip
    store_project(project, path)
    assert [len(project.listing().photos[label]) for label in ("Class 1", "Class 2")] == [1, 1]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("", "A class needs a name"),
        (" \t", "A class needs a name"),
        ("a/b", "cannot be the name of a folder"),
        ("..", "cannot be the name of a folder"),
        (".mien", "cannot be the name of a folder"),
        ("CON", "cannot be the name of a folder"),
        ("runs", "cannot be the name of a folder"),
        ("a\u202eb", "cannot be the name of a folder"),
        ("x" * 81, "at most 80 characters"),
    ],
)
def test_a_class_name_must_be_a_folder_name_anywhere(label: str, words: str) -> None:
    with pytest.raises(StudioError, match=words):
        clean_label(label)


def test_two_classes_cannot_differ_by_case_alone(project: Project) -> None:
    with pytest.raises(StudioError, match="There is a class 'Happy' already"):
        project.add_class("Happy")
    assert project.rename_class("happy", "Happy") == "Happy"


@pytest.mark.parametrize(
    "act",
    [
        lambda p: p.move_photos(["happy/1.png"], "gone"),
        lambda p: p.rename_class("gone", "x"),
        lambda p: p.delete_class("gone"),
    ],
)
def test_a_class_that_is_gone_is_said(act: object, project: Project) -> None:
    with pytest.raises(StudioError, match="The class 'gone' is no longer there"):
        act(project)  # type: ignore[operator]


def test_photos_that_are_gone_meanwhile_are_passed_over(project: Project) -> None:
    assert project.delete_photos(["happy/1.png", "happy/none.png", "../x"]) == 1
    with pytest.raises(StudioError, match="is no longer there"):
        project.photo("happy/1.png")


def test_an_order_that_lacks_a_class_is_refused(project: Project) -> None:
    with pytest.raises(StudioError, match="The classes changed meanwhile"):
        project.order_classes(["happy"])


def test_a_project_that_is_taken_away_is_said_and_goes_on_when_it_is_back(
    project: Project,
) -> None:
    away = project.root.rename(project.root.with_name("away"))
    with pytest.raises(UserError, match="cannot read the project"):
        project.listing()
    away.rename(project.root)
    assert len(names(project)) == 3


def test_a_project_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be used as a project"):
        Project.open(tmp_path / "file")


def test_a_name_is_free_whatever_the_case() -> None:
    assert free_name("a/x", {"a/X", "a/x-2"}) == "a/x-3"
