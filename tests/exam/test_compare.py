import numpy as np
import pytest

from mien.errors import DatasetError
from mien.exam import Exam, compare, examine
from mien.stats import mcnemar_p

LABELS = ["happy", "sad"]


def exam_of(right: list[bool], *, paths: list[str] | None = None, label: str = "happy") -> Exam:
    wrong_or_right = {"happy": ([0.9, 0.1], [0.2, 0.8]), "sad": ([0.1, 0.9], [0.8, 0.2])}[label]
    return examine(
        labels=LABELS,
        y_true=[label] * len(right),
        probs=np.array([wrong_or_right[0] if r else wrong_or_right[1] for r in right]),
        paths=paths or [f"{i}.png" for i in range(len(right))],
    )


A = [True] * 19 + [False] * 11
B = [True] * 14 + [False] * 5 + [True] * 3 + [False] * 8


def test_the_verdict_says_what_the_test_set_could_show() -> None:
    result = compare(exam_of(A), exam_of(B))
    assert result.verdict == (
        "no evidence of a difference: 19 against 17 of 30, p = 0.73; "
        "this test set could show a difference of 6 photos at best"
    )
    assert result.p == mcnemar_p(only_a=5, only_b=3)
    assert (result.both, result.only_a, result.only_b, result.neither) == (14, 5, 3, 8)
    assert result.paths_only_b == ("19.png", "20.png", "21.png")
    assert result.difference.value == pytest.approx(2 / 30)
    assert result.difference.low < 0 < result.difference.high


def test_a_clear_difference_names_the_better_one() -> None:
    result = compare(exam_of([False] * 20), exam_of([True] * 20), names=("ours", "theirs"))
    assert result.verdict == "theirs is better than ours: 20 against 0 of 20, p < 0.001"


def test_few_photos_cannot_show_anything() -> None:
    result = compare(exam_of([True] * 4), exam_of([False] * 4))
    assert result.least_photos is None
    assert result.verdict.endswith("4 test photos cannot show any difference, 6 at least could")


def test_the_order_of_photos_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(30)
    mixed = exam_of([B[i] for i in order], paths=[f"{i}.png" for i in order])
    assert compare(exam_of(A), mixed).only_a == 5


def test_persons_can_take_a_verdict_back() -> None:
    right, wrong = exam_of([True] * 8 + [False] * 22), exam_of([False] * 30)
    assert "is better" in compare(right, wrong).verdict
    persons = ["p"] * 8 + [f"q{i}" for i in range(22)]
    assert "no evidence" in compare(right, wrong, clusters=persons).verdict


def test_other_photos_cannot_be_compared() -> None:
    with pytest.raises(DatasetError, match=r"2 photos with only one of them, such as '0.png'"):
        compare(exam_of([True]), exam_of([True], paths=["z.png"]))


def test_other_labels_cannot_be_compared() -> None:
    with pytest.raises(DatasetError, match=r"'0.png' is 'happy' in one test and 'sad'"):
        compare(exam_of([True]), exam_of([True], label="sad"))
