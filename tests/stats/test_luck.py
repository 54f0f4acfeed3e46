import numpy as np
import pytest
from scipy import stats

from mien.stats import at_least_p, best_at_least_p, best_run_p, expected_best, expected_best_of


def test_the_best_by_luck_is_what_simulation_gives() -> None:
    drawn = np.random.default_rng(0).binomial(30, 0.49, size=(100_000, 13)).max(axis=1)
    assert expected_best(13, n=30, share=0.49) == pytest.approx(drawn.mean() / 30, abs=0.001)
    assert best_at_least_p(13, n=30, share=0.49, correct=19) == pytest.approx(
        np.mean(drawn >= 19), abs=0.005
    )


def test_one_try_gives_the_share_itself() -> None:
    assert expected_best(1, n=30, share=0.2) == pytest.approx(0.2)
    assert expected_best(5, n=30, share=0) == 0
    assert expected_best(5, n=30, share=1) == 1


def test_more_tries_never_give_less() -> None:
    best = [expected_best(k, n=30, share=0.5) for k in range(1, 50)]
    assert np.all(np.diff(best) > 0)


def test_guessing_is_scipys_binomial_tail() -> None:
    for k in (0, 1, 6, 19, 30):
        expected = stats.binom.sf(k - 1, 30, 0.2)
        assert at_least_p(k, 30, share=0.2) == pytest.approx(expected)


def test_the_best_of_measured_values_is_what_drawing_gives() -> None:
    values = np.random.default_rng(1).normal(0.49, 0.07, size=20)
    drawn = np.random.default_rng(2).choice(values, size=(50_000, 22)).max(axis=1)
    assert expected_best_of(values, k=22) == pytest.approx(drawn.mean(), abs=0.001)
    assert expected_best_of(values, k=1) == pytest.approx(values.mean())


def test_the_chance_of_a_further_run_is_uniform_however_few_were_measured() -> None:
    rng = np.random.default_rng(3)
    p = []
    for _ in range(2000):
        *measured, further = rng.normal(0.49, 0.07, size=6)
        p.append(best_run_p(measured, k=1, at_least=further))
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_more_further_runs_reach_higher() -> None:
    values = [0.42, 0.56, 0.49, 0.45, 0.53]
    one = best_run_p(values, k=1, at_least=0.63)
    assert best_run_p(values, k=13, at_least=0.63) == pytest.approx(1 - (1 - one) ** 13)
    assert best_run_p([0.5, 0.5], k=9, at_least=0.5) == 1
    assert best_run_p([0.5, 0.5], k=9, at_least=0.6) == 0


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="k >= 1"):
        expected_best(0, n=30, share=0.5)
    with pytest.raises(ValueError, match="at least 1 value"):
        expected_best_of([], k=2)
    with pytest.raises(ValueError, match="between 0 and n"):
        at_least_p(31, 30, share=0.5)
    with pytest.raises(ValueError, match="at least 2 values"):
        best_run_p([0.5], k=2, at_least=0.6)
