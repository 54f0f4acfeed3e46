import numpy as np
import pytest
from scipy import stats

from mien.stats import cramers_v

TABLE = np.array([[12, 3, 5], [4, 14, 6]])


def test_v_is_bergsmas_formula_on_scipys_chi_square() -> None:
    chi2 = stats.chi2_contingency(TABLE, correction=False).statistic
    n, (r, c) = TABLE.sum(), TABLE.shape
    phi2 = max(0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    r_, c_ = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    expected = np.sqrt(phi2 / min(r_ - 1, c_ - 1))
    v = cramers_v(TABLE, rng=np.random.default_rng(0))
    assert v.value == pytest.approx(expected)
    assert v.low < v.value < v.high


def test_no_association_gives_0_and_a_complete_one_1() -> None:
    rng = np.random.default_rng(0)
    assert cramers_v(np.array([[10, 10], [10, 10]]), rng=rng).value == 0
    assert cramers_v(np.diag([9, 9, 9]), rng=rng).value == pytest.approx(1)


def test_one_row_and_empty_rows_say_nothing() -> None:
    rng = np.random.default_rng(0)
    assert cramers_v(np.array([[3, 4]]), rng=rng).value == 0
    with_empty = cramers_v(np.vstack([TABLE, [0, 0, 0]]), rng=np.random.default_rng(0))
    assert with_empty.value == cramers_v(TABLE, rng=rng).value


def test_the_bias_of_independent_columns_is_taken_out() -> None:
    rng = np.random.default_rng(0)
    values = [
        cramers_v(rng.multinomial(40, np.full(9, 1 / 9)).reshape(3, 3), rng=rng, n_resamples=10)
        for _ in range(300)
    ]
    plain = np.sqrt(4 / 40 / 2)
    assert np.mean([v.value for v in values]) < 0.5 * plain


def test_tables_without_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="needs counts"):
        cramers_v(np.zeros((2, 2), dtype=int), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="needs counts"):
        cramers_v(np.array([[1, -1]]), rng=np.random.default_rng(0))
