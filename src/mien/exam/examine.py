"""Score a model's answers on labelled photos.

Knows nothing of how the answers came about. Law: every photo counts, one without an answer as
wrong; a test photo the model was trained on is named before any score is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from mien.errors import DatasetError
from mien.exam.gaps import Answers, column_gaps, group_scores
from mien.exam.metrics import balanced_accuracy_score, confusion, confusion_cells, macro_f1_score
from mien.exam.rates import LEAST_N, rate, rate_of_rows
from mien.exam.reliability import reliability
from mien.exam.result import (
    Baseline,
    ClassScore,
    Confusion,
    Exam,
    Part,
    PhotoAnswer,
    Reliability,
)
from mien.exam.sentences import exam_sentences
from mien.records import Estimate
from mien.stats import at_least_p, bootstrap_interval, estimate
from mien.stats.proportions import unless_all_agree
from mien.words import right_of


def examine(
    *,
    labels: Sequence[str],
    y_true: Sequence[str],
    probs: Float[np.ndarray, "n c"],
    paths: Sequence[str],
    groups: Sequence[Mapping[str, str]] = (),
    unanswered: Mapping[int, str] | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    shared: Sequence[str] = (),
) -> Exam:
    """Score answers against the truth.

    Args:
        labels: The model's classes, in the order of the columns of `probs`.
        y_true: The true class of each photo, as text.
        probs: ``(n, c)``, rows sum to 1; rows of unanswered photos are not read (may be NaN).
        paths: What each photo is called in the result; no two alike.
        groups: Each photo's groups, or empty for none.
        unanswered: Row number -> reason, for photos without an answer; they count as wrong.
        clusters: What each photo must be counted together with (its person), or None where photos
            are independent; intervals are then over clusters.
        seed: Of the bootstrap and the permutations.
        shared: Those of `paths` that the model was trained on.

    Raises:
        DatasetError: There is no photo, or a label is not among the model's classes.
        ValueError: Arguments are not of one length, or an answered row is no probability.

    Example:
        >>> exam = examine(
        ...     labels=["happy", "sad"],
        ...     y_true=["happy", "happy", "sad", "sad", "sad"],
        ...     probs=np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]]),
        ...     paths=["a.png", "b.png", "c.png", "d.png", "e.png"],
        ... )
        >>> exam.correct, exam.n, exam.confusion.matrix
        (4, 5, ((1, 1), (0, 3)))
        >>> exam.per_class[0].sentence
        'happy: 2 photos: cannot be said'
    """
    groups = groups or [{}] * len(y_true)
    reasons = dict(unanswered or {})
    _check_lengths(y_true=y_true, probs=probs, paths=paths, groups=groups, clusters=clusters)
    numbers = _numbers(y_true, labels=labels, paths=paths)
    predicted = _predicted(probs, n_classes=len(labels), unanswered=reasons)
    answers = Answers(
        correct=numbers == predicted, answered=predicted >= 0, groups=groups, clusters=clusters
    )
    rng = np.random.default_rng(seed)
    confusions = _Confusions(numbers, predicted, len(labels), clusters)
    photos = _photos(
        labels=labels,
        y_true=y_true,
        probs=probs,
        paths=paths,
        groups=groups,
        predicted=predicted,
        reasons=reasons,
    )
    shared_rows = set(shared)
    exam = Exam(
        n=int(numbers.size),
        correct=int(answers.correct.sum()),
        accuracy=rate(answers.correct, clusters=clusters),
        per_class=_per_class(labels, numbers, predicted, clusters),
        per_group=group_scores(answers),
        confusion=confusions.record(labels),
        photos=photos,
        macro_f1=confusions.bootstrapped(macro_f1_score, rng=rng),
        balanced_accuracy=confusions.bootstrapped(balanced_accuracy_score, rng=rng),
        baselines=_baselines(labels, numbers, int(answers.correct.sum())),
        gaps=column_gaps(answers, rng=rng),
        reliability=_reliability(probs, numbers, answers.answered),
        wrong=_wrong(photos),
        unanswered=tuple(photo.path for photo in photos if photo.predicted is None),
        shared=tuple(path for path in paths if path in shared_rows),
        without_shared=_without_shared(answers, paths, shared_rows),
        sentences=(),
    )
    return replace(exam, sentences=exam_sentences(exam))


class _Confusions:
    """The confusion matrix of the photos and of any resample of them."""

    def __init__(
        self,
        y_true: Int[np.ndarray, " n"],
        y_pred: Int[np.ndarray, " n"],
        n_classes: int,
        clusters: Sequence[str] | None,
    ) -> None:
        self._cells = confusion_cells(y_true, y_pred=y_pred, n_classes=n_classes)
        self._n_classes = n_classes
        self._clusters = clusters

    def of(self, weights: np.ndarray) -> Int[np.ndarray, "r c columns"]:
        return confusion(weights, cells=self._cells, n_classes=self._n_classes)

    def whole(self) -> Int[np.ndarray, "1 c columns"]:
        return self.of(np.ones((1, self._cells.shape[0]), dtype=np.int64))

    def record(self, labels: Sequence[str]) -> Confusion:
        counts = self.whole()[0].tolist()
        return Confusion(
            labels=tuple(labels),
            matrix=tuple(tuple(row[:-1]) for row in counts),
            no_answer=tuple(row[-1] for row in counts),
        )

    def bootstrapped(
        self, score: Callable[[np.ndarray], np.ndarray], *, rng: np.random.Generator
    ) -> Estimate:
        interval = bootstrap_interval(
            lambda weights: score(self.of(weights)),
            self._cells.shape[0],
            rng=rng,
            clusters=self._clusters,
        )
        value = float(score(self.whole())[0])
        n_units = len(set(self._clusters)) if self._clusters else self._cells.shape[0]
        return estimate(value, unless_all_agree(interval, value=value, n_units=n_units))


def _check_lengths(
    *,
    y_true: Sequence[str],
    probs: np.ndarray,
    paths: Sequence[str],
    groups: Sequence[Mapping[str, str]],
    clusters: Sequence[str] | None,
) -> None:
    n = len(y_true)
    if n == 0:
        raise DatasetError("there is no test photo", "Give a folder of class folders with photos.")
    if len(set(paths)) != len(paths):
        raise ValueError("two photos have the same path")
    lengths = {"probs": probs.shape[0], "paths": len(paths), "groups": len(groups)}
    if clusters is not None:
        lengths["clusters"] = len(clusters)
    for name, length in lengths.items():
        if length != n:
            raise ValueError(f"{name} has {length} rows, y_true has {n}")


def _numbers(
    y_true: Sequence[str], *, labels: Sequence[str], paths: Sequence[str]
) -> Int[np.ndarray, " n"]:
    position = {label: i for i, label in enumerate(labels)}
    for label, path in zip(y_true, paths, strict=True):
        if label not in position:
            raise DatasetError(
                f"test photo '{path}' is of class '{label}', which the model does not know; "
                f"its classes are {', '.join(labels)}",
                "Rename the folder to one of these classes, or leave it out of the test photos.",
            )
    return np.array([position[label] for label in y_true])


def _predicted(
    probs: np.ndarray, *, n_classes: int, unanswered: Mapping[int, str]
) -> Int[np.ndarray, " n"]:
    answered = np.array([row not in unanswered for row in range(probs.shape[0])])
    if probs.shape[1:] != (n_classes,):
        raise ValueError(f"probs has shape {probs.shape}, expected (n, {n_classes})")
    given = probs[answered]
    # Softmax in float32 over many classes strays by some 1e-6; 1e-3 is far from any other mistake.
    if not (np.all(given >= 0) and np.allclose(given.sum(axis=1), 1, atol=1e-3)):
        raise ValueError("rows of probs must be probabilities that sum to 1")
    predicted = np.full(probs.shape[0], -1)
    predicted[answered] = given.argmax(axis=1)
    return predicted


def _photos(
    *,
    labels: Sequence[str],
    y_true: Sequence[str],
    probs: np.ndarray,
    paths: Sequence[str],
    groups: Sequence[Mapping[str, str]],
    predicted: np.ndarray,
    reasons: Mapping[int, str],
) -> tuple[PhotoAnswer, ...]:
    return tuple(
        PhotoAnswer(
            path=paths[row],
            label=y_true[row],
            predicted=labels[predicted[row]] if predicted[row] >= 0 else None,
            probs=tuple(float(prob) for prob in probs[row]) if predicted[row] >= 0 else None,
            reason=reasons.get(row),
            groups=dict(groups[row]),
        )
        for row in range(len(paths))
    )


def _per_class(
    labels: Sequence[str], y_true: np.ndarray, y_pred: np.ndarray, clusters: Sequence[str] | None
) -> tuple[ClassScore, ...]:
    correct = y_true == y_pred
    scores = []
    for number, label in enumerate(labels):
        of_class, answered = np.flatnonzero(y_true == number), np.flatnonzero(y_pred == number)
        n, n_predicted, n_right = of_class.size, answered.size, int(correct[of_class].sum())
        recall = rate_of_rows(correct, rows=of_class, clusters=clusters)
        scores.append(
            ClassScore(
                label=label,
                n=int(n),
                correct=n_right,
                n_predicted=int(n_predicted),
                recall=recall,
                precision=rate_of_rows(correct, rows=answered, clusters=clusters),
                f1=2 * n_right / (n + n_predicted) if n + n_predicted else 0.0,
                sentence=f"{label}: {right_of(n_right, int(n), recall)}",
            )
        )
    return tuple(scores)


def _baselines(labels: Sequence[str], y_true: np.ndarray, n_correct: int) -> tuple[Baseline, ...]:
    n, counts = int(y_true.size), np.bincount(y_true, minlength=len(labels))
    majority, chance = float(counts.max() / n), 1 / len(labels)
    return (
        Baseline(
            name="majority",
            label=labels[int(counts.argmax())],
            accuracy=majority,
            p=at_least_p(n_correct, n, share=majority),
        ),
        Baseline(
            name="chance", label=None, accuracy=chance, p=at_least_p(n_correct, n, share=chance)
        ),
    )


def _reliability(probs: np.ndarray, y_true: np.ndarray, answered: np.ndarray) -> Reliability | None:
    if not answered.any():
        return None
    # Rows are made to sum to 1 in float64, so that the losses do not carry float32's rounding.
    given = probs[answered].astype(np.float64)
    given /= given.sum(axis=1, keepdims=True)
    return reliability(given, y_true=y_true[answered], least_n=LEAST_N)


def _wrong(photos: Sequence[PhotoAnswer]) -> tuple[str, ...]:
    wrong = [photo for photo in photos if photo.predicted != photo.label]
    wrong.sort(key=lambda photo: -max(photo.probs or (-1.0,)))
    return tuple(photo.path for photo in wrong)


def _without_shared(answers: Answers, paths: Sequence[str], shared: set[str]) -> Part | None:
    rows = np.array([row for row, path in enumerate(paths) if path not in shared], dtype=int)
    if rows.size == len(paths):
        return None
    return Part(
        n=int(rows.size),
        correct=int(answers.correct[rows].sum()),
        accuracy=rate_of_rows(answers.correct, rows=rows, clusters=answers.clusters),
    )
