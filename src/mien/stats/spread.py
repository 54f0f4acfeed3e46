"""How far figures scatter: over seeds, and over the folds of repeated cross-validation.

Pure numbers. Law: folds share training photos, so their scores are not independent and the plain
t interval over them is too short; only the corrected one is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from mien.records import Interval
from mien.stats.intervals import t_interval, t_quantile


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The scatter of a figure over independent repetitions.

    Attributes:
        mean: Their mean.
        sd: Their standard deviation (n − 1); None for one value.
        min: The least.
        max: The greatest.
        n: How many.
        interval: Student's, for the mean; None for one value.
    """

    mean: float
    sd: float | None
    min: float
    max: float
    n: int
    interval: Interval | None


def spread(values: Sequence[float] | np.ndarray, *, level: float = 0.95) -> Spread:
    """Summarise independent repetitions, such as accuracies over seeds.

    The interval is that of the mean over further seeds on the same photos; it knows nothing of
    how the figure would change with other photos.

    Raises:
        ValueError: No values.

    Example:
        >>> summary = spread([0.4, 0.5, 0.6])
        >>> round(summary.mean, 3), round(summary.sd, 3), summary.n
        (0.5, 0.1, 3)
    """
    data = np.asarray(values, dtype=float)
    if data.size == 0:
        raise ValueError("a spread needs at least 1 value")
    several = data.size > 1
    return Spread(
        mean=float(data.mean()),
        sd=float(data.std(ddof=1)) if several else None,
        min=float(data.min()),
        max=float(data.max()),
        n=int(data.size),
        interval=t_interval(data, level=level) if several else None,
    )


@dataclass(frozen=True, kw_only=True)
class ResampledMean:
    """The mean over folds of repeated cross-validation.

    Attributes:
        mean: Mean of the values.
        standard_error: Corrected for training sets that overlap.
        t: mean / standard_error; None where all values are equal.
        df: Degrees of freedom.
        p: Two-sided, that the true mean is 0.
        interval: For the true mean.
    """

    mean: float
    standard_error: float
    t: float | None
    df: int
    p: float
    interval: Interval


def corrected_resampled_t(
    values: Sequence[float] | np.ndarray, *, n_train: float, n_test: float, level: float = 0.95
) -> ResampledMean:
    """Test and interval for a mean over folds: of scores, or of differences between two models.

    The variance of the mean is s²·(1/J + n_test/n_train) rather than s²/J.

    Source: C. Nadeau and Y. Bengio, Machine Learning 52 (2003) 239–281, equation 26; for repeated
    k-fold cross-validation R. R. Bouckaert and E. Frank, PAKDD 2004.

    Args:
        values: One a fold, J in all, at least 2.
        n_train: Photos trained on in each (their mean).
        n_test: Photos tested on in each (their mean).
        level: Confidence.

    Raises:
        ValueError: Fewer than 2 values, or no photos.

    Example:
        >>> result = corrected_resampled_t([0.1, 0.0, 0.2, 0.1], n_train=90, n_test=10)
        >>> round(result.t, 3), result.df, round(result.p, 3)
        (2.038, 3, 0.134)
    """
    data = np.asarray(values, dtype=float)
    if data.size < 2 or n_train <= 0 or n_test <= 0:
        raise ValueError(
            f"needs at least 2 values and photos to train and test on, "
            f"got {data.size} values, {n_train} and {n_test} photos"
        )
    mean, df = float(data.mean()), int(data.size) - 1
    error = float(data.std(ddof=1)) * math.sqrt(1 / data.size + n_test / n_train)
    half = t_quantile(level, df=df) * error
    t = mean / error if error > 0 else None
    return ResampledMean(
        mean=mean,
        standard_error=error,
        t=t,
        df=df,
        p=float(mean == 0) if t is None else two_sided_t_p(t, df=df),
        interval=Interval(
            low=mean - half, high=mean + half, level=level, method="corrected resampled t"
        ),
    )


def two_sided_t_p(t: float, *, df: float) -> float:
    """P(|T| >= |t|) for Student's distribution with `df` degrees of freedom."""
    return float(2 * special.stdtr(df, -abs(t)))
