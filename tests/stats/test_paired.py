import numpy as np
import pytest
from scipy import stats

from mien.stats import holm, mcnemar_p, paired_difference


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (6, 0), (5, 3), (9, 9), (40, 22), (3, 17)])
def test_exact_mcnemar_is_the_binomial_test(a: int, b: int) -> None:
    expected = stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert mcnemar_p(only_a=a, only_b=b) == pytest.approx(expected)
    assert mcnemar_p(only_a=a, only_b=b) == mcnemar_p(only_a=b, only_b=a)


def test_mid_p_is_fagerlands_worked_value() -> None:
    # Fagerland, Lydersen and Laake (2013), table 1 (airway hyper-responsiveness): 1 and 7
    # discordant pairs, exact 0.0703, mid-p 0.0391.
    assert mcnemar_p(only_a=1, only_b=7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_p(only_a=1, only_b=7, mid_p=True) == pytest.approx(0.0391, abs=5e-5)


def test_mid_p_of_equal_counts_takes_off_half_their_chance() -> None:
    chance = stats.binom.pmf(4, 8, 0.5)
    assert mcnemar_p(only_a=4, only_b=4, mid_p=True) == pytest.approx(1 - chance / 2)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar_p(only_a=-1, only_b=0)


def test_holm_is_statsmodels() -> None:
    # statsmodels 0.14: multipletests([0.01, 0.04, 0.03, 0.005, 0.2], method="holm")[1]
    assert holm([0.01, 0.04, 0.03, 0.005, 0.2]) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2])


def test_holm_keeps_ties_and_the_order_of_ps() -> None:
    adjusted = holm([0.5, 0.001, 0.5])
    assert adjusted.tolist() == pytest.approx([1.0, 0.003, 1.0])
    assert holm([]).size == 0


def test_holm_errs_at_all_in_at_most_5_percent_when_nothing_is_true() -> None:
    p = np.random.default_rng(0).random((2000, 22))
    wrong = np.mean([holm(row).min() <= 0.05 for row in p])
    assert wrong <= 0.065


def test_holm_refuses_what_is_no_probability() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.1, 1.2])


def test_photos_are_drawn_for_both_models_at_once() -> None:
    right = np.random.default_rng(0).random(50) < 0.5
    interval = paired_difference(right, correct_b=right, rng=np.random.default_rng(0))
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_the_paired_interval_covers_the_true_difference() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        difficulty = rng.random(80)
        a, b = difficulty < 0.6, (difficulty + 0.3 * rng.random(80)) % 1 < 0.6
        interval = paired_difference(a, correct_b=b, rng=rng)
        hits += interval.low <= 0 <= interval.high
    assert hits / 300 == pytest.approx(0.95, abs=0.03)


def test_unlike_lengths_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="3 photos cannot be paired with 2"):
        paired_difference(
            np.ones(3, dtype=bool), correct_b=np.ones(2, dtype=bool), rng=np.random.default_rng(0)
        )
