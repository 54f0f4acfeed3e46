"""`mien reproduce` on a made-up study of drawn faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.korean import english

from mien.backbone.weights import Backbone
from mien.cli import main
from mien.errors import RecipeError, UserError
from mien.files import write_text
from mien.reports.page import reproduce_page
from mien.workflows import reproduce as module
from mien.workflows import sweeps
from mien.workflows.paper import read_paper
from mien.workflows.reproduce import reproduce

PUBLISHED = {
    "epochs": {"accuracy_percent": {"2": 33.3, "5": 75}},
    "learning_rate": {"accuracy_percent": {"0.001": 50, "0.01": 66.7}},
    "hidden_split_per_class": {"n_each": 2, "accuracy": {"angry": 0.5, "happy": 1}},
    "dataset_table": {"columns": ["man", "woman"], "angry": [6, 6], "happy": [6, 6]},
}


@pytest.fixture
def paper(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "paper"
    shutil.copytree(drawn / "train", folder / "train")
    shutil.copytree(drawn / "test", folder / "test")
    (folder / "published.json").write_text(json.dumps(PUBLISHED))
    monkeypatch.setattr(module, "ITS_RECIPE", "small")
    monkeypatch.setattr(sweeps, "EPOCHS_OF_RATES", 4)
    monkeypatch.setattr(sweeps, "EPOCHS_OF_USUAL_RATE", 5)
    return folder


def test_a_study_is_done_again(paper: Path, small_backbone: Backbone, tmp_path: Path) -> None:
    out = tmp_path / "again"
    given = {"seeds": 2, "cross_validate": (1, 3), "recipe": "small-logistic", "out": out}
    record = reproduce(paper, **given)  # type: ignore[arg-type]
    epochs, rates = record.sweeps
    assert [point.value for point in epochs.points] == [2, 5]
    assert [point.value for point in rates.points] == [0.001, 0.01]
    # The usual rate stands for the longest training of the epoch counts.
    assert rates.points[0].accuracies == epochs.points[1].accuracies
    assert (epochs.best_value, epochs.best_printed) == (5, 0.75)
    assert (record.n_models, record.against_best_model) == (0, None)
    assert (record.n_train, record.n_test) == (36, 12)
    assert record.ours.name == "small-logistic"
    assert record.by_folds.difference.method == "corrected resampled t"
    assert epochs.points[0].held_out is not None
    assert record.sentences[0].startswith("The study's best accuracy, 75 % at 5 epochs, is ")
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("runs/*")}
    assert len(stamps) == 5 * 2
    again = reproduce(paper, **given)  # type: ignore[arg-type]
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert again == record
    write_text(out / "page.html", reproduce_page(record, language="ko"))
    assert (
        english(
            out / "page.html",
            names=[str(paper), "small-logistic", "epochs=2", "learning_rate=0.01"],
        )
        == []
    )


def test_the_verb_writes_a_page_and_prints_json(
    paper: Path, small_backbone: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "again", tmp_path / "page.html"
    given = ["--seeds", "2", "--cross-validate", "1x3", "--recipe", "small-logistic"]
    where = ["--out", str(out), "--html", str(page)]
    assert main(["reproduce", str(paper), *given, *where, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verb"] == "reproduce"
    assert "The study, done again" in page.read_text(encoding="utf-8")
    assert main(["reproduce", str(paper), *given, *where]) == 0
    assert "Its recipe and ours" in capsys.readouterr().out
    assert main(["report", str(out), "--html", str(tmp_path / "b.html")]) == 0
    assert (tmp_path / "b.html").read_text(encoding="utf-8") == page.read_text(encoding="utf-8")


def test_one_seed_has_no_spread(paper: Path) -> None:
    with pytest.raises(RecipeError, match="seeds is 1, expected at least 2"):
        reproduce(paper, seeds=1)


def test_a_folder_without_photos_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no folder 'train'"):
        read_paper(tmp_path)


@pytest.mark.parametrize(
    "published",
    [
        {},
        {**PUBLISHED, "epochs": {"accuracy_percent": {"20": 163}}},
        {**PUBLISHED, "epochs": {"accuracy_percent": {"many": 50}}},
        {**PUBLISHED, "dataset_table": []},
    ],
)
def test_a_table_that_is_none_is_refused(paper: Path, published: object) -> None:
    (paper / "published.json").write_text(json.dumps(published))
    with pytest.raises(UserError, match="not a table of published results"):
        read_paper(paper)


@pytest.mark.study
def test_the_studys_folder_is_read(shared: Path) -> None:
    paper = read_paper(shared / "paper")
    assert len(paper.models) == 22
    assert (len(paper.epochs), len(paper.learning_rate)) == (13, 11)
    assert paper.epochs[450] == pytest.approx(0.633)
    assert {model.epochs for model in paper.models} >= {20, 450, 700}
