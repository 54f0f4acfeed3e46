import numpy as np
import pytest
from scipy import stats

from mien.stats import clopper_pearson, estimate, share, t_interval, wilson


@pytest.mark.parametrize("n", [1, 2, 7, 30, 250, 5000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_wilson_and_clopper_pearson_are_scipys(n: int, level: float) -> None:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        test = stats.binomtest(k, n)
        for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
            theirs = test.proportion_ci(confidence_level=level, method=method)
            interval = ours(k, n, level=level)
            assert interval.low == pytest.approx(theirs.low, abs=1e-12)
            assert interval.high == pytest.approx(theirs.high, abs=1e-12)
            assert 0 <= interval.low <= k / n <= interval.high <= 1


def test_none_right_and_all_right_end_exactly_at_0_and_1() -> None:
    assert wilson(0, 30).low == 0.0
    assert wilson(30, 30).high == 1.0


def test_without_photos_anything_is_possible() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_wilson_covers_95_percent_on_average_and_clopper_pearson_always() -> None:
    # Exact coverage by summing the binomial, no simulation.
    n = 30
    shares = np.linspace(0.02, 0.98, 97)
    k = np.arange(n + 1)
    chances = stats.binom.pmf(k, n, shares[:, None])
    for method, least in ((wilson, None), (clopper_pearson, 0.95)):
        ends = [(i.low, i.high) for i in (method(int(x), n) for x in k)]
        inside = np.array([[low <= p <= high for low, high in ends] for p in shares])
        coverage = (chances * inside).sum(axis=1)
        if least is None:
            assert coverage.mean() == pytest.approx(0.95, abs=0.015)
        else:
            assert coverage.min() >= least


def test_t_interval_is_scipys() -> None:
    values = np.array([0.43, 0.5, 0.47, 0.61, 0.39])
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    ours = t_interval(values, level=0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_an_estimate_carries_the_intervals_method() -> None:
    assert estimate(0.5, wilson(1, 2)).method == "Wilson"
    assert share(1, 2).value == 0.5


@pytest.mark.parametrize(("k", "n", "level"), [(-1, 3, 0.95), (4, 3, 0.95), (1, 3, 0), (1, 3, 1)])
def test_impossible_counts_and_levels_are_refused(k: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        wilson(k, n, level=level)


def test_a_share_of_nothing_and_a_mean_of_one_are_refused() -> None:
    with pytest.raises(ValueError, match="0 photos"):
        share(0, 0)
    with pytest.raises(ValueError, match="at least 2 values, got 1"):
        t_interval([0.5])
