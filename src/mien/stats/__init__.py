"""Intervals, paired tests, resampling, luck and planning: pure NumPy and SciPy, no I/O.

Knows nothing of photos, models or files. docs/statistics.md says which method is used where.
"""

from mien.stats.association import cramers_v
from mien.stats.bootstrap import bootstrap_interval, on_rows
from mien.stats.intervals import clopper_pearson, estimate, share, t_interval, wilson
from mien.stats.luck import (
    at_least_p,
    best_at_least_p,
    best_run_p,
    expected_best,
    expected_best_of,
)
from mien.stats.paired import holm, mcnemar_p, paired_difference
from mien.stats.permutation import gap_p, least_gap, widest_gap_p
from mien.stats.planning import least_discordant, mcnemar_power, n_for_difference, n_for_width
from mien.stats.proportions import clustered_share, difference_interval
from mien.stats.selection import Choice, choose, one_standard_error
from mien.stats.spread import ResampledMean, Spread, corrected_resampled_t, spread

__all__ = [
    "Choice",
    "ResampledMean",
    "Spread",
    "at_least_p",
    "best_at_least_p",
    "best_run_p",
    "bootstrap_interval",
    "choose",
    "clopper_pearson",
    "clustered_share",
    "corrected_resampled_t",
    "cramers_v",
    "difference_interval",
    "estimate",
    "expected_best",
    "expected_best_of",
    "gap_p",
    "holm",
    "least_discordant",
    "least_gap",
    "mcnemar_p",
    "mcnemar_power",
    "n_for_difference",
    "n_for_width",
    "on_rows",
    "one_standard_error",
    "paired_difference",
    "share",
    "spread",
    "t_interval",
    "widest_gap_p",
    "wilson",
]
