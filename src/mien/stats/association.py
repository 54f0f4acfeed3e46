"""How strongly two columns of a table hang together, such as class and skin group.

Pure numbers. Law: 0 is no association, 1 is complete; the bias of small tables is taken out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from mien.records import Estimate
from mien.stats.bootstrap import N_RESAMPLES
from mien.stats.intervals import check_level


def cramers_v(
    table: Int[np.ndarray, "rows columns"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
) -> Estimate:
    """Bias-corrected Cramér's V of a table of counts, with its bootstrap interval.

    Source: W. Bergsma, Journal of the Korean Statistical Society 42 (2013) 323–328, equation 8.

    Args:
        table: Counts; rows and columns that hold nothing are left out.
        rng: Draws tables anew, photo by photo, from the observed one.
        level: Confidence.
        n_resamples: How many.

    Returns:
        V, and 0 where a table has but one row or column.

    Raises:
        ValueError: A negative count, or no counts at all.

    Example:
        >>> v = cramers_v(np.array([[20, 0], [0, 20]]), rng=np.random.default_rng(0))
        >>> round(v.value, 6)
        1.0
    """
    check_level(level)
    counts = np.asarray(table)
    n = int(counts.sum())
    if np.any(counts < 0) or n == 0:
        raise ValueError("a table needs counts, none of them negative")
    value = float(_corrected_v(counts[None])[0])
    drawn = rng.multinomial(n, counts.ravel() / n, size=n_resamples).reshape(-1, *counts.shape)
    low, high = np.quantile(_corrected_v(drawn), [(1 - level) / 2, (1 + level) / 2])
    # The corrected V is cut at 0, so a resampled interval can miss a value of exactly 0 or 1.
    return Estimate(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        level=level,
        method="percentile bootstrap over photos",
    )


def _corrected_v(tables: np.ndarray) -> np.ndarray:
    """V of each table of ``(r, rows, columns)``."""
    n = tables.sum(axis=(1, 2), keepdims=True)
    rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
    expected = rows * columns / n
    parts = np.divide(
        (tables - expected) ** 2, expected, out=np.zeros(expected.shape), where=expected > 0
    )
    n_photos = n[:, 0, 0].astype(float)
    phi2 = parts.sum(axis=(1, 2)) / n_photos
    n_rows, n_columns = (rows > 0).sum(axis=(1, 2)), (columns > 0).sum(axis=(1, 2))
    free = np.maximum(n_photos - 1, 1)
    phi2 = np.maximum(0, phi2 - (n_rows - 1) * (n_columns - 1) / free)
    corrected_rows = n_rows - (n_rows - 1) ** 2 / free
    corrected_columns = n_columns - (n_columns - 1) ** 2 / free
    least = np.minimum(corrected_rows, corrected_columns) - 1
    squared = np.divide(phi2, least, out=np.zeros(phi2.shape), where=least > 0)
    v: np.ndarray = np.sqrt(np.minimum(squared, 1))
    return v
