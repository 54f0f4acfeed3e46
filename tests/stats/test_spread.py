import numpy as np
import pytest
from scipy import stats

from mien.stats import corrected_resampled_t, spread


def test_a_spread_is_mean_sd_and_ends() -> None:
    result = spread([0.4, 0.5, 0.9])
    assert (result.min, result.max, result.n) == (0.4, 0.9, 3)
    assert result.mean == pytest.approx(0.6)
    assert result.sd == pytest.approx(np.std([0.4, 0.5, 0.9], ddof=1))


def test_one_value_has_no_sd() -> None:
    result = spread([0.4])
    assert result.sd is None
    assert result.interval is None


def test_without_overlap_the_corrected_t_is_students() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.2, size=12)
    theirs = stats.ttest_1samp(values, 0)
    ours = corrected_resampled_t(values, n_train=1e12, n_test=1)
    assert ours.t == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval()
    assert (ours.interval.low, ours.interval.high) == pytest.approx((low, high))


def test_ten_times_ten_fold_divides_by_a_hundredth_and_a_ninth() -> None:
    # Bouckaert and Frank (2004): t = mean / sqrt((1/100 + 1/9) s²), 99 degrees of freedom.
    values = np.random.default_rng(1).normal(0.02, 0.05, size=100)
    ours = corrected_resampled_t(values, n_train=90, n_test=10)
    by_hand = values.mean() / np.sqrt((1 / 100 + 1 / 9) * values.var(ddof=1))
    assert ours.t == pytest.approx(by_hand)
    assert ours.df == 99


def test_equal_values_have_no_t() -> None:
    same = corrected_resampled_t([0.0, 0.0], n_train=9, n_test=1)
    assert (same.t, same.p) == (None, 1.0)
    assert corrected_resampled_t([0.1, 0.1], n_train=9, n_test=1).p == 0.0


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 value"):
        spread([])
    with pytest.raises(ValueError, match="at least 2 values"):
        corrected_resampled_t([0.1], n_train=9, n_test=1)
