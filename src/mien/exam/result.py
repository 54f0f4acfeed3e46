"""The records that an exam gives: what `mien test --json` prints, and nothing that computes.

Law: every rate stands beside its count and its interval; where there are too few photos for a rate,
the rate is None and `sentence` says so. Accuracies, recalls and the like are shares, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.records import Estimate, plain


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How one class did.

    Attributes:
        label: The class.
        n: Test photos of this class.
        correct: Of them, those answered right.
        n_predicted: Photos that were answered with this class, right or wrong.
        recall: correct / n, None where `n` is too small to say.
        precision: correct / n_predicted, None where `n_predicted` is too small to say.
        f1: 2·correct / (n + n_predicted), 0 where both are 0.
        sentence: The same in words.
    """

    label: str
    n: int
    correct: int
    n_predicted: int
    recall: Estimate | None
    precision: Estimate | None
    f1: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class GroupScore:
    """How the photos of one group did, such as ``skin=brown``.

    Attributes:
        column: The group column.
        value: Its value; None for photos without one.
        n: Test photos of this group.
        correct: Of them, those answered right.
        n_unanswered: Of them, those without an answer, such as no face found.
        accuracy: correct / n, None where `n` is too small to say.
        sentence: The same in words.
    """

    column: str
    value: str | None
    n: int
    correct: int
    n_unanswered: int
    accuracy: Estimate | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class PairGap:
    """The difference in accuracy between two groups of one column.

    Attributes:
        a: Value of the group that did better, or came first where they are equal.
        b: The other one.
        n_a: Photos of `a`.
        n_b: Photos of `b`.
        gap: Accuracy of `a` less that of `b`, with its interval; never below 0 in value. None where
            a group is too small.
        p: Permutation p, two-sided. None where a group is too small.
        p_holm: `p` after Holm's correction over all pairs of all columns.
        can_show: The least gap (0 to 1) that groups of these sizes could show; None where not even
            «all against none» would be evidence.
        sentence: The same in words.
    """

    a: str
    b: str
    n_a: int
    n_b: int
    gap: Estimate | None
    p: float | None
    p_holm: float | None
    can_show: float | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class ColumnGap:
    """How far the groups of one column lie apart.

    Attributes:
        column: The group column.
        gap: Greatest accuracy less least, among groups large enough; None with fewer than two.
        p: Permutation p of a gap at least this wide where the column has no influence.
        least_n: Photos a group needs before anything is said of it.
        pairs: Every pair of groups.
        sentence: The same in words.
    """

    column: str
    gap: float | None
    p: float | None
    least_n: int
    pairs: tuple[PairGap, ...]
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Who was taken for whom.

    Attributes:
        labels: Of rows and columns.
        matrix: ``(c, c)`` counts; rows are true classes, columns are answers.
        no_answer: ``(c,)`` photos of each true class that got no answer: one more column.
    """

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    no_answer: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PhotoAnswer:
    """What one test photo was answered with.

    Attributes:
        path: As given.
        label: Its true class.
        predicted: The answer; None where there is none.
        probs: One number a class, in the order of the labels; None where there is no answer.
        reason: Why there is no answer; None where there is one.
        groups: The photo's groups.
    """

    path: str
    label: str
    predicted: str | None
    probs: tuple[float, ...] | None
    reason: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What can be had without looking at the photos.

    Attributes:
        name: ``"majority"`` (always the class with most test photos) or ``"chance"`` (any class,
            all equally likely).
        label: The class always answered; None for chance.
        accuracy: Its expected accuracy.
        p: Probability that guessing with this accuracy gets as many right as the model, or more.
    """

    name: str
    label: str | None
    accuracy: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """The score on a part of the test photos."""

    n: int
    correct: int
    accuracy: Estimate | None


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Answers whose probability lies in ``(low, high]``: how sure, and how often right."""

    low: float
    high: float
    n: int
    correct: int
    mean_prob: float | None
    accuracy: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Whether «90 %» is right nine times of ten, over the answered photos.

    Attributes:
        n: Answered photos.
        bins: By the probability of the answer, low to high.
        calibration_error: Expected calibration error over `bins`: 0 is best, 1 worst.
        brier_loss: Mean squared distance of probs from the truth, summed over classes: 0 to 2.
        log_loss: Mean of −log(prob of the true class), in nats.
        mean_prob: Mean probability of the answers.
        sentence: The same in words.
    """

    n: int
    bins: tuple[ReliabilityBin, ...]
    calibration_error: float
    brier_loss: float
    log_loss: float
    mean_prob: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Exam:
    """A model's score on labelled photos it has not seen.

    Attributes:
        n: Test photos, those without an answer included.
        correct: Those answered right. No answer counts as wrong.
        accuracy: correct / n.
        per_class: One score a class of the model, in its order.
        per_group: One score a group, by column and value.
        confusion: Who was taken for whom.
        photos: One answer a photo, in the order given.
        macro_f1: Mean of the classes' F1, over classes that occur or were answered.
        balanced_accuracy: Mean of the classes' recalls, over classes that have test photos.
        baselines: Majority and chance.
        gaps: How far groups lie apart, one a column with at least two values.
        reliability: None where no photo was answered.
        wrong: Paths of photos answered wrong, the surest mistakes first, those without an answer
            last.
        unanswered: Paths of photos without an answer.
        shared: Paths of test photos that the model was trained on.
        without_shared: The score on the others; None where nothing is shared.
        sentences: The exam in words, most important first.
    """

    n: int
    correct: int
    accuracy: Estimate
    per_class: tuple[ClassScore, ...]
    per_group: tuple[GroupScore, ...]
    confusion: Confusion
    photos: tuple[PhotoAnswer, ...]
    macro_f1: Estimate
    balanced_accuracy: Estimate
    baselines: tuple[Baseline, ...]
    gaps: tuple[ColumnGap, ...]
    reliability: Reliability | None
    wrong: tuple[str, ...]
    unanswered: tuple[str, ...]
    shared: tuple[str, ...]
    without_shared: Part | None
    sentences: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it; keys as in docs/formats.md."""
        result: dict[str, Any] = plain(self)
        return result
