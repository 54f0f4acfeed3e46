from __future__ import annotations

import numpy as np
import pytest

from mien.errors import DatasetError, RecipeError
from mien.head.crossval import CrossValidation, cross_validate
from mien.head.recipe import Recipe, recipe_from

C = 3
LOGISTIC = recipe_from("expression", average_mirror="no", l2_strengths="1/100")
MLP = recipe_from("teachable-machine", epochs=30, hidden_units=8, learning_rate=0.01)


def clouds(n: int = 45) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % C
    return (3 * np.eye(C, 12)[y] + rng.normal(size=(n, 12))).astype(np.float32), y


X, Y = clouds()


def run(recipe: Recipe, **more: object) -> CrossValidation:
    given = {"mirrored": None, "y": Y, "folds": 5, "repeats": 2, "seed": 0, "n_classes": C, **more}
    return cross_validate(X, recipe=recipe, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipe", [LOGISTIC, MLP], ids=["logistic", "mlp"])
def test_every_photo_is_answered_once_a_repeat_and_figures_agree(recipe: Recipe) -> None:
    found = run(recipe)
    assert found.probs.shape == (2, 45, C)
    assert np.bincount(found.fold_of[0]).tolist() == [9] * 5
    np.testing.assert_allclose(found.probs.sum(axis=2), 1, atol=1e-5)
    right = found.y_pred == Y
    assert found.mean == pytest.approx(right.mean())
    assert found.sd == pytest.approx(np.std(right.mean(axis=1), ddof=1))
    assert found.fold_accuracy[1, 2] == right[1, found.fold_of[1] == 2].mean()
    assert found.mean > 0.6


@pytest.mark.parametrize("recipe", [LOGISTIC, MLP], ids=["logistic", "mlp"])
def test_the_same_seed_gives_the_same_bytes_however_many_threads(recipe: Recipe) -> None:
    assert run(recipe, workers=1).probs.tobytes() == run(recipe, workers=3).probs.tobytes()
    assert run(recipe, seed=1).fold_of.tobytes() != run(recipe).fold_of.tobytes()


def test_one_repeat_has_no_spread() -> None:
    assert run(LOGISTIC, repeats=1).sd == 0


def test_the_mirror_image_stays_on_the_side_of_its_photo() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, C, 45)
    found = run(
        recipe_from("expression", average_mirror="no", mirror="yes"), mirrored=X.copy(), y=y
    )
    assert found.mean < 0.6  # labels without meaning: a leak would score 1


@pytest.mark.parametrize("recipe", [LOGISTIC, MLP], ids=["logistic", "mlp"])
def test_a_copy_in_another_fold_does_not_answer_for_its_photo(recipe: Recipe) -> None:
    rng = np.random.default_rng(1)
    x = np.repeat(rng.normal(size=(45, 100)).astype(np.float32), 3, axis=0)
    y = np.repeat(rng.permutation(np.arange(45) % C), 3)
    given = {"mirrored": None, "y": y, "folds": 5, "repeats": 2, "seed": 0, "n_classes": C}
    apart = cross_validate(x, recipe=recipe, **given)  # type: ignore[arg-type]
    units = np.repeat(np.arange(45), 3)
    together = cross_validate(x, recipe=recipe, units=units, **given)  # type: ignore[arg-type]
    assert apart.mean > 0.8  # labels without meaning, known by heart
    assert together.mean < 0.5
    assert all(len(np.unique(fold[units == 7])) == 1 for fold in together.fold_of)


def test_progress_reaches_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    run(LOGISTIC, progress=lambda *what: told.append(what))
    assert told[-1] == ("cross-validating", 10, 10)


def test_an_error_in_a_fold_reaches_the_caller() -> None:
    def stumble(stage: str, done: int, total: int) -> None:
        raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        run(LOGISTIC, progress=stumble)


@pytest.mark.parametrize(("folds", "repeats"), [(1, 1), (5, 0)])
def test_too_few_folds_or_repeats_are_refused(folds: int, repeats: int) -> None:
    with pytest.raises(RecipeError, match=f"{repeats}x{folds}"):
        run(LOGISTIC, folds=folds, repeats=repeats)


def test_more_folds_than_photos_of_a_class_are_refused() -> None:
    with pytest.raises(DatasetError, match="16 folds need 16"):
        run(LOGISTIC, folds=16)
