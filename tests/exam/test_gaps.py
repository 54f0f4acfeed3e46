"""What is said of groups, planted by code."""

import numpy as np
import pytest

from mien.exam import Exam, examine
from mien.stats import difference_interval, gap_p, share

LABELS = ["happy", "sad"]


def exam_of(right: dict[str, tuple[int, int]], **more: object) -> Exam:
    """An exam in which of each skin group so many of so many are right."""
    rows = [(skin, i < correct) for skin, (correct, n) in right.items() for i in range(n)]
    probs = np.array([[0.9, 0.1] if is_right else [0.2, 0.8] for _, is_right in rows])
    return examine(
        labels=LABELS,
        y_true=["happy"] * len(rows),
        probs=probs,
        paths=[f"{i}.png" for i in range(len(rows))],
        groups=[{"skin": skin} for skin, _ in rows],
        **more,
    )


def test_a_planted_gap_is_found() -> None:
    exam = exam_of({"brown": (20, 40), "white": (38, 40)})
    (column,) = exam.gaps
    assert column.p is not None
    assert column.p < 0.001
    (pair,) = column.pairs
    assert (pair.a, pair.b) == ("white", "brown")
    assert pair.p == pytest.approx(gap_p(correct_a=38, n_a=40, correct_b=20, n_b=40))
    assert pair.gap is not None
    expected = difference_interval(share(38, 40), share(20, 40))
    assert (pair.gap.low, pair.gap.high) == (expected.low, expected.high)
    assert pair.sentence.startswith("white and brown: evidence of a difference (a gap of 45 points")
    assert column.sentence in exam.sentences


def test_an_even_model_is_not_accused() -> None:
    exam = exam_of({"black": (6, 10), "brown": (6, 10), "white": (6, 10)})
    # Two groups are named even where all are equal.
    assert exam.gaps[0].sentence.startswith(
        "skin: no evidence of a difference (black 60 %, white 60 %, a gap of 0 points"
    )
    assert len(exam.gaps[0].pairs) == 3
    for pair in exam.gaps[0].pairs:
        assert pair.p_holm == 1
        assert "10 and 10 photos could show a gap of 60 points at best" in pair.sentence


def test_holm_runs_over_all_pairs_of_all_columns() -> None:
    rng = np.random.default_rng(0)
    n = 60
    groups = [{"skin": "abc"[i % 3], "gender": ["man", "woman"][i % 2]} for i in range(n)]
    right = rng.random(n) < 0.6
    exam = examine(
        labels=LABELS,
        y_true=["happy"] * n,
        probs=np.where(right[:, None], [0.9, 0.1], [0.1, 0.9]),
        paths=[str(i) for i in range(n)],
        groups=groups,
    )
    pairs = [pair for column in exam.gaps for pair in column.pairs]
    assert len(pairs) == 4
    smallest = min(pairs, key=lambda pair: pair.p or 0)
    assert smallest.p_holm == pytest.approx(min(1, 4 * (smallest.p or 0)))


def test_a_group_of_few_photos_is_not_spoken_of() -> None:
    exam = exam_of({"black": (0, 3), "white": (9, 10)})
    black, white = exam.per_group
    assert (black.accuracy, black.sentence) == (None, "skin black: 3 photos: cannot be said")
    assert white.accuracy is not None
    (column,) = exam.gaps
    assert (column.gap, column.p, column.least_n) == (None, None, 4)
    assert column.pairs[0].gap is None
    assert column.pairs[0].sentence.endswith("3 photos of one of them: cannot be said")


def test_photos_without_a_group_are_counted_apart() -> None:
    exam = examine(
        labels=LABELS,
        y_true=["happy"] * 8,
        probs=np.tile([0.9, 0.1], (8, 1)),
        paths=[str(i) for i in range(8)],
        groups=[{"skin": "brown"}] * 5 + [{}] * 3,
    )
    assert [(score.value, score.n) for score in exam.per_group] == [("brown", 5), (None, 3)]
    assert exam.per_group[1].sentence == "skin (not given): 3 photos: cannot be said"
    assert exam.gaps == ()


def test_detector_misses_are_counted_by_group() -> None:
    exam = exam_of(
        {"black": (6, 6), "white": (6, 6)},
        unanswered={0: "no face found", 1: "no face found"},
    )
    assert [score.n_unanswered for score in exam.per_group] == [2, 0]
    assert exam.per_group[0].correct == 4


def test_a_column_of_names_makes_no_gaps() -> None:
    n = 12
    exam = examine(
        labels=LABELS,
        y_true=["happy"] * n,
        probs=np.tile([0.9, 0.1], (n, 1)),
        paths=[str(i) for i in range(n)],
        groups=[{"person": f"p{i}"} for i in range(n)],
    )
    assert exam.gaps == ()


def test_a_gap_carried_by_few_persons_is_no_evidence() -> None:
    right = {"brown": (0, 16), "white": (16, 16)}
    persons = [f"p{i // 4}" for i in range(32)]
    assert (exam_of(right).gaps[0].p or 1) < 0.001
    p = exam_of(right, clusters=persons).gaps[0].p
    # Eight persons can be dealt to two groups of four in 70 ways; 2 of them are as far apart.
    assert p == pytest.approx(2 / 70, abs=0.01)
