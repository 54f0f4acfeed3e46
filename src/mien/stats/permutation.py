"""Permutation tests for gaps between groups: would shuffled groups lie as far apart?

Pure numbers. Law: p counts the observed arrangement itself, so it is never 0 and never too small.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from mien.stats.bootstrap import cluster_numbers

# 9,999 shuffles put the standard error of p = 0.05 at 0.002.
N_PERMUTATIONS = 9999
# Gaps are ratios of counts: equal ones may differ by rounding.
_TIE = 1e-12


def gap_p(*, correct_a: int, n_a: int, correct_b: int, n_b: int) -> float:
    """Exact two-sided permutation p of the gap between two groups' shares.

    Of all ways to deal the right answers to the photos, the share in which the groups lie at least
    as far apart; no shuffling is needed, as the number right in the first group is hypergeometric.

    Source: E. J. G. Pitman, JRSS Supplement 4 (1937) 119–130; the distribution is Fisher's (1935).

    Raises:
        ValueError: Not 0 <= correct <= n, or an empty group.

    Example:
        >>> round(gap_p(correct_a=4, n_a=4, correct_b=0, n_b=4), 4)
        0.0286
    """
    _check_group(correct_a, n_a)
    _check_group(correct_b, n_b)
    gaps, chances = _deals(n_a, n_b, correct_a + correct_b)
    observed = abs(correct_a / n_a - correct_b / n_b)
    return min(1.0, float(chances[gaps >= observed - _TIE].sum()))


def least_gap(*, n_correct: int, n_a: int, n_b: int, alpha: float = 0.05) -> float | None:
    """The least gap at which `gap_p` is at most `alpha`, with so many right in both together.

    None where no arrangement reaches it.

    Example:
        >>> least_gap(n_correct=4, n_a=4, n_b=4)
        1.0
        >>> least_gap(n_correct=3, n_a=3, n_b=3) is None
        True
    """
    gaps, chances = _deals(n_a, n_b, n_correct)
    order = np.argsort(-gaps, kind="stable")
    gaps, reached = gaps[order], np.cumsum(chances[order])
    # Gaps that tie share the whole of their probability.
    p = np.array([reached[np.flatnonzero(gaps >= gap - _TIE)[-1]] for gap in gaps])
    shown = gaps[p <= alpha + _TIE]
    return float(shown.min()) if shown.size else None


def widest_gap_p(
    correct: Float[np.ndarray, " n"],
    *,
    groups: Sequence[str],
    rng: np.random.Generator,
    clusters: Sequence[str] | None = None,
    n_permutations: int = N_PERMUTATIONS,
) -> float:
    """Permutation p of the widest gap between the mean of any two groups.

    With clusters (persons) whole clusters change groups, as their photos are alike; where a cluster
    has photos in several groups, that is not possible, and photos are shuffled.

    Source: B. Phipson and G. K. Smyth, Statistical Applications in Genetics and Molecular Biology
    9:39 (2010): p = (b + 1) / (m + 1).

    Args:
        correct: 1 or 0 a photo, or any score.
        groups: The group of each photo.
        rng: Shuffles.
        clusters: Name of each photo's cluster, or None.
        n_permutations: How many shuffles.

    Returns:
        p, and 1 with fewer than two groups.

    Example:
        >>> widest_gap_p(
        ...     np.array([1.0] * 8 + [0.0] * 8),
        ...     groups=["a"] * 8 + ["b"] * 8,
        ...     rng=np.random.default_rng(0),
        ... )
        0.0002
    """
    values = np.asarray(correct, dtype=float)
    numbers = cluster_numbers(list(groups), n=values.size)
    n_groups = int(numbers.max()) + 1 if numbers.size else 0
    if n_groups < 2:
        return 1.0
    units, group_of = _exchangeable(numbers, cluster_numbers(clusters, n=values.size))
    totals, sizes = np.bincount(units, weights=values), np.bincount(units)
    observed = _widest(totals, sizes, group_of[None], n_groups)[0]
    n_beyond = 0
    for start in range(0, n_permutations, 500):
        rows = min(500, n_permutations - start)
        shuffled = rng.permuted(np.tile(group_of, (rows, 1)), axis=1)
        n_beyond += int(np.sum(_widest(totals, sizes, shuffled, n_groups) >= observed - _TIE))
    return (n_beyond + 1) / (n_permutations + 1)


def _exchangeable(
    numbers: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]
) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each photo, and the group of each unit."""
    first = np.unique(clusters, return_index=True)[1]
    group_of = numbers[first]
    if np.array_equal(group_of[clusters], numbers):
        return clusters, group_of
    return np.arange(numbers.size), numbers


def _widest(
    totals: np.ndarray, sizes: np.ndarray, group_of: np.ndarray, n_groups: int
) -> Float[np.ndarray, " r"]:
    # Sizes differ between clusters, so a shuffled group's size does too; it is never empty, as each
    # group keeps its number of units.
    means = [
        ((group_of == g) @ totals) / np.maximum((group_of == g) @ sizes, 1) for g in range(n_groups)
    ]
    gap: Float[np.ndarray, " r"] = np.max(means, axis=0) - np.min(means, axis=0)
    return gap


def _deals(n_a: int, n_b: int, n_correct: int) -> tuple[np.ndarray, np.ndarray]:
    """All gaps that dealing `n_correct` right answers can give, and their probabilities."""
    k = np.arange(max(0, n_correct - n_b), min(n_a, n_correct) + 1)
    log_chance = _log_choose(n_a, k) + _log_choose(n_b, n_correct - k)
    chances = np.exp(log_chance - _log_choose(n_a + n_b, np.asarray(n_correct)))
    return np.abs(k / n_a - (n_correct - k) / n_b), chances


def _log_choose(n: int, k: np.ndarray) -> np.ndarray:
    value: np.ndarray = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return value


def _check_group(correct: int, n: int) -> None:
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"a group needs 0 <= correct <= n and n >= 1, got {correct} of {n}")
