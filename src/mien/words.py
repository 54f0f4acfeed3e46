"""Numbers as people read them: «19 of 30 right (63 %; 95 %: 46 to 78 %)».

Knows nothing of how the numbers came about. Law: a share is never said without its count.
"""

from __future__ import annotations

from mien.records import Estimate


def percent(share: float) -> str:
    """A share in whole percent, never «0 %» or «100 %» for what is not quite so.

    Example:
        >>> percent(0.6333), percent(0.004), percent(0.999), percent(1.0)
        ('63 %', 'under 1 %', 'over 99 %', '100 %')
    """
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """A number as people write it, never with an exponent.

    Example:
        >>> number(0.00005), number(450.0)
        ('0.00005', '450')
    """
    return f"{value:.10f}".rstrip("0").rstrip(".")


def p_value(p: float) -> str:
    """A p as it is printed.

    Example:
        >>> p_value(0.726), p_value(0.0004)
        ('p = 0.73', 'p < 0.001')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def count(n: int, noun: str) -> str:
    """A number with its noun in singular or plural.

    Example:
        >>> count(1, "photo"), count(2, "class"), count(1234, "photo")
        ('1 photo', '2 classes', '1,234 photos')
    """
    if n == 1:
        return f"1 {noun}"
    return f"{n:,} {noun}es" if noun.endswith("s") else f"{n:,} {noun}s"


def right_of(correct: int, n: int, estimate: Estimate | None) -> str:
    """How many were right, with the interval where a rate can be said.

    Example:
        >>> right_of(1, 1, None)
        '1 photo: cannot be said'
    """
    if estimate is None:
        return "no photos" if n == 0 else f"{count(n, 'photo')}: cannot be said"
    return (
        f"{correct:,} of {n:,} right ({percent(estimate.value)}; "
        f"{100 * estimate.level:.0f} % interval {span(estimate)})"
    )


def span(estimate: Estimate) -> str:
    """The ends of an interval of shares.

    Example:
        >>> span(Estimate(value=0.5, low=0.25, high=0.75, level=0.95, method="Wilson"))
        '25 to 75 %'
    """
    return f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f} %"


def listed(names: list[str] | tuple[str, ...], *, most: int = 3) -> str:
    """Names in a row, cut off after `most`.

    Example:
        >>> listed(["a", "b", "c", "d"], most=2)
        'a, b and 2 more'
    """
    if len(names) <= most:
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + "".join(names[-1:])
    return f"{', '.join(names[:most])} and {len(names) - most} more"
