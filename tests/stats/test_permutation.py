import itertools

import numpy as np
import pytest
from scipy import stats

from mien.stats import gap_p, least_gap, widest_gap_p


def counted(correct_a: int, n_a: int, correct_b: int, n_b: int) -> float:
    """The permutation p by dealing in every way."""
    n, right = n_a + n_b, correct_a + correct_b
    observed = abs(correct_a / n_a - correct_b / n_b)
    gaps = []
    for rows in itertools.combinations(range(n), n_a):
        k = sum(row < right for row in rows)
        gaps.append(abs(k / n_a - (right - k) / n_b))
    return float(np.mean(np.array(gaps) >= observed - 1e-9))


@pytest.mark.parametrize("case", [(4, 4, 0, 4), (3, 5, 1, 6), (2, 7, 4, 5), (0, 3, 0, 9)])
def test_the_exact_p_is_that_of_all_permutations(case: tuple[int, int, int, int]) -> None:
    a, n_a, b, n_b = case
    ours = gap_p(correct_a=a, n_a=n_a, correct_b=b, n_b=n_b)
    assert ours == pytest.approx(counted(a, n_a, b, n_b))


def test_groups_of_one_size_give_fishers_exact_p() -> None:
    for a, b in itertools.product(range(0, 13, 3), repeat=2):
        fisher = stats.fisher_exact([[a, 12 - a], [b, 12 - b]]).pvalue
        assert gap_p(correct_a=a, n_a=12, correct_b=b, n_b=12) == pytest.approx(fisher)


def test_the_least_gap_is_the_least_one_that_is_evidence() -> None:
    gap = least_gap(n_correct=16, n_a=10, n_b=20)
    assert gap is not None
    shown = [
        abs(k / 10 - (16 - k) / 20)
        for k in range(11)
        if 0 <= 16 - k <= 20 and gap_p(correct_a=k, n_a=10, correct_b=16 - k, n_b=20) <= 0.05
    ]
    assert gap == pytest.approx(min(shown))


def test_shuffling_gives_the_exact_p() -> None:
    right = np.array([1.0] * 9 + [0.0] * 3 + [1.0] * 4 + [0.0] * 8)
    p = widest_gap_p(right, groups=["a"] * 12 + ["b"] * 12, rng=np.random.default_rng(0))
    exact = gap_p(correct_a=9, n_a=12, correct_b=4, n_b=12)
    assert p == pytest.approx(exact, abs=0.01)


def test_p_is_never_zero_and_one_group_has_no_gap() -> None:
    right = np.array([1.0] * 30 + [0.0] * 30)
    groups = ["a"] * 30 + ["b"] * 30
    rng = np.random.default_rng(0)
    assert widest_gap_p(right, groups=groups, rng=rng, n_permutations=99) == 0.01
    assert widest_gap_p(right, groups=["a"] * 60, rng=rng) == 1.0


def test_persons_change_groups_as_a_whole() -> None:
    # Eight photos of each of four persons: over photos overwhelming, over persons 2 of 6 deals.
    right = np.repeat([1.0, 1.0, 0.0, 0.0], 8)
    groups = np.repeat(["a", "a", "b", "b"], 8).tolist()
    persons = np.repeat(["p", "q", "r", "s"], 8).tolist()
    rng = np.random.default_rng(0)
    assert widest_gap_p(right, groups=groups, rng=rng) < 0.001
    assert widest_gap_p(right, groups=groups, rng=rng, clusters=persons) == pytest.approx(
        1 / 3, abs=0.03
    )


def test_persons_with_photos_in_several_groups_are_shuffled_by_photo() -> None:
    right = np.array([1.0, 0.0] * 10)
    groups, persons = ["a", "b"] * 10, np.repeat([f"p{i}" for i in range(10)], 2).tolist()
    p = widest_gap_p(right, groups=groups, rng=np.random.default_rng(0), clusters=persons)
    assert p < 0.001


def test_the_p_of_shuffled_labels_is_uniform() -> None:
    rng = np.random.default_rng(11)
    groups = ["a"] * 15 + ["b"] * 15 + ["c"] * 15
    p = [
        widest_gap_p(rng.random(45), groups=groups, rng=rng, n_permutations=199) for _ in range(200)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("case", [(5, 4, 0, 4), (-1, 4, 0, 4), (0, 0, 0, 4)])
def test_impossible_groups_are_refused(case: tuple[int, int, int, int]) -> None:
    a, n_a, b, n_b = case
    with pytest.raises(ValueError, match="0 <= correct <= n"):
        gap_p(correct_a=a, n_a=n_a, correct_b=b, n_b=n_b)
