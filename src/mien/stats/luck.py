"""What luck alone gives: guessing, and taking the best of many tries.

Pure numbers. Shares are 0 to 1. Law: exact, no simulation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special


def at_least_p(k: int, n: int, *, share: float) -> float:
    """Probability that guessing with accuracy `share` gets `k` or more of `n` right.

    Example:
        >>> round(at_least_p(19, 30, share=0.2), 8)
        2.8e-07
    """
    if not 0 <= k <= n:
        raise ValueError(f"k must lie between 0 and n, got k={k} and n={n}")
    return 1.0 if k == 0 else float(special.bdtrc(k - 1, n, share))


def expected_best(k: int, *, n: int, share: float) -> float:
    """Expected best accuracy of `k` equally good, independent tries on `n` photos.

    E[max] = Σ_{x=0}^{n-1} (1 − F(x)^k) / n, with F binomial.

    Source: the tail-sum of an order statistic, H. A. David and H. N. Nagaraja, Order Statistics
    (2003), equation 3.1.9 for discrete parents.

    Args:
        k: Tries.
        n: Photos.
        share: True accuracy of each try.

    Raises:
        ValueError: k or n below 1, or share outside 0 to 1.

    Example:
        >>> round(expected_best(1, n=30, share=0.5), 3)
        0.5
        >>> round(expected_best(13, n=30, share=0.5), 3)
        0.651
    """
    if k < 1 or n < 1 or not 0 <= share <= 1:
        raise ValueError(f"needs k >= 1, n >= 1 and 0 <= share <= 1, got {k}, {n}, {share}")
    below = special.bdtr(np.arange(n), n, share)
    return float(np.sum(1 - below**k) / n)


def best_at_least_p(k: int, *, n: int, share: float, correct: int) -> float:
    """Probability that the best of `k` equally good tries gets `correct` or more of `n` right.

    Example:
        >>> round(best_at_least_p(13, n=30, share=0.49, correct=19), 2)
        0.67
    """
    return float(1 - (1 - at_least_p(correct, n, share=share)) ** k)


def best_run_p(values: Sequence[float] | np.ndarray, *, k: int, at_least: float) -> float:
    """Probability that the best of `k` further runs reaches `at_least`, from measured runs.

    Further runs are predicted by Student's t around the mean of the measured ones, so that few
    measured runs claim little: P = 1 − (1 − P(T >= t))^k with t = (at_least − mean) / (s·√(1+1/n)).

    Source: the prediction interval for a further value, G. J. Hahn and W. Q. Meeker, Statistical
    Intervals (1991), 4.8.

    Args:
        values: At least 2.
        k: Further runs, at least 1.
        at_least: What the best of them should reach.

    Raises:
        ValueError: Fewer than 2 values, or k below 1.

    Example:
        >>> round(best_run_p([0.42, 0.56, 0.49, 0.45, 0.53], k=13, at_least=0.63), 2)
        0.44
    """
    data = np.asarray(values, dtype=float)
    if data.size < 2 or k < 1:
        raise ValueError(f"needs at least 2 values and k >= 1, got {data.size} values and k={k}")
    error = float(data.std(ddof=1)) * np.sqrt(1 + 1 / data.size)
    if error == 0:
        return float(data[0] >= at_least)
    one = float(special.stdtr(data.size - 1, (data.mean() - at_least) / error))
    return 1 - (1 - one) ** k


def expected_best_of(values: Sequence[float] | np.ndarray, *, k: int) -> float:
    """Expected greatest of `k` draws with replacement from measured values, such as over seeds.

    Source: J. Dodge et al., Show Your Work, EMNLP 2019, equation 6.

    Args:
        values: At least 1.
        k: Draws, at least 1.

    Raises:
        ValueError: No values, or k below 1.

    Example:
        >>> round(expected_best_of([0.0, 1.0], k=2), 2)
        0.75
    """
    data = np.sort(np.asarray(values, dtype=float))
    if data.size < 1 or k < 1:
        raise ValueError(f"needs at least 1 value and k >= 1, got {data.size} values and k={k}")
    below = (np.arange(data.size + 1) / data.size) ** k
    return float(np.sum(data * np.diff(below)))
