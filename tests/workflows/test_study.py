"""`mien study` and `mien curve` on drawn faces and a backbone of random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mien.backbone.weights import Backbone
from mien.cli import main
from mien.errors import DatasetError, RecipeError, UserError
from mien.files import read_json
from mien.records import plain
from mien.workflows.curve import curve
from mien.workflows.study import StudyRecord, study

pytestmark = pytest.mark.usefixtures("small_backbone")


def small_study(photos: Path, out: Path, **more: object) -> StudyRecord:
    given = {"recipe": "small-logistic", "vary": ["inner_folds=2,3"], "seeds": 2, **more}
    return study(photos, out=out, **given)  # type: ignore[arg-type]


def test_a_study_with_test_photos_judges_every_cell(drawn: Path, tmp_path: Path) -> None:
    record = small_study(drawn / "train", tmp_path / "s", test=drawn / "test")
    assert record.complete
    assert [cell.vary for cell in record.cells] == [{"inner_folds": 2}, {"inner_folds": 3}]
    assert [run.seed for run in record.runs] == [0, 1, 0, 1]
    assert all(run.test_accuracy == run.accuracy for run in record.runs)
    assert record.n_scored == 12
    assert record.verdict in record.sentences
    assert any(
        one.startswith("Train the recipe to use with: mien train") for one in record.sentences
    )
    kept = read_json(tmp_path / "s" / "study.json", what="study")
    assert kept == plain(record)


def test_a_study_without_test_photos_is_scored_out_of_fold(drawn: Path, tmp_path: Path) -> None:
    record = small_study(drawn / "train", tmp_path / "s", folds=3, seeds=1)
    assert record.scored_on == "training photos out of fold"
    assert record.n_scored == record.n_photos == 36
    assert record.folds == 3
    assert all(run.test_accuracy is None for run in record.runs)


def test_the_same_study_again_does_nothing_and_says_the_same(drawn: Path, tmp_path: Path) -> None:
    first = small_study(drawn / "train", tmp_path / "s", test=drawn / "test")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "s" / "runs").iterdir()}
    again = small_study(drawn / "train", tmp_path / "s", test=drawn / "test")
    assert again.n_embedded == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert plain(again.cells) == plain(first.cells)


def test_more_seeds_reuse_the_runs_that_are_there(drawn: Path, tmp_path: Path) -> None:
    small_study(drawn / "train", tmp_path / "s", test=drawn / "test", seeds=1)
    before = {path.name for path in (tmp_path / "s" / "runs").iterdir()}
    record = small_study(drawn / "train", tmp_path / "s", test=drawn / "test", seeds=2)
    assert record.n_runs == 4
    assert before < {path.name for path in (tmp_path / "s" / "runs").iterdir()}


def test_without_out_the_same_command_finds_its_folder(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"recipe": "small-logistic", "vary": ["inner_folds=2,3"], "seeds": 1, "folds": 3}
    first = study(drawn / "train", **given)  # type: ignore[arg-type]
    assert study(drawn / "train", **given).study == first.study  # type: ignore[arg-type]
    assert Path(first.study).parent == Path("studies")


def test_an_interrupted_study_leaves_a_valid_smaller_one(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("study", 3):
            raise KeyboardInterrupt

    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        small_study(
            drawn / "train",
            tmp_path / "s",
            test=drawn / "test",
            executor="serial",
            progress=interrupt,
            say=said.append,
        )
    smaller = read_json(tmp_path / "s" / "study.json", what="study")
    assert not smaller["complete"]
    assert smaller["n_runs"] == len(smaller["runs"]) == 3
    assert any("provisional" in sentence for sentence in smaller["sentences"])
    assert any("the same command goes on" in sentence for sentence in said)
    whole = small_study(drawn / "train", tmp_path / "s", test=drawn / "test")
    apart = small_study(drawn / "train", tmp_path / "t", test=drawn / "test")
    assert plain(whole.cells) == plain(apart.cells)


def test_cells_of_different_crops_see_the_same_photos(drawn: Path, tmp_path: Path) -> None:
    record = study(
        drawn / "train",
        test=drawn / "test",
        recipe="small-logistic",
        vary={
            "preprocessing": (
                "orient | crop:centre | resize:32:area | scale:-1:1",
                "orient | resize:32:area | grey | scale:-1:1",
            )
        },
        seeds=1,
        out=tmp_path / "s",
    )
    assert len(record.cells) == 2
    assert record.n_embedded in (96, 48)  # 48 photos and two looks; the centre crop may be cached


def test_nested_choice_is_reported(drawn: Path, tmp_path: Path) -> None:
    record = small_study(
        drawn / "train", tmp_path / "s", test=drawn / "test", seeds=1, folds=2, nested=True
    )
    assert record.nested is not None
    assert record.nested.sentence in record.sentences


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"vary": []}, "the grid is empty"),
        ({"vary": ["epochs=twenty"]}, "setting epochs is 'twenty'"),
        ({"vary": ["epoch=20"]}, "unknown setting 'epoch'"),
        ({"vary": ["epochs=20,50"]}, "setting epochs makes no difference to recipe 'small-log"),
        ({"preset": "paper"}, "both a preset and --vary"),
        ({"vary": [], "preset": "papers"}, "unknown preset 'papers'"),
        ({"recipe": "expresion"}, "unknown recipe 'expresion'"),
        ({"seeds": 0}, "seeds is 0, expected at least 1"),
        ({"folds": 1}, "folds is 1, expected at least 2"),
        ({"workers": 0}, "workers is 0"),
        ({"executor": "dask"}, "unknown executor 'dask'"),
        ({"vary": ["preprocessing=orient | nonsense"]}, "nonsense"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(
    more: dict[str, object],
    message: str,
    drawn: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        pytest.fail("work was begun")

    monkeypatch.setattr("mien.workflows.study_photos.see", fail)
    monkeypatch.setattr("mien.workflows.study.see", fail)
    with pytest.raises(RecipeError, match=message.replace("|", r"\|")):
        small_study(drawn / "train", tmp_path / "s", **more)
    assert not (tmp_path / "s").exists()


def copied(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "drawn", ignore=shutil.ignore_patterns(".mien")))


def test_one_photo_in_a_class_is_said_before_any_work(drawn: Path, tmp_path: Path) -> None:
    folder = copied(drawn, tmp_path)
    for path in sorted((folder / "train" / "happy").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DatasetError, match="class 'happy' has 1 usable photo"):
        small_study(folder / "train", tmp_path / "s", test=folder / "test")
    assert not (tmp_path / "s").exists()


def test_a_test_folder_with_one_photo_is_refused(drawn: Path, tmp_path: Path) -> None:
    folder = copied(drawn, tmp_path)
    shutil.rmtree(folder / "test" / "angry")
    shutil.rmtree(folder / "test" / "surprise")
    for path in sorted((folder / "test" / "happy").iterdir())[1:]:
        path.unlink()
    with pytest.raises(UserError):
        small_study(folder / "train", tmp_path / "s", test=folder / "test")


def test_a_leak_stops_a_study_unless_it_is_allowed(drawn: Path, tmp_path: Path) -> None:
    folder = copied(drawn, tmp_path)
    photo = sorted((folder / "train" / "happy").iterdir())[0]
    shutil.copy(photo, folder / "test" / "happy" / "again.png")
    with pytest.raises(DatasetError, match="1 of 13 test photos are training photos too"):
        small_study(folder / "train", tmp_path / "s", test=folder / "test")
    record = small_study(
        folder / "train", tmp_path / "s", test=folder / "test", allow_leak=True, seeds=1
    )
    assert record.n_scored == 13


def test_the_command_prints_one_document(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], small_backbone: Backbone
) -> None:
    arguments = ["study", str(drawn / "train"), "--test", str(drawn / "test"), "--seeds", "2"]
    arguments += ["--recipe", "small-logistic", "--vary", "inner_folds=2,3"]
    arguments += ["--out", str(tmp_path / "s")]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verb"] == "study"
    assert {"vary", "seed", "test_accuracy"} <= set(document["runs"][0])
    assert {"vary", "mean", "sd", "low", "high", "n_seeds"} <= set(document["cells"][0])
    assert isinstance(document["verdict"], str)
    assert main(arguments) == 0
    assert "inner_folds=3" in capsys.readouterr().out
    assert main([*arguments, "--vary", "epochs=x"]) == 1


def test_a_curve_says_whether_more_photos_are_worth_it(
    drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = curve(drawn / "train", recipe="small-logistic", seeds=2, folds=2)
    assert [point.per_class for point in record.points] == [4, 6]
    assert record.points[-1].n_photos == 18
    assert record.whole.n_photos == 36
    assert {one.label for one in record.classes} == {"angry", "happy", "surprise"}
    assert record.forecast is None
    tested = curve(drawn / "train", test=drawn / "test", recipe="small-logistic", seeds=2)
    assert tested.scored_on == "test photos"
    assert tested.forecast is not None
    arguments = ["curve", str(drawn / "train"), "--recipe", "small-logistic", "--seeds", "2"]
    assert main([*arguments, "--folds", "2"]) == 0
    assert "photos a class" in capsys.readouterr().out


def test_a_curve_of_a_class_with_too_few_photos_is_refused(drawn: Path, tmp_path: Path) -> None:
    folder = copied(drawn, tmp_path)
    for path in sorted((folder / "train" / "happy").iterdir())[5:]:
        path.unlink()
    with pytest.raises(DatasetError, match="class 'happy' has 5 usable photos, at least 8"):
        curve(folder / "train", recipe="small-logistic", seeds=1)
