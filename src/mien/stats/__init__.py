"""Intervals, paired tests, resampling, luck and planning: pure NumPy and SciPy, no I/O.

Knows nothing of photos, models or files. docs/statistics.md says which method is used where.
"""

from mien.stats.bootstrap import bootstrap_interval, on_rows
from mien.stats.intervals import clopper_pearson, estimate, share, t_interval, wilson
from mien.stats.luck import at_least_p, best_at_least_p, expected_best, expected_best_of
from mien.stats.paired import holm, mcnemar_p, paired_difference
from mien.stats.permutation import gap_p, least_gap, widest_gap_p
from mien.stats.proportions import clustered_share, difference_interval

__all__ = [
    "at_least_p",
    "best_at_least_p",
    "bootstrap_interval",
    "clopper_pearson",
    "clustered_share",
    "difference_interval",
    "estimate",
    "expected_best",
    "expected_best_of",
    "gap_p",
    "holm",
    "least_gap",
    "mcnemar_p",
    "on_rows",
    "paired_difference",
    "share",
    "t_interval",
    "widest_gap_p",
    "wilson",
]
