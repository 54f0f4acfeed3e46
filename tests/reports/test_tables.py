"""Tables are looked at as text, made from exams of answers drawn by code."""

import io
from typing import Any

import numpy as np
import pytest

from mien.exam import examine, over_seeds
from mien.reports.tables import print_predict, print_test, print_train

LABELS = ["[b]행복[/b]", "sad"]


def exam(*, unanswered: bool = False, shared: tuple[str, ...] = ()) -> dict[str, Any]:
    n = 20
    y_true = [LABELS[i % 2] for i in range(n)]
    probs = np.array([[0.8, 0.2] if i % 2 == 0 or i < 4 else [0.1, 0.9] for i in range(n)])
    return examine(
        labels=LABELS,
        y_true=y_true,
        probs=probs,
        paths=[f"사진/{i}.png" for i in range(n)],
        groups=[{"skin": "brown" if i < 17 else "white"} for i in range(n)],
        unanswered={0: "no face found"} if unanswered else None,
        shared=shared,
    ).plain()


def document_of(*exams: dict[str, Any]) -> dict[str, Any]:
    results = [{"model": f"model[{i}].onnx", **one} for i, one in enumerate(exams)]
    return {"results": results, "rejects": [{"path": "a.txt", "reason": "not a picture"}]}


def trained(**more: Any) -> dict[str, Any]:
    seeds = [
        {"seed": i, "validation_accuracy": 0.5, "test_accuracy": 0.4 + i / 50, "diverged": None}
        for i in range(30)
    ]
    seeds[1]["diverged"] = "the loss is NaN"
    return {
        "sentences": ["The model is fair."],
        "seeds": seeds,
        "test": over_seeds([seed["test_accuracy"] for seed in seeds]).__dict__,
        "cross_validation": {"sentence": "55 % by 10-fold cross-validation"},
        "exam": exam(),
        "rejects": [],
        "run": "runs/x-1",
        "model": "runs/x-1/model.onnx",
        **more,
    }


def text_of(printer: Any, document: Any) -> str:
    file = io.StringIO()
    printer(document, file=file)
    return file.getvalue()


def test_one_exam_is_told_first_and_then_tabled() -> None:
    text = text_of(print_test, document_of(exam()))
    assert text.startswith("18 of 20 right (90 %; 95 % interval 70 to 97 %)")
    for word in ("always", "guessing", "Classes", "Groups", "Wrong, surest first:"):
        assert word in text
    assert "Left out: 1\n  a.txt: not a picture" in text


class Terminal(io.StringIO):
    """A terminal of 80 columns, as rich takes one that can do nothing."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("n_exams", [1, 3])
def test_a_terminal_of_80_columns_breaks_no_number(
    n_exams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    document = document_of(*[exam() for _ in range(n_exams)])
    for result in document["results"]:
        result["model"] = "exports/of-the-model-from-yesterday/keras_model.h5"
        result["preprocessing"] = "orient | resize:9:area"
    file = Terminal()
    print_test(document, file=file)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    tables = [line for line in lines if line.startswith(" ")]
    assert max(map(len, tables)) <= 80
    assert not [line for line in tables if line.strip() in ("%", "to", "of")]
    assert any(line.endswith("70 to 97 %") or "70 to 97 %  " in line for line in tables)


def test_names_of_users_are_never_markup() -> None:
    text = text_of(print_test, document_of(exam(), exam()))
    assert "model[0].onnx" in text
    assert "[b]행복[/b]" in text


def test_one_model_asked_in_several_ways_is_told_apart_by_them() -> None:
    document = document_of(exam(), exam(), exam())
    ways = ("orient | resize:9:area", "resize:224:area | bgr | scale:-1:1", "grey")
    for result, way in zip(document["results"], ways, strict=True):
        result |= {"model": "m.onnx", "preprocessing": way}
    text = text_of(print_test, document)
    assert "m.onnx, looking in 3 ways" in text
    assert all(name in text for name in ("its own", "tm-opencv", "as asked"))
    document["results"][2]["model"] = "other.onnx"
    assert "m.onnx · tm-opencv" in text_of(print_test, document)


def test_a_group_of_few_photos_is_not_rated() -> None:
    assert "too few" in text_of(print_test, document_of(exam()))


def test_photos_without_an_answer_stand_in_the_table_and_the_list() -> None:
    text = text_of(print_test, document_of(exam(unanswered=True)))
    assert "no answer, no face found" in text
    assert text.count("no answer") >= 3


def test_a_leak_is_said_even_among_many_models() -> None:
    text = text_of(print_test, document_of(exam(), exam(shared=("사진/1.png",))))
    assert text.startswith("model[1].onnx: Leak: 1 of the 20 test photos was among the training")


def test_a_training_names_spread_lost_seeds_and_where_it_is() -> None:
    text = text_of(print_train, trained())
    assert text.startswith("The model is fair.\nTest accuracy: 69 % on average over 30 seeds")
    assert "diverged: the loss is NaN" in text
    assert "first 24 of 30" in text
    assert "Model runs/x-1/model.onnx" in text


def test_a_training_without_test_photos_still_prints() -> None:
    seeds = [{"seed": 0, "validation_accuracy": None, "test_accuracy": None, "diverged": None}]
    text = text_of(print_train, trained(seeds=seeds, test=None, exam=None, cross_validation=None))
    assert "Classes" not in text


def test_a_prediction_is_one_line_a_photo() -> None:
    document = {
        "photos": [
            {"path": "a" * 200, "predicted": "sad", "probs": {"sad": 0.914}, "reason": None},
            # What rich would draw as a small picture elsewhere is a name here.
            {"path": ":smile:.png", "predicted": None, "probs": None, "reason": "no face found"},
        ]
    }
    lines = text_of(print_predict, document).splitlines()
    assert lines == [f"sad   91 %  {'a' * 200}", "–      –   :smile:.png: no face found"]


@pytest.mark.parametrize("n_wrong", [30])
def test_long_lists_are_cut_and_say_so(n_wrong: int) -> None:
    result = examine(
        labels=LABELS,
        y_true=["sad"] * n_wrong,
        probs=np.tile([0.9, 0.1], (n_wrong, 1)),
        paths=[str(i) for i in range(n_wrong)],
    ).plain()
    assert "  and 18 more" in text_of(print_test, document_of(result))
