"""The exam of answers drawn by code, checked against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn import metrics

from mien.errors import DatasetError
from mien.exam import Exam, examine
from mien.stats import wilson

LABELS = ["angry", "expressionless", "happy", "sad", "surprise"]
N = 60


def answers(seed: int = 0, *, n: int = N, sure: float = 1.5) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 5, size=n)
    logits = rng.normal(size=(n, 5)) + sure * np.eye(5)[y_true]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return [LABELS[i] for i in y_true], probs


def exam_of(y_true: list[str], probs: np.ndarray, **more: object) -> Exam:
    paths = [f"{label}/{i}.png" for i, label in enumerate(y_true)]
    return examine(labels=LABELS, y_true=y_true, probs=probs, paths=paths, **more)


def test_scores_are_scikit_learns() -> None:
    y_true, probs = answers()
    exam = exam_of(y_true, probs)
    y_pred = [LABELS[i] for i in probs.argmax(axis=1)]
    assert exam.accuracy.value == pytest.approx(metrics.accuracy_score(y_true, y_pred))
    f1 = metrics.f1_score(y_true, y_pred, average="macro")
    assert exam.macro_f1.value == pytest.approx(f1)
    balanced = metrics.balanced_accuracy_score(y_true, y_pred)
    assert exam.balanced_accuracy.value == pytest.approx(balanced)
    matrix = metrics.confusion_matrix(y_true, y_pred, labels=LABELS)
    assert np.array_equal(exam.confusion.matrix, matrix)
    precision, recall, f1s, n = metrics.precision_recall_fscore_support(
        y_true, y_pred, labels=LABELS
    )
    for i, score in enumerate(exam.per_class):
        assert score.n == n[i]
        assert score.f1 == pytest.approx(f1s[i])
        assert score.recall is not None
        assert score.precision is not None
        assert score.recall.value == pytest.approx(recall[i])
        assert score.precision.value == pytest.approx(precision[i])


def test_reliability_is_scikit_learns() -> None:
    y_true, probs = answers()
    reliability = exam_of(y_true, probs).reliability
    assert reliability is not None
    assert reliability.log_loss == pytest.approx(metrics.log_loss(y_true, probs, labels=LABELS))
    one_hot = np.array([[label == name for name in LABELS] for label in y_true])
    assert reliability.brier_loss == pytest.approx(((probs - one_hot) ** 2).sum(axis=1).mean())
    top, right = probs.max(axis=1), probs.argmax(axis=1) == one_hot.argmax(axis=1)
    by_hand = 0.0
    for low in np.arange(0, 1, 0.1):
        inside = (top > low + 1e-12) & (top <= low + 0.1 + 1e-12)
        if inside.any():
            by_hand += inside.mean() * abs(right[inside].mean() - top[inside].mean())
    assert reliability.calibration_error == pytest.approx(by_hand)
    assert sum(b.n for b in reliability.bins) == N


def test_the_interval_of_accuracy_is_wilsons() -> None:
    exam = exam_of(*answers())
    expected = wilson(exam.correct, N)
    assert (exam.accuracy.low, exam.accuracy.high) == (expected.low, expected.high)
    assert exam.accuracy.method == "Wilson"


def test_intervals_hold_their_values() -> None:
    exam = exam_of(*answers())
    for estimate in (exam.accuracy, exam.macro_f1, exam.balanced_accuracy):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_the_record_has_the_keys_that_others_read() -> None:
    document = exam_of(*answers()).plain()
    assert list(document)[:7] == [
        "n", "correct", "accuracy", "per_class", "per_group", "confusion", "photos"
    ]  # fmt: skip
    assert list(document["accuracy"]) == ["value", "low", "high", "level", "method"]
    assert list(document["confusion"])[:2] == ["labels", "matrix"]
    assert list(document["photos"][0])[:4] == ["path", "label", "predicted", "probs"]
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_same_answers_give_the_same_record() -> None:
    assert exam_of(*answers()) == exam_of(*answers())


def test_the_order_of_photos_does_not_change_the_score() -> None:
    y_true, probs = answers()
    order = np.random.default_rng(1).permutation(N)
    a, b = exam_of(y_true, probs), exam_of([y_true[i] for i in order], probs[order])
    assert (a.accuracy, a.macro_f1.value, a.confusion) == (
        b.accuracy, b.macro_f1.value, b.confusion
    )  # fmt: skip


def test_perfect_answers_score_1() -> None:
    y_true, probs = answers(sure=50)
    exam = exam_of(y_true, probs)
    assert (exam.accuracy.value, exam.macro_f1.value, exam.balanced_accuracy.value) == (1, 1, 1)
    assert exam.wrong == ()


def test_photos_without_an_answer_count_as_wrong_and_are_listed() -> None:
    y_true, probs = answers(sure=50)
    probs[3] = np.nan
    exam = exam_of(y_true, probs, unanswered={3: "no face found"})
    assert exam.correct == N - 1
    assert exam.n == N
    photo = exam.photos[3]
    assert (photo.predicted, photo.probs, photo.reason) == (None, None, "no face found")
    assert exam.unanswered == (photo.path,)
    assert exam.wrong == (photo.path,)
    assert exam.confusion.no_answer[LABELS.index(y_true[3])] == 1
    assert "1 photo got no answer and counts as wrong." in exam.sentences
    assert exam.macro_f1.value < 1


def test_no_answer_at_all_is_still_an_exam() -> None:
    y_true, probs = answers(n=4)
    exam = exam_of(y_true, probs * np.nan, unanswered=dict.fromkeys(range(4), "no face found"))
    assert (exam.correct, exam.reliability) == (0, None)
    assert exam.macro_f1.value == 0


def test_a_leak_is_said_first_and_the_score_is_given_without_it() -> None:
    y_true, probs = answers(sure=50)
    probs[0] = np.roll(np.eye(5)[LABELS.index(y_true[0])], 1)
    shared = [f"{y_true[i]}/{i}.png" for i in (1, 2)]
    exam = exam_of(y_true, probs, shared=shared)
    assert exam.sentences[0].startswith(
        "Leak: 2 of the 60 test photos were among the training photos"
    )
    assert exam.without_shared is not None
    assert (exam.without_shared.n, exam.without_shared.correct) == (58, 57)
    assert exam.shared == tuple(shared)


def test_a_test_of_nothing_but_training_photos_is_called_no_test() -> None:
    y_true, probs = answers(n=5)
    exam = exam_of(y_true, probs, shared=[f"{label}/{i}.png" for i, label in enumerate(y_true)])
    assert exam.sentences[0].endswith("No other test photo is left: this is no test.")


def test_one_photo_cannot_be_said() -> None:
    y_true, probs = ["happy", "sad", "sad", "sad", "sad"], np.eye(5)[[2, 3, 3, 3, 0]]
    exam = exam_of(y_true, probs)
    assert exam.per_class[2].recall is None
    assert exam.per_class[2].sentence == "happy: 1 photo: cannot be said"
    assert exam.per_class[3].sentence.startswith("sad: 3 of 4 right (75 %; 95 % interval ")
    assert exam.per_class[1].sentence == "expressionless: no photos"
    missing = "No test photos of angry, expressionless and surprise: nothing is known of them."
    assert missing in exam.sentences


def test_guessing_is_told_from_knowing() -> None:
    y_true, probs = answers(sure=0, n=30)
    exam = exam_of(y_true, probs)
    assert "no evidence that it is better than always answering" in exam.sentences[0]
    chance = exam.baselines[1]
    assert (chance.name, chance.accuracy) == ("chance", 0.2)
    majority = exam.baselines[0]
    most = max(LABELS, key=y_true.count)
    assert (majority.label, majority.accuracy) == (most, y_true.count(most) / 30)
    good = exam_of(*answers(sure=50, n=30))
    assert good.sentences[0].startswith("30 of 30 right (100 %; 95 % interval 89 to 100 %); ")


def test_the_surest_mistakes_come_first() -> None:
    y_true, probs = answers()
    exam = exam_of(y_true, probs)
    by_path = {photo.path: photo for photo in exam.photos}
    sure = [max(by_path[path].probs or ()) for path in exam.wrong]
    assert sure == sorted(sure, reverse=True)
    assert len(exam.wrong) == exam.n - exam.correct


def test_persons_widen_the_intervals() -> None:
    y_true, probs = answers()
    alone = exam_of(y_true, probs)
    persons = [f"p{i // 10}" for i in range(N)]
    together = exam_of(y_true, probs, clusters=persons)
    assert together.accuracy.low <= alone.accuracy.low
    assert together.accuracy.method == "Wilson over clusters"
    assert "clusters" in together.macro_f1.method


def test_too_sure_a_model_is_called_so() -> None:
    y_true, _ = answers(n=40)
    probs = np.full((40, 5), 0.01) + 0.95 * np.eye(5)[np.zeros(40, dtype=int)]
    exam = exam_of(y_true, probs)
    assert exam.reliability is not None
    assert exam.reliability.sentence.endswith("surer than it should be.")
    humble = exam_of(["happy"] * 40, np.full((40, 5), 0.15) + 0.25 * np.eye(5)[[2] * 40])
    assert humble.reliability is not None
    assert humble.reliability.sentence.endswith("less sure than it could be.")


def test_a_class_the_model_does_not_know_is_one_clear_error() -> None:
    y_true, probs = answers(n=4)
    y_true[1] = "bored"
    with pytest.raises(DatasetError, match=r"'bored/1.png' is of class 'bored', which the model"):
        exam_of(y_true, probs)


def test_no_photo_is_one_clear_error() -> None:
    with pytest.raises(DatasetError, match="there is no test photo"):
        exam_of([], np.zeros((0, 5)))


def test_arrays_of_unlike_length_are_refused() -> None:
    y_true, probs = answers(n=4)
    with pytest.raises(ValueError, match="probs has 3 rows, y_true has 4"):
        exam_of(y_true, probs[:3])
    with pytest.raises(ValueError, match=r"expected \(n, 5\)"):
        exam_of(y_true, probs[:, :4])
    with pytest.raises(ValueError, match="clusters has 1 rows"):
        exam_of(y_true, probs, clusters=["p"])
    with pytest.raises(ValueError, match="sum to 1"):
        exam_of(y_true, 2 * probs)
    with pytest.raises(ValueError, match="same path"):
        examine(labels=LABELS, y_true=["sad", "sad"], probs=probs[:2], paths=["a", "a"])
