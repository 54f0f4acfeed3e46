import numpy as np
import pytest

from mien.stats import choose, mcnemar_p, one_standard_error


def grid(
    rng: np.random.Generator, *, shares: list[float], n_seeds: int = 20, n_photos: int = 100
) -> list[np.ndarray]:
    """Cells on the same photos: hard and easy photos, lucky and unlucky seeds."""
    difficulty = rng.normal(0, 0.2, size=n_photos)
    return [
        rng.random((n_seeds, n_photos))
        < share + difficulty + rng.normal(0, 0.05, size=(n_seeds, 1))
        for share in shares
    ]


@pytest.mark.parametrize("n_cells", [2, 5, 22])
def test_equal_recipes_have_a_winner_in_at_most_5_percent(n_cells: int) -> None:
    rng = np.random.default_rng(0)
    wins = [choose(grid(rng, shares=[0.5] * n_cells)).winner is not None for _ in range(200)]
    # 5 % and two standard errors of 200 rounds.
    assert np.mean(wins) <= 0.08


def test_a_truly_better_recipe_is_found() -> None:
    rng = np.random.default_rng(1)
    shares = [0.5] * 9 + [0.65]
    found = [choose(grid(rng, shares=shares, n_photos=300)).winner == 9 for _ in range(50)]
    assert np.mean(found) >= 0.8


def test_the_true_best_stays_among_the_candidates() -> None:
    rng = np.random.default_rng(2)
    shares = [0.4, 0.45, 0.5, 0.55, 0.6]
    kept = [4 in choose(grid(rng, shares=shares)).candidates for _ in range(100)]
    assert np.mean(kept) >= 0.95


def test_with_one_seed_two_cells_are_told_apart_by_exact_mcnemar() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = rng.random((2, 1, 40)) < np.array([0.5, 0.8])[:, None, None]
        choice = choose([a, b])
        worse = 0 if a.mean() < b.mean() else 1
        p = mcnemar_p(only_a=int((a & ~b).sum()), only_b=int((b & ~a).sum()))
        assert choice.p_not_best[worse] == pytest.approx(p)
        assert choice.of == "models"


def test_persons_rather_than_photos_are_the_sample() -> None:
    rng = np.random.default_rng(4)
    of_person = rng.random((2, 50, 12)) < np.array([0.4, 0.7])[:, None, None]
    cells = [np.repeat(cell, 25, axis=1) for cell in of_person]
    persons = [f"p{i // 25}" for i in range(300)]
    assert choose(cells, clusters=persons).p_not_best[0] > choose(cells).p_not_best[0]


def test_more_seeds_than_photos_cannot_replace_photos() -> None:
    rng = np.random.default_rng(5)
    few = grid(rng, shares=[0.5, 0.6], n_seeds=500, n_photos=10)
    assert min(choose(few).standard_errors) > 0.05


def test_cells_may_have_seeds_left_to_run() -> None:
    rng = np.random.default_rng(6)
    cells = grid(rng, shares=[0.5, 0.5, 0.5])
    choice = choose([cells[0], cells[1][:3], cells[2][:1]])
    assert len(choice.means) == 3
    assert choice.of == "recipes"


def test_identical_cells_are_both_candidates_and_the_simpler_is_chosen() -> None:
    cell = np.random.default_rng(7).random((3, 20)) < 0.5
    choice = choose([cell, cell.copy()], complexity=[2, 1])
    assert choice.candidates == (0, 1)
    assert choice.chosen == 1
    assert choice.winner is None


def test_right_everywhere_beats_wrong_everywhere() -> None:
    right, wrong = np.ones((3, 20), dtype=bool), np.zeros((3, 20), dtype=bool)
    assert choose([wrong, right]).winner == 1
    assert choose([right]).winner == 0


def test_one_standard_error_takes_the_simplest_and_then_the_better() -> None:
    means, errors = [0.50, 0.70, 0.72, 0.73], [0.05] * 4
    assert one_standard_error(means, standard_errors=errors, complexity=[0, 1, 1, 9]) == 2


def test_nonsense_is_refused() -> None:
    cell = np.ones((2, 20), dtype=bool)
    with pytest.raises(ValueError, match="no cell"):
        choose([])
    with pytest.raises(ValueError, match="each cell must be"):
        choose([cell, np.ones((2, 19), dtype=bool)])
    with pytest.raises(ValueError, match="fewer than 2 photos"):
        choose([np.ones((2, 1), dtype=bool)])
    with pytest.raises(ValueError, match="as many complexities"):
        choose([cell], complexity=[1, 2])
