"""A frozen split is obeyed by everything that trains or examines."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from mien.cli import main
from mien.dataset.folder import read_dataset
from mien.dataset.splits import divide, read_splits, write_splits
from mien.errors import DatasetError
from mien.workflows.audit import audit
from mien.workflows.frozen import divide_frozen
from mien.workflows.models import open_model
from mien.workflows.study import study
from mien.workflows.test import test as examine_models
from mien.workflows.train import train

pytestmark = pytest.mark.usefixtures("small_backbone")


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    """A folder with its frozen split beside its classes: 24 photos to train on, 12 to test on."""
    root = tmp_path / "photos"
    shutil.copytree(drawn / "train", root, ignore=shutil.ignore_patterns(".mien"))
    dataset = read_dataset(root)
    division = divide(dataset, share=1 / 3, seed=0, person_column=None)
    write_splits(root / "splits.csv", dataset=dataset, division=division)
    return root


def frozen_names(root: Path) -> list[str]:
    table = read_splits(root / "splits.csv")
    return [table.name(sha256) for sha256 in table.of("test")]


def test_a_training_leaves_frozen_photos_alone_and_is_examined_on_them(
    photos: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    record = train(photos, recipe="small", out=tmp_path / "run", allow_leak=True, say=said.append)
    assert (record.n_photos, record.splits) == (24, str(photos / "splits.csv"))
    assert record.exam is not None
    assert sorted(answer.path for answer in record.exam.photos) == sorted(frozen_names(photos))
    trained = set(open_model(tmp_path / "run").fingerprints)
    assert trained.isdisjoint(read_splits(photos / "splits.csv").of("test"))
    assert any("24 photos to train on, 12 frozen for testing" in sentence for sentence in said)

    judged = examine_models(tmp_path / "run", photos=photos)
    assert judged.splits == record.splits
    assert judged.results[0].exam == record.exam
    assert judged.looks is not None
    assert judged.looks.n_exams == 2


def test_no_splits_takes_the_folder_whole(photos: Path, tmp_path: Path) -> None:
    record = train(photos, recipe="small", splits=False, out=tmp_path / "run")
    assert (record.n_photos, record.splits, record.exam) == (36, None, None)
    assert examine_models(tmp_path / "run", photos=photos, splits=False).results[0].exam.n == 36


def test_a_new_photo_is_trained_on_and_a_renamed_one_stays_frozen(photos: Path) -> None:
    moved = photos / frozen_names(photos)[0]
    other = next(p for p in photos.iterdir() if p.is_dir() and p.name != moved.parent.name)
    moved.rename(other / "another name.jpg")
    Image.new("RGB", (40, 40), "red").save(other / "new.png")
    frozen = divide_frozen(read_dataset(photos), splits=None)
    assert frozen is not None
    assert f"{other.name}/another name.jpg" in {photo.name for photo in frozen.test.photos}
    assert f"{other.name}/new.png" in {photo.name for photo in frozen.train.photos}
    assert len(frozen.test.photos) == 12
    assert f"1 that it does not know are training photos ({other.name}/new.png)" in frozen.sentence


def test_a_new_photo_that_is_a_frozen_one_in_another_form_stops_the_training(
    photos: Path, tmp_path: Path
) -> None:
    victim = photos / frozen_names(photos)[0]
    with Image.open(victim) as picture:
        ImageOps.mirror(picture).save(victim.with_name("mirror.jpg"), quality=70)
    with pytest.raises(DatasetError, match=r"test photos are training photos too .*mirror\.jpg"):
        train(photos, recipe="small", out=tmp_path / "run")
    record = train(photos, recipe="small", out=tmp_path / "run", allow_leak=True)
    name = victim.relative_to(photos).as_posix()
    assert name in record.shared
    assert record.exam is not None
    assert record.exam.sentences[0].startswith("Leak:")


def test_a_study_leaves_frozen_photos_alone_unless_told_to_score_on_them(
    photos: Path, tmp_path: Path
) -> None:
    kept = study(photos, recipe="small", vary=["epochs=5,10"], seeds=2, folds=2, out=tmp_path / "a")
    assert kept.scored_on == "training photos out of fold"
    assert kept.n_scored == 24
    spent = study(
        photos, recipe="small", vary=["epochs=5,10"], seeds=2, splits=photos / "splits.csv",
        allow_leak=True, out=tmp_path / "b",
    )  # fmt: skip
    assert (spent.scored_on, spent.n_scored) == ("test photos", 12)


def test_an_audit_compares_the_two_parts_where_asked(photos: Path) -> None:
    victim = photos / frozen_names(photos)[0]
    with Image.open(victim) as picture:
        ImageOps.mirror(picture).save(victim.with_name("mirror.jpg"), quality=70)
    assert audit(photos, recipe="small").n_test == 0
    record = audit(photos, recipe="small", splits=photos / "splits.csv")
    assert (record.n_photos, record.n_test) == (25, 12)
    assert victim.relative_to(photos).as_posix() in record.found("M305").test_photos


def rewrite(table: Path, change: str) -> None:
    rows = list(csv.reader(table.read_text().splitlines()))
    tested = next(row for row in rows if row[1] == "test")
    if change == "one unknown":
        tested[0] = "0" * 64
    elif change == "all unknown":
        for number, row in enumerate(rows[1:]):
            row[0] = f"{number:064}"
    elif change == "no test":
        rows = [row for row in rows if row[1] != "test"]
    elif change == "no train":
        rows = [row for row in rows if row[1] != "train"]
    table.write_text("\n".join(",".join(row) for row in rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("one unknown", r"1 of the 12 test photos in '.*' are not in folder .* any more: \w+/"),
        ("all unknown", "none of the 12 test photos"),
        ("no test", "has no photo whose split is 'test'"),
        ("no train", "has no photo whose split is 'train'"),
    ],
)
def test_a_table_that_is_not_of_these_photos_is_one_clear_error(
    photos: Path, tmp_path: Path, change: str, message: str
) -> None:
    rewrite(photos / "splits.csv", change)
    with pytest.raises(DatasetError, match=message):
        train(photos, recipe="small", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_table_from_a_spreadsheet_is_read(photos: Path) -> None:
    table = photos / "splits.csv"
    text = table.read_text().replace(",", ";").replace("\n", "\r\n")
    before = read_splits(table)
    table.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_splits(table) == before


def test_two_ways_of_naming_test_photos_are_refused(photos: Path, drawn: Path) -> None:
    with pytest.raises(DatasetError, match="both name test photos"):
        train(photos, recipe="small", test=drawn / "test", splits=photos / "splits.csv")


def test_the_command_line_knows_the_table(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    options = ["--recipe", "small", "--out", str(run), "--allow-leak"]
    assert main(["train", str(photos), *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"] == str(photos / "splits.csv")
    assert main(["test", str(run), "--photos", str(photos), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["n"] == 12
    assert main(["test", str(run), "--photos", str(photos), "--no-splits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["n"] == 36
    both = ["--splits", str(photos / "splits.csv"), "--no-splits"]
    assert main(["test", str(run), "--photos", str(photos), *both]) == 2
    assert main(["audit", str(photos), "--recipe", "small", "--splits", "nowhere.csv"]) == 1
    assert "cannot read splits 'nowhere.csv'" in capsys.readouterr().err
