"""`mien report` and `mien compare` on runs over drawn faces."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.korean import english, english_markdown

from mien.backbone.weights import Backbone
from mien.cli import main
from mien.errors import ModelError, UserError
from mien.workflows.card import card_of
from mien.workflows.compare import compare
from mien.workflows.report import report
from mien.workflows.train import train


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run lies that all tests have a copy of."""
    return tmp_path_factory.mktemp("kept") / "run"


@pytest.fixture
def run(kept: Path, drawn: Path, small_backbone: Backbone, tmp_path: Path) -> Path:
    if not kept.exists():
        train(
            drawn / "train",
            recipe="small",
            test=drawn / "test",
            seeds=2,
            cross_validate=(1, 3),
            out=kept,
        )
    return Path(shutil.copytree(kept, tmp_path / "run"))


def test_a_run_becomes_one_self_contained_page(run: Path) -> None:
    record = report(run)
    page = Path(record.page).read_text(encoding="utf-8")
    assert record.kind == "run"
    assert page.count("data:image/jpeg") > 0
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "<script" not in page
    assert record.command is not None
    assert record.command.startswith("mien train ")
    assert "--cross-validate 1x3" in record.command
    wrong = json.loads((run / "run.json").read_text())["exam"]["wrong"]
    assert record.neighbours is not None
    assert set(record.neighbours) == set(wrong)
    assert all(len(found) == 3 for found in record.neighbours.values())


def test_a_run_in_korean_has_no_english_sentence_of_ours(
    run: Path, drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "run.json"
    record = json.loads(path.read_text())
    left_out = [{"path": "a.jpg", "reason": "is empty"}]
    path.write_text(json.dumps(record | {"rejects": left_out}))
    assert main(["report", str(run), "--lang", "ko"]) == 0
    assert english(run / "report.html", names=[str(drawn / "train"), "small"]) == []
    card = run / "card.ko.md"
    assert main(["report", str(run), "--lang", "ko", "--card", str(card)]) == 0
    assert f"Card {card}" in capsys.readouterr().out
    words = card.read_text(encoding="utf-8")
    assert english_markdown(words, names=["RUN"]) == []
    assert main(["report", str(run), "--card", str(run / "again.md")]) == 0
    assert (run / "again.md").read_text() == (run / "card.md").read_text()
    assert main(["report", str(run), "--lang", "fr"]) == 2
    assert "'fr' is not one of 'en', 'ko'" in capsys.readouterr().err
    with pytest.raises(UserError, match="language is 'fr', expected one of en, ko"):
        report(run, language="fr")


def test_a_page_can_be_without_photos(run: Path) -> None:
    page = report(run, photos=False, html=run / "bare.html").page
    assert "data:image" not in Path(page).read_text(encoding="utf-8")


def test_every_number_in_the_confusion_matrix_opens_its_photos(run: Path) -> None:
    page = Path(report(run).page).read_text(encoding="utf-8")
    linked = set(re.findall(r'href="#(c-[^"]+)"', page))
    assert linked
    assert linked == set(re.findall(r'id="(c-[^"]+)"', page))


def test_a_page_is_made_where_the_photos_are_gone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "photos": str(tmp_path / "gone")}))
    assert main(["report", str(run)]) == 0
    out, err = capsys.readouterr()
    assert "Nearest training photos are left out" in err
    assert "Collect test photos first" in out


def test_photos_outside_the_folder_are_never_shown(run: Path) -> None:
    path = run / "run.json"
    record = json.loads(path.read_text())
    for photo in record["exam"]["photos"]:
        photo["path"] = f"../train/{photo['path']}"
    record["exam"]["wrong"] = [photo["path"] for photo in record["exam"]["photos"]]
    path.write_text(json.dumps(record))
    page = Path(report(run).page).read_text(encoding="utf-8")
    assert "data:image" not in page


def test_only_a_run_has_a_card(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only a run has a model card"):
        report(tmp_path, card=tmp_path / "card.md")


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no finished run or study"):
        report(tmp_path)


def test_a_record_of_another_kind_is_one_clear_error(run: Path) -> None:
    (run / "run.json").write_text("{}")
    with pytest.raises(UserError, match="is not a record of this version"):
        report(run)
    with pytest.raises(UserError, match="is not a record of this version"):
        card_of(run, language="ko")


def test_a_study_becomes_a_page(
    drawn: Path, small_backbone: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mien.workflows.study import study

    study(
        drawn / "train",
        test=drawn / "test",
        recipe="small",
        vary=["epochs=2,3,5"],
        seeds=2,
        out=tmp_path / "s",
    )
    assert main(["report", str(tmp_path / "s"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "study"
    page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert "Accuracy against epochs" in page
    assert "<svg" in page
    assert "epochs=5" in page


def test_published_points_are_drawn_over_a_study(
    drawn: Path, small_backbone: Backbone, tmp_path: Path
) -> None:
    from mien.workflows.study import study

    made = study(
        drawn / "train",
        test=drawn / "test",
        recipe="small",
        vary=["epochs=2,3,5"],
        seeds=2,
        out=tmp_path / "s",
    )
    assert "--vary epochs=2,3,5" in made.command
    assert "--seeds 2" in made.command
    printed = tmp_path / "published.json"
    printed.write_text(json.dumps({"epochs": {"accuracy_percent": {"3": 75}}}))
    page = Path(report(tmp_path / "s", published=printed).page).read_text(encoding="utf-8")
    assert page.count("published 75") == 2  # on a desk and on a phone
    assert made.command in page.replace("<span>", "").replace("</span>", "")  # as it is copied
    printed.write_text(json.dumps({"epochs": {"accuracy_percent": {"3": 175}}}))
    with pytest.raises(UserError, match="not a table of published results"):
        report(tmp_path / "s", published=printed)


def test_a_run_tells_what_its_audit_found_and_what_the_table_lacks(
    run: Path, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.json"
    issue = {"code": "M305", "outcome": "issue", "severity": "high", "sentence": "Two copies."}
    passed = {**issue, "code": "M101", "outcome": "passed", "sentence": "Fine."}
    audit.write_text(json.dumps({"findings": [passed, issue]}))
    said = report(run, audit=audit).advice
    assert "Audit, M305: Two copies." in said
    assert not any("Fine." in sentence for sentence in said)
    audit.write_text("{}")
    with pytest.raises(UserError, match="is not the document of an audit"):
        report(run, audit=audit)


def test_a_learning_curve_becomes_a_page(tmp_path: Path) -> None:
    points = [
        {"per_class": n, "n_photos": 3 * n, "mean": 0.3 + n / 100, "low": 0.2, "high": 0.7}
        for n in (8, 16, 23)
    ]
    worth = {"value": 0.05, "low": -0.01, "high": 0.11}
    document = {
        "photos": "/photos",
        "recipe": {"name": "expression", "epochs": 50},
        "seeds": 10,
        "n_scored": 69,
        "scored_on": "training photos out of fold",
        "sentences": ["More photos are worth it."],
        "points": points,
        "whole": points[-1],
        "forecast": {"per_class": 46, "accuracy": {"value": 0.6, "low": 0.5, "high": 0.7}},
        "classes": [{"label": "행복", "n": 23, "worth": worth}],
        "collect_next": ["행복"],
        "worth_more": True,
        "command": "mien curve /photos --folds 5 --recipe expression --seeds 10",
        "rejects": [],
    }
    path = tmp_path / "curve.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert report(path).kind == "curve"
    page = (tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "행복" in page
    assert "photos per class" in page
    sentences = [
        "More photos are worth it: 46 are forecast to give 60 % (50 % to 70 %).",
        "Collect 행복 first: half of the photos of '행복' are worth 5 points of accuracy.",
        "With 23 photos of each class: 53 % (20 % to 70 %).",
    ]
    path.write_text(json.dumps(document | {"sentences": sentences}), encoding="utf-8")
    report(path, language="ko")
    assert english(tmp_path / "curve.html", names=["photos", "expression"]) == []


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(UserError, match="is not the document of a study"):
        report(tmp_path / "a.json")


def test_two_runs_are_compared_photo_by_photo(
    run: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(drawn / "train", recipe="small-logistic", out=tmp_path / "other")
    other = str(tmp_path / "other")
    assert main(["compare", str(run), other, "--photos", str(drawn / "test"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["comparison"]
    assert found["both"] + found["only_a"] + found["only_b"] + found["neither"] == 12
    assert [result["correct"] for result in document["results"]] == found["correct"]
    assert main(["compare", str(run), other, "--photos", str(drawn / "test")]) == 0
    assert "Photo by photo" in capsys.readouterr().out


def test_a_model_is_not_compared_with_itself(run: Path, drawn: Path) -> None:
    with pytest.raises(ModelError, match="is given twice"):
        compare(run, run, photos=drawn / "test")
