"""The catalogue of Korean sentences knows what a run's, a curve's and a reproduction's page say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien.exam.seeds import over_folds, over_seeds
from mien.records import Estimate
from mien.reports.said import in_language, knows
from mien.workflows import curve, reproduced
from mien.workflows.advice import advise


def estimate(value: float, *, half: float = 0.1) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, level=0.95, method="t")


def exam(*, n: int, width: float) -> dict[str, Any]:
    recalls = {
        "행복": {"value": 0.5, "low": 0.4, "high": 0.6},
        "슬픔": {"value": 0.7, "low": 0.6, "high": 0.8},
    }
    accuracy = {"value": 0.5, "low": 0.5 - width / 2, "high": 0.5 + width / 2}
    scores = [{"label": label, "n": n // 2, "recall": recall} for label, recall in recalls.items()]
    return {"n": n, "accuracy": accuracy, "per_class": scores}


@pytest.mark.parametrize("tested", [None, exam(n=8, width=0.6), exam(n=900, width=0.05)])
@pytest.mark.parametrize("n_issues", [None, 0, 1, 6])
def test_advice_is_known(tested: dict[str, Any] | None, n_issues: int | None) -> None:
    issue = {
        "code": "M103", "outcome": "issue", "severity": "high",
        "sentence": "3 photos are blurred: a.jpg, b.jpg and c.jpg. Look closely: a blurred brow "
        "can be any expression.",
    }  # fmt: skip
    audit = None if n_issues is None else {"findings": [issue] * n_issues}
    run = {"exam": tested, "classes": {"행복": 4, "슬픔": 40}}
    said = advise(run, train=Path("gone"), audit=audit)
    assert said
    assert [one for one in said if not knows("ko", one)] == []


def test_no_class_is_the_weakest_where_all_are_equal() -> None:
    def weakest(tested: dict[str, Any]) -> list[str]:
        run = {"exam": tested, "classes": {"행복": 40, "슬픔": 40}}
        return [one for one in advise(run, train=Path("gone"), audit=None) if "the least of" in one]

    tested = exam(n=40, width=0.3)
    assert [one.count("'행복'") for one in weakest(tested)] == [1]
    tested["per_class"][0]["recall"] = tested["per_class"][1]["recall"]
    assert weakest(tested) == []


@pytest.mark.parametrize("accuracies", [[0.5], [0.4, 0.5, 0.6], [0.003, 0.001]])
def test_spreads_over_seeds_and_folds_are_known(accuracies: list[float]) -> None:
    assert knows("ko", f"Test accuracy: {over_seeds(accuracies).sentence}.")
    folds = over_folds([0.5, 0.6, 0.4, 0.5], folds=2, repeats=2, n_photos=40)
    assert knows("ko", f"Cross-validation: {folds.sentence}.")


@pytest.mark.parametrize("named", [(), ("행복", "슬픔")])
@pytest.mark.parametrize("gains", [True, False])
@pytest.mark.parametrize("told", [None, SimpleNamespace(per_class=76, accuracy=estimate(0.8))])
def test_a_curves_sentences_are_known(named: tuple[str, ...], gains: bool, told: Any) -> None:
    points = [SimpleNamespace(per_class=38, mean=0.79, low=0.74, high=0.84)]
    classes = [SimpleNamespace(label="행복", worth=estimate(0.01))]
    said = curve._sentences(points, told, named, classes, gains=gains)  # type: ignore[arg-type]
    assert [one for one in said if not knows("ko", one)] == []


@pytest.mark.parametrize("what", ["epochs", "learning rate"])
@pytest.mark.parametrize("accuracies", [[0.5, 0.5], [0.4, 0.6]])
def test_what_a_sweep_says_is_known(what: str, accuracies: list[float]) -> None:
    best = SimpleNamespace(printed=0.633, value=0.0015, seeds=over_seeds(accuracies))
    verdict = SimpleNamespace(sentence="One recipe, nothing to compare: a, 50 % with one seed.")
    said = reproduced.sweep_sentence([best], what=what, best=best, verdict=verdict)  # type: ignore[list-item,arg-type]
    assert knows("ko", said)


@pytest.mark.parametrize("p", [0.2, 0.001, 0.0001])
@pytest.mark.parametrize("gap", [0.36, -0.01, 0.0])
def test_what_folds_say_of_two_recipes_is_known_inside_and_as_a_sentence(
    p: float, gap: float
) -> None:
    said = reproduced.fold_sentence(estimate(gap), p=p, ours=0.8, its=0.43)
    assert knows("ko", said)
    assert knows("ko", f"{said[:1].upper()}{said[1:]}.")


@pytest.mark.parametrize("luck_p", [0.03, 0.4])
@pytest.mark.parametrize("ahead", ["ours is better than its best model", "its best model is better "
                                   "than ours"])  # fmt: skip
def test_a_reproductions_summary_is_known(luck_p: float, ahead: str) -> None:
    seeds = over_seeds([0.4, 0.5])
    epochs = SimpleNamespace(
        points=[SimpleNamespace(value=value, seeds=seeds) for value in (20.0, 700.0)],
        best_value=700.0, best_printed=0.633, luck_p=luck_p, verdict=SimpleNamespace(winner=None),
    )  # fmt: skip
    folds = SimpleNamespace(mean=0.8, folds=10)
    recipe = SimpleNamespace(
        name="expression", seeds=over_seeds([0.9, 0.9]), cross_validation=folds
    )
    record = SimpleNamespace(
        sweeps=[epochs], seeds=20, n_models=22, n_agree=18, n_test=30, n_train=245, ours=recipe,
        its_recipe=recipe,
        by_folds=SimpleNamespace(
            sentence=reproduced.fold_sentence(estimate(0.3), p=0.001, ours=0.8, its=0.5)
        ),
        against_best_model=SimpleNamespace(verdict=f"{ahead}: 27 against 19 of 30, p = 0.021"),
    )  # fmt: skip
    said = reproduced.summary(record)  # type: ignore[arg-type]
    assert [one for one in said if not knows("ko", one)] == []
    assert "ours" not in "".join(in_language("ko", one) for one in said)
