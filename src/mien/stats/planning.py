"""How many photos a question needs, and what a test set could show at best.

Pure numbers. Law: answers are the least n that suffices, in whole photos.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from mien.stats.intervals import normal_quantile, wilson
from mien.stats.paired import mcnemar_p

# Beyond this many photos, plans are not made in earnest.
_MOST = 10_000_000


def n_for_width(width: float, *, share: float = 0.5, level: float = 0.95) -> int:
    """The least number of photos whose Wilson interval is at most `width` wide.

    Args:
        width: High less low, 0 to 1.
        share: The accuracy expected; 0.5 is the worst case.
        level: Confidence.

    Raises:
        ValueError: Width or share outside 0 to 1, or a width no number of photos reaches.

    Example:
        >>> n_for_width(0.2), n_for_width(0.1), n_for_width(0.1, share=0.9)
        (93, 381, 141)
    """
    if not 0 < width < 1 or not 0 <= share <= 1:
        raise ValueError(f"needs 0 < width < 1 and 0 <= share <= 1, got {width} and {share}")

    def wide(n: int) -> bool:
        interval = wilson(share * n, n, level=level)
        return interval.high - interval.low > width

    low, high = 0, 1
    while wide(high):
        low, high = high, 2 * high
        if high > _MOST:
            raise ValueError(f"a width of {width} needs more than {_MOST} photos")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def least_discordant(*, alpha: float = 0.05, mid_p: bool = False) -> int:
    """The least difference in photos that exact McNemar can call evidence, at best.

    That is: the number of photos that one model alone must have right, and the other none, for
    p <= alpha. It does not depend on how many photos there are.

    Raises:
        ValueError: alpha outside 0 to 1.

    Example:
        >>> least_discordant(), least_discordant(alpha=0.001)
        (6, 11)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    n = 1
    while mcnemar_p(only_a=n, only_b=0, mid_p=mid_p) > alpha:
        n += 1
    return n


def n_for_difference(
    difference: float, *, discordant: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Photos on which two models must be compared for McNemar to find a true difference.

    Source: R. J. Connor, Biometrics 43 (1987) 207–211, equation 2.

    Args:
        difference: True accuracy of one less that of the other, over 0.
        discordant: Share of photos that only one of the two has right, at least `difference`.
        alpha: Two-sided.
        power: Probability of finding it.

    Raises:
        ValueError: Not 0 < difference <= discordant <= 1.

    Example:
        >>> n_for_difference(0.1, discordant=0.3)
        234
    """
    if not 0 < difference <= discordant <= 1:
        raise ValueError(
            f"needs 0 < difference <= discordant <= 1, got {difference} and {discordant}"
        )
    z_alpha, z_power = normal_quantile(1 - alpha), float(special.ndtri(power))
    spread = z_alpha * math.sqrt(discordant) + z_power * math.sqrt(discordant - difference**2)
    return math.ceil((spread / difference) ** 2)


def mcnemar_power(n: int, *, only_a: float, only_b: float, alpha: float = 0.05) -> float:
    """Probability that exact McNemar on `n` photos finds a difference.

    Sums over the number of discordant photos and, within it, over the split.

    Args:
        n: Photos.
        only_a: True share of photos that A alone has right.
        only_b: True share of photos that B alone has right.
        alpha: Two-sided.

    Raises:
        ValueError: Shares below 0 or together above 1.

    Example:
        >>> round(mcnemar_power(30, only_a=0.3, only_b=0.1), 2)
        0.31
    """
    both = only_a + only_b
    if min(only_a, only_b) < 0 or both > 1:
        raise ValueError(f"shares of discordant photos cannot be {only_a} and {only_b}")
    if both == 0:
        return 0.0
    found = 0.0
    for m in range(least_discordant(alpha=alpha), n + 1):
        # The largest count of the worse model that is still evidence, among m discordant photos.
        counts = np.arange(m // 2 + 1)
        tails = 2 * special.bdtr(counts, m, 0.5)
        most = int(np.count_nonzero(np.minimum(tails, 1) <= alpha)) - 1
        if most < 0:
            continue
        share_a = only_a / both
        within = special.bdtr(most, m, 1 - share_a) + special.bdtr(most, m, share_a)
        found += _binomial(m, n, both) * float(within)
    return found


def _binomial(k: int, n: int, share: float) -> float:
    below = float(special.bdtr(k - 1, n, share)) if k else 0.0
    return float(special.bdtr(k, n, share)) - below
