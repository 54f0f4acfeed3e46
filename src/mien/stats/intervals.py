"""Intervals for a share and for a mean.

Pure numbers in, `Interval` out; knows nothing of photos or models. Shares are 0 to 1.
Law: an interval for k of n always contains k / n and never leaves 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from mien.records import Estimate, Interval


def wilson(k: float, n: float, *, level: float = 0.95) -> Interval:
    """Wilson's score interval for a share of which `k` of `n` were seen.

    Its mean coverage is close to nominal even for small n, where the textbook's p ± 1.96·SE fails.

    Source: E. B. Wilson, JASA 22 (1927) 209–212; recommended for small n by Brown, Cai and
    DasGupta, Statistical Science 16 (2001) 101–133, equation 4.

    Args:
        k: Seen; need not be whole where `n` is an effective number.
        n: Of so many; 0 gives 0 to 1.
        level: Confidence.

    Raises:
        ValueError: Not 0 <= k <= n, or level outside (0, 1).

    Example:
        >>> interval = wilson(19, 30)
        >>> round(interval.low, 3), round(interval.high, 3)
        (0.455, 0.781)
    """
    _check(k, n, level)
    if n == 0:
        return Interval(low=0.0, high=1.0, level=level, method="Wilson")
    z = normal_quantile(level)
    share, shrink = k / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The ends are exactly 0 and 1 at k = 0 and k = n; rounding must not leave a trace of 1e-17.
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(low=low, high=high, level=level, method="Wilson")


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> Interval:
    """Clopper and Pearson's exact interval: covers at least `level` for every true share.

    Use it where being wrong is worse than being wide.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404–413, by beta quantiles.

    Raises:
        ValueError: Not 0 <= k <= n, or level outside (0, 1).

    Example:
        >>> interval = clopper_pearson(0, 10)
        >>> interval.low, round(interval.high, 3)
        (0.0, 0.308)
    """
    _check(k, n, level)
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low=low, high=high, level=level, method="Clopper-Pearson")


def share(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """The share k / n with its Wilson interval.

    Raises:
        ValueError: n is 0, or as `wilson`.

    Example:
        >>> share(3, 4).value
        0.75
    """
    if n < 1:
        raise ValueError("a share of 0 photos is not defined")
    return estimate(k / n, wilson(k, n, level=level))


def t_interval(values: Sequence[float] | np.ndarray, *, level: float = 0.95) -> Interval:
    """Student's interval for the mean of independent values, such as accuracies over seeds.

    Source: Student, Biometrika 6 (1908) 1–25.

    Args:
        values: At least 2.
        level: Its confidence.

    Raises:
        ValueError: Fewer than 2 values, or level outside (0, 1).

    Example:
        >>> interval = t_interval([1.0, 2.0, 3.0])
        >>> round(interval.low, 2), round(interval.high, 2)
        (-0.48, 4.48)
    """
    data = np.asarray(values, dtype=float)
    check_level(level)
    if data.size < 2:
        raise ValueError(f"an interval for a mean needs at least 2 values, got {data.size}")
    half = t_quantile(level, df=data.size - 1) * float(data.std(ddof=1)) / math.sqrt(data.size)
    mean = float(data.mean())
    return Interval(low=mean - half, high=mean + half, level=level, method="t")


def estimate(value: float, interval: Interval) -> Estimate:
    """A figure together with its interval."""
    return Estimate(
        value=value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        method=interval.method,
    )


def normal_quantile(level: float) -> float:
    """Z with P(|Z| <= z) = level: 1.96 for 0.95."""
    check_level(level)
    return float(special.ndtri((1 + level) / 2))


def t_quantile(level: float, *, df: float) -> float:
    """T with P(|T| <= t) = level for Student's distribution with `df` degrees of freedom."""
    check_level(level)
    return float(special.stdtrit(df, (1 + level) / 2))


def check_level(level: float) -> None:
    """Raise a `ValueError` where `level` is not a confidence."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def _check(k: float, n: float, level: float) -> None:
    check_level(level)
    if not 0 <= k <= n:
        raise ValueError(f"k must lie between 0 and n, got k={k} and n={n}")
