"""Two models on the same photos, and many comparisons at once.

Pure numbers. Law: what is compared are the discordant photos, those that one model has right and
the other wrong; photos on which both agree say nothing about which is better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from mien.records import Interval
from mien.stats.bootstrap import bootstrap_interval


def mcnemar_p(*, only_a: int, only_b: int, mid_p: bool = False) -> float:
    """Two-sided p that models A and B err equally often, from the photos only one has right.

    Exact by default: never too small. `mid_p` counts the observed outcome half: nearer to nominal,
    no longer guaranteed.

    Source: Q. McNemar, Psychometrika 12 (1947) 153–157; exact and mid-p forms in M. W. Fagerland,
    S. Lydersen and P. Laake, BMC Medical Research Methodology 13:91 (2013).

    Args:
        only_a: Photos that A alone has right.
        only_b: Photos that B alone has right.
        mid_p: Whether to use the mid-p form.

    Raises:
        ValueError: A negative count.

    Example:
        >>> mcnemar_p(only_a=6, only_b=0)
        0.03125
        >>> mcnemar_p(only_a=6, only_b=0, mid_p=True)
        0.015625
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"counts cannot be negative, got {only_a} and {only_b}")
    n, least = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    # P(|D| > d) and P(|D| = d) for D the difference between the counts, each photo a fair coin.
    tail = float(special.bdtr(least, n, 0.5))
    point = tail - (float(special.bdtr(least - 1, n, 0.5)) if least else 0.0)
    equal = point if only_a == only_b else 2 * point
    beyond = 1 - point if only_a == only_b else 2 * (tail - point)
    return min(1.0, beyond + (equal / 2 if mid_p else equal))


def paired_difference(
    correct_a: Bool[np.ndarray, " n"],
    *,
    correct_b: Bool[np.ndarray, " n"],
    rng: np.random.Generator,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
) -> Interval:
    """Bootstrap interval of accuracy A less accuracy B, photos drawn for both at once.

    Args:
        correct_a: Which photos A has right.
        correct_b: Which photos B has right, in the same order.
        rng: Draws the resamples.
        clusters: As in `bootstrap_interval`.
        level: Confidence.

    Raises:
        ValueError: Not of one length.

    Example:
        >>> a, b = np.array([True] * 9 + [False]), np.array([True] * 5 + [False] * 5)
        >>> interval = paired_difference(a, correct_b=b, rng=np.random.default_rng(0))
        >>> interval.low > 0
        True
    """
    if correct_a.shape != correct_b.shape:
        raise ValueError(f"{correct_a.size} photos cannot be paired with {correct_b.size}")
    difference = correct_a.astype(float) - correct_b.astype(float)
    return bootstrap_interval(
        lambda weights: weights @ difference / weights.sum(axis=1),
        difference.size,
        rng=rng,
        clusters=clusters,
        level=level,
    )


def holm(p_values: Sequence[float] | np.ndarray) -> Float[np.ndarray, " m"]:
    """Adjusted p-values: rejecting those at most α errs even once with probability at most α.

    Holds whatever the dependence between the tests.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.

    Raises:
        ValueError: A p outside 0 to 1.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    if p.size and not (np.all(p >= 0) and np.all(p <= 1)):
        raise ValueError("p-values lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
