"""What the page shows of a training, and of what another one made different."""

from __future__ import annotations

from typing import Any

import pytest

from mien.stats import difference_interval, share
from mien.studio.results import training_view


def job(*matrix: list[int], labels: tuple[str, ...] = ("happy", "sad")) -> dict[str, Any]:
    n = sum(map(sum, matrix))
    folds = {"n_photos": n, "confusion": {"labels": list(labels), "matrix": list(matrix)}}
    answer = {
        "run": "none", "recipe": {"name": "expression"}, "rejects": [], "sentences": [],
        "fingerprint": "f", "n_photos": n, "saved_seed": 0, "cross_validation": folds,
        "seeds": [{"seed": 0, "validation_accuracy": 0.5, "n_validation": 4}],
    }  # fmt: skip
    return {"began": 1.0, "ended": 3.0, "answer": answer}


def test_another_training_is_shown_beside_the_one_before() -> None:
    view = training_view(job([18, 2], [1, 19]), before=job([14, 6], [5, 13]))
    change = view["before"]
    assert change["score"]["value"] == 27 / 38
    assert change["n_photos"] == [38, 40]
    assert change["difference"]["value"] == pytest.approx(37 / 40 - 27 / 38)
    interval = difference_interval(share(37, 40), share(27, 38))
    assert (change["difference"]["low"], change["difference"]["high"]) == (
        interval.low,
        interval.high,
    )
    assert [one["label"] for one in change["per_class"]] == ["happy", "sad"]
    assert change["per_class"][1]["before"]["correct"] == 13
    assert change["per_class"][1]["now"]["correct"] == 19


def test_the_first_training_has_nothing_before_it() -> None:
    assert training_view(job([9, 1], [1, 9]))["before"] is None


def test_classes_that_came_or_went_are_not_compared() -> None:
    view = training_view(job([9, 1], [1, 9], labels=("happy", "calm")), before=job([9, 1], [1, 9]))
    assert [one["label"] for one in view["before"]["per_class"]] == ["happy"]


def test_a_training_that_was_not_validated_is_not_compared() -> None:
    then = job([9, 1], [1, 9])
    then["answer"]["cross_validation"] = None
    then["answer"]["seeds"][0]["validation_accuracy"] = None
    assert training_view(job([9, 1], [1, 9]), before=then)["before"] is None
