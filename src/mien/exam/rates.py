"""The one place that decides whether a rate can be said, and with which interval.

Knows nothing of classes or groups. Law: fewer than `LEAST_N` independent photos give no rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mien.records import Estimate
from mien.stats import clustered_share, share

# With fewer photos, Wilson's 95 % interval covers at least half of 0 to 100 % whatever the outcome:
# its shortest length is z² / (n + z²), which is under 1/2 only from n > z² = 3.84.
LEAST_N = 4


def rate(correct: Bool[np.ndarray, " n"], *, clusters: Sequence[str] | None) -> Estimate:
    """The share of True with its interval, over clusters where there are some.

    Raises:
        ValueError: No photos.
    """
    if clusters is None:
        return share(int(correct.sum()), int(correct.size))
    return clustered_share(correct, clusters=clusters)


def rate_of_rows(
    correct: Bool[np.ndarray, " n"],
    *,
    rows: Sequence[int] | np.ndarray,
    clusters: Sequence[str] | None,
) -> Estimate | None:
    """The rate of some of the photos, None where there are too few independent ones to say."""
    if len(rows) == 0:
        return None
    names = None if clusters is None else [clusters[row] for row in rows]
    n_independent = len(rows) if names is None else len(set(names))
    return rate(correct[rows], clusters=names) if n_independent >= LEAST_N else None
