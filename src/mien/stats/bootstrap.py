"""Bootstrap intervals over photos, or over clusters of photos that belong together.

Knows nothing of what a statistic means. Law: a resample is a row of weights, how often each photo
was drawn, and a statistic takes many rows at once, ``(r, n) -> (r,)``. Photos of one cluster
(one person) are always drawn together.

Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14;
over clusters: A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application (1997), 3.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from mien.records import Interval
from mien.stats.intervals import check_level

Method: TypeAlias = Literal["percentile", "bca"]
Statistic: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Weights ``(r, n)`` to one number a row ``(r,)``; NaN where a resample does not define it."""

# 2,000 resamples leave a Monte Carlo error of about 0.2 points of coverage in each end.
N_RESAMPLES = 2000
# Rows of weights held at once: 2,000 photos × 500 rows are 8 MB.
_ROWS_AT_ONCE = 500


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    rng: np.random.Generator,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    method: Method = "percentile",
) -> Interval:
    """The interval of a statistic of `n` photos, by drawing them anew with replacement.

    Args:
        statistic: See `Statistic`; wrap a plain function of drawn rows in `on_rows`.
        n: Photos.
        rng: Draws the resamples.
        clusters: Name of each photo's cluster, or None where photos are independent.
        level: Confidence.
        n_resamples: How many.
        method: Quantiles of the resamples, or the same bias-corrected and accelerated (BCa).

    Raises:
        ValueError: n < 1, level outside (0, 1), clusters not of length n, or a statistic that is
            defined in no resample.

    Example:
        >>> right = np.array([1, 1, 0, 1, 0, 1, 1, 1])
        >>> interval = bootstrap_interval(
        ...     lambda weights: weights @ right / weights.sum(axis=1),
        ...     8,
        ...     rng=np.random.default_rng(0),
        ... )
        >>> interval.low, interval.high
        (0.375, 1.0)
    """
    check_level(level)
    if n < 1:
        raise ValueError(f"a bootstrap needs at least 1 photo, got {n}")
    units = cluster_numbers(clusters, n=n)
    values = _resampled(statistic, units, rng=rng, n_resamples=n_resamples)
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise ValueError("the statistic is defined in no resample")
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        tails = _bca_tails(statistic, units, values=values, tails=tails)
    low, high = np.quantile(values, tails)
    over = "photos" if clusters is None else "clusters"
    name = "BCa" if method == "bca" else "percentile"
    return Interval(
        low=float(low), high=float(high), level=level, method=f"{name} bootstrap over {over}"
    )


def on_rows(function: Callable[[Int[np.ndarray, " m"]], float]) -> Statistic:
    """Make a statistic of a function of the drawn rows' numbers, such as one of scikit-learn's.

    Slower than a statistic that takes weights: it is called once a resample.

    Example:
        >>> values = np.array([1.0, 2.0, 4.0])
        >>> statistic = on_rows(lambda rows: float(np.median(values[rows])))
        >>> statistic(np.array([[2, 0, 1]]))
        array([1.])
    """

    def statistic(weights: np.ndarray) -> np.ndarray:
        rows = np.arange(weights.shape[1])
        return np.array([function(np.repeat(rows, row)) for row in weights], dtype=float)

    return statistic


def cluster_numbers(clusters: Sequence[str] | None, *, n: int) -> Int[np.ndarray, " n"]:
    """A number for each photo's cluster, from 0; each photo its own where `clusters` is None.

    Raises:
        ValueError: clusters are not of length n.
    """
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise ValueError(f"{n} photos need {n} clusters, got {len(clusters)}")
    numbers: Int[np.ndarray, " n"] = np.unique(
        np.asarray(clusters, dtype=str), return_inverse=True
    )[1]
    return numbers


def _resampled(
    statistic: Statistic, units: np.ndarray, *, rng: np.random.Generator, n_resamples: int
) -> Float[np.ndarray, " r"]:
    n_units = int(units.max()) + 1
    parts = []
    for start in range(0, n_resamples, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, n_resamples - start)
        drawn = _drawn(rows, n_units, rng)
        parts.append(np.asarray(statistic(drawn[:, units]), dtype=float))
    return np.concatenate(parts)


def _drawn(rows: int, n_units: int, rng: np.random.Generator) -> Int[np.ndarray, "rows units"]:
    # Drawing units and counting them is some ten times faster than rng.multinomial.
    units = rng.integers(n_units, size=(rows, n_units)) + n_units * np.arange(rows)[:, None]
    return np.bincount(units.ravel(), minlength=rows * n_units).reshape(rows, n_units)


def _bca_tails(
    statistic: Statistic, units: np.ndarray, *, values: np.ndarray, tails: np.ndarray
) -> np.ndarray:
    # Efron and Tibshirani (1993), equations 14.9 to 14.15; ties count half, as the statistics here
    # are shares with many of them.
    observed = float(statistic(np.ones((1, units.size), dtype=int))[0])
    below = np.mean(values < observed) + np.mean(values == observed) / 2
    edge = 1 / (2 * values.size)
    bias = special.ndtri(np.clip(below, edge, 1 - edge))
    left_out = np.asarray(statistic((units != np.arange(units.max() + 1)[:, None]).astype(int)))
    left_out = left_out[np.isfinite(left_out)]
    spread = left_out.mean() - left_out if left_out.size else np.zeros(1)
    scale = 6 * np.sum(spread**2) ** 1.5
    acceleration = np.sum(spread**3) / scale if scale > 0 else 0.0
    shifted = bias + special.ndtri(tails)
    moved: np.ndarray = special.ndtr(bias + shifted / (1 - acceleration * shifted))
    return moved
