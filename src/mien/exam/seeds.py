"""The same recipe from many random starts, or over many folds, in one line.

Law: a recipe is judged by its mean and spread, never by its best seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.stats import corrected_resampled_t, spread
from mien.stats.proportions import unless_all_agree
from mien.words import count, percent


@dataclass(frozen=True, kw_only=True)
class SeedSummary:
    """Accuracies over seeds.

    Attributes:
        mean: Their mean.
        sd: Their standard deviation (n − 1); None with one seed.
        min: The least.
        max: The greatest.
        n: Seeds.
        low: Of the mean's t interval over further seeds on the same photos; None with one seed.
        high: Its other end.
        level: Its confidence.
        sentence: The same in words.
    """

    mean: float
    sd: float | None
    min: float
    max: float
    n: int
    low: float | None
    high: float | None
    level: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class FoldSummary:
    """Accuracies over the folds of repeated cross-validation.

    Attributes:
        mean: Their mean.
        sd: Their standard deviation over folds.
        folds: Folds a repeat.
        repeats: Repeats.
        n: Scores, folds × repeats.
        low: Of the mean's interval by the corrected resampled t.
        high: Its other end.
        level: Its confidence.
        sentence: The same in words.
    """

    mean: float
    sd: float
    folds: int
    repeats: int
    n: int
    low: float
    high: float
    level: float
    sentence: str


def over_seeds(accuracies: Sequence[float] | np.ndarray, *, level: float = 0.95) -> SeedSummary:
    """Summarise accuracies over seeds.

    Raises:
        ValueError: No accuracies.

    Example:
        >>> over_seeds([0.4, 0.5, 0.6]).sentence
        '50 % on average over 3 seeds (standard deviation 10 points, 40 to 60 %)'
    """
    summary = spread(accuracies, level=level)
    sentence = f"{percent(summary.mean)} with one seed; more seeds would show how far luck goes"
    if summary.sd is not None:
        sentence = (
            f"{percent(summary.mean)} on average over {count(summary.n, 'seed')} "
            f"(standard deviation {count(round(100 * summary.sd), 'point')}, "
            f"{100 * summary.min:.0f} to {100 * summary.max:.0f} %)"
        )
    return SeedSummary(
        mean=summary.mean,
        sd=summary.sd,
        min=summary.min,
        max=summary.max,
        n=summary.n,
        low=summary.interval.low if summary.interval else None,
        high=summary.interval.high if summary.interval else None,
        level=level,
        sentence=sentence,
    )


def over_folds(
    accuracies: Sequence[float] | np.ndarray,
    *,
    folds: int,
    repeats: int,
    n_photos: int,
    n_units: int | None = None,
    level: float = 0.95,
) -> FoldSummary:
    """Summarise accuracies over the folds of repeated cross-validation.

    Args:
        accuracies: One a fold and repeat.
        folds: Folds a repeat, at least 2.
        repeats: Repeats.
        n_photos: Photos that were dealt to the folds.
        n_units: Of them, persons and sets of copies that stand alone; None where every photo does.
        level: Confidence.

    Raises:
        ValueError: Not folds × repeats accuracies.

    Example:
        >>> over_folds([0.5, 0.6, 0.4, 0.5], folds=2, repeats=2, n_photos=40).sentence
        '50 % by 2-fold cross-validation, 2 times (standard deviation over folds 8 points, \
95 % interval 21 to 79 %)'
    """
    scores = np.asarray(accuracies, dtype=float)
    if scores.size != folds * repeats or folds < 2:
        raise ValueError(f"{folds} folds × {repeats} repeats cannot have {scores.size} scores")
    n_test = n_photos / folds
    result = corrected_resampled_t(scores, n_train=n_photos - n_test, n_test=n_test, level=level)
    interval = unless_all_agree(result.interval, value=result.mean, n_units=n_units or n_photos)
    low, high = max(0.0, interval.low), min(1.0, interval.high)
    sd = float(scores.std(ddof=1))
    return FoldSummary(
        mean=result.mean,
        sd=sd,
        folds=folds,
        repeats=repeats,
        n=int(scores.size),
        low=low,
        high=high,
        level=level,
        sentence=(
            f"{percent(result.mean)} by {folds}-fold cross-validation, {count(repeats, 'time')} "
            f"(standard deviation over folds {count(round(100 * sd), 'point')}, "
            f"{100 * level:.0f} % interval {100 * low:.0f} to {100 * high:.0f} %)"
        ),
    )
