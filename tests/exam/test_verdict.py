import numpy as np
import pytest

from mien.exam import judge


def cells(*shares: float, n_seeds: int = 20, n_photos: int = 300) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random((n_seeds, n_photos)) < share for share in shares]


NAMES = ["epochs=20", "epochs=50", "epochs=70"]


def test_no_winner_is_claimed_among_equals_and_luck_is_said() -> None:
    verdict = judge(cells(0.5, 0.5, 0.5, n_photos=30), names=NAMES)
    assert verdict.winner is None
    assert verdict.sentence.startswith("No evidence that one of 3 recipes is the best: ")
    assert "none of the others can be told from it" in verdict.sentence
    assert f"would be expected at {100 * verdict.luck:.0f} % by luck alone." in verdict.sentence
    assert verdict.luck > verdict.mean_accuracy


def test_a_winner_is_named_with_its_mean_not_its_best_seed() -> None:
    verdict = judge(cells(0.4, 0.7, 0.5), names=NAMES)
    assert verdict.winner == "epochs=50"
    assert verdict.sentence.startswith("epochs=50 is the best of 3 recipes: 70 % on average over")


def test_the_poor_are_excluded_without_naming_a_winner() -> None:
    verdict = judge(cells(0.6, 0.6, 0.2, n_photos=60), names=NAMES)
    assert set(verdict.candidates) == {"epochs=20", "epochs=50"}
    assert "1 of the 2 others cannot be told from it" in verdict.sentence
    assert verdict.chosen in verdict.candidates


def test_one_seed_speaks_of_models_only() -> None:
    verdict = judge(cells(0.5, 0.5, 0.5, n_seeds=1), names=NAMES)
    assert verdict.sentence.endswith("this is said of these trained models, not of their recipes.")


def test_one_recipe_has_nothing_to_compare() -> None:
    sentence = judge(cells(0.5, n_seeds=1), names=["a"]).sentence
    assert sentence.startswith("One recipe, nothing to compare: a, 45 %")


def test_names_must_fit_the_cells() -> None:
    with pytest.raises(ValueError, match="1 cells need as many names, got 2"):
        judge(cells(0.5), names=["a", "b"])
