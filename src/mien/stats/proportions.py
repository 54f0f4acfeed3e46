"""Shares whose photos belong together, and the difference between two shares.

Pure numbers. Law: photos of one person are not independent evidence; an interval over clusters is
never narrower than the one over photos.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mien.records import Estimate, Interval
from mien.stats.bootstrap import cluster_numbers
from mien.stats.intervals import estimate, wilson


def clustered_share(
    correct: Bool[np.ndarray, " n"], *, clusters: Sequence[str], level: float = 0.95
) -> Estimate:
    """The share of True with Wilson's interval at the effective number of photos.

    The effective number is n divided by the design effect, the variance of the share over clusters
    divided by that over photos, and at least the number of clusters' worth where all agree.

    Source: J. N. K. Rao and A. J. Scott, Biometrics 48 (1992) 577–585, equation 3, put into
    Wilson's interval.

    Raises:
        ValueError: No photos, or clusters of another length.

    Example:
        >>> same_person_thrice = clustered_share(
        ...     np.array([True, True, True, False]), clusters=["p", "p", "p", "q"]
        ... )
        >>> same_person_thrice.high - same_person_thrice.low > 0.65
        True
    """
    n = int(correct.size)
    if n < 1:
        raise ValueError("a share of 0 photos is not defined")
    units = cluster_numbers(clusters, n=n)
    value = float(correct.mean())
    n_effective = _effective(correct.astype(float), units=units)
    interval = wilson(value * n_effective, n_effective, level=level)
    many = int(units.max()) + 1 == n
    method = interval.method if many else "Wilson over clusters"
    return estimate(
        value, Interval(low=interval.low, high=interval.high, level=level, method=method)
    )


def unless_all_agree(interval: Interval, *, value: float, n_units: int) -> Interval:
    """An interval from resampling, but Wilson's where all agree and nothing is left to resample.

    Sixty right of sixty do not prove that every photo will be: resampled, they always give 100 %.

    Args:
        interval: Of a share, or of a score between 0 and 1 that is a share's mean over classes.
        value: The share; 0 or 1 where all agree.
        n_units: Photos, or persons and sets of copies, that stand alone.

    Example:
        >>> flat = Interval(low=1.0, high=1.0, level=0.95, method="percentile bootstrap")
        >>> round(unless_all_agree(flat, value=1.0, n_units=60).low, 3)
        0.94
    """
    if value not in (0, 1):
        return interval
    return wilson(value * n_units, n_units, level=interval.level)


def difference_interval(a: Estimate, b: Estimate) -> Interval:
    """Interval of share A less share B of different photos, from their own intervals.

    With Wilson's intervals this is Newcombe's hybrid score interval.

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10; for any intervals
    (MOVER), G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008) 1693–1702.

    Raises:
        ValueError: The two are of different levels.

    Example:
        >>> from mien.stats.intervals import share
        >>> interval = difference_interval(share(56, 70), share(48, 80))
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0524, 0.3339)
    """
    if a.level != b.level:
        raise ValueError(f"intervals of levels {a.level} and {b.level} cannot be joined")
    gap = a.value - b.value
    low = gap - math.hypot(a.value - a.low, b.high - b.value)
    high = gap + math.hypot(a.high - a.value, b.value - b.low)
    return Interval(low=max(-1.0, low), high=min(1.0, high), level=a.level, method="Newcombe")


def _effective(correct: np.ndarray, *, units: np.ndarray) -> float:
    n, n_units = correct.size, int(units.max()) + 1
    if n_units == n:
        return float(n)
    share = correct.mean()
    if n_units == 1 or share in (0, 1):
        return float(n_units)
    # Linearised variance of a ratio of cluster totals, over that of n independent photos.
    residuals = np.bincount(units, weights=correct - share)
    over_clusters = n_units / (n_units - 1) * np.sum(residuals**2) / n**2
    design_effect = over_clusters / (share * (1 - share) / n)
    return float(min(n, n / design_effect)) if design_effect > 0 else float(n)
