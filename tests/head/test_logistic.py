from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mien.errors import DatasetError
from mien.head.fit import as_seen, fit
from mien.head.fitted import Fitted, predict_probs
from mien.head.recipe import Recipe, change, recipe_from

C = 4
RECIPE = recipe_from("expression", average_mirror="no", calibrate="no")


def clouds(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % C
    x = np.abs(rng.normal(size=(C, d))[y] + 1.5 * rng.normal(size=(n, d)))
    return x.astype(np.float32), y


def solve(x: np.ndarray, y: np.ndarray, recipe: Recipe = RECIPE, seed: int = 0) -> Fitted:
    (fitted,) = fit(x, mirrored=None, y=y, recipe=recipe, seeds=[seed], n_classes=C)
    return fitted


@pytest.mark.parametrize("shape", [(60, 200), (200, 30)], ids=["wide", "tall"])
@pytest.mark.parametrize("strength", [0.1, 10.0, 1000.0])
def test_probabilities_are_scikit_learns(shape: tuple[int, int], strength: float) -> None:
    x, y = clouds(*shape)
    fresh, _ = clouds(50, shape[1], seed=1)
    fitted = solve(x, y, change(RECIPE, l2_strengths=[strength]))  # type: ignore[arg-type]
    scaler = StandardScaler().fit(x.astype(np.float64))
    theirs = LogisticRegression(C=1 / strength, tol=1e-6, solver="newton-cholesky")
    theirs.fit(scaler.transform(x), y)
    expected = theirs.predict_proba(scaler.transform(fresh))
    np.testing.assert_allclose(predict_probs(fitted.head, fresh), expected, atol=1e-4)
    assert fitted.l2_strength == strength


def test_a_column_that_never_changes_is_harmless() -> None:
    x, y = clouds(60, 20)
    x[:, 3] = 7
    fitted = solve(x, y)
    assert np.isfinite(predict_probs(fitted.head, x)).all()
    assert np.abs(fitted.head.layers[0].kernel[3]).max() < 1e-9


def test_the_strength_follows_what_the_photos_hold() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(80) % C
    noise = rng.normal(size=(80, 50)).astype(np.float32)
    clear = (10 * np.eye(C)[y] + rng.normal(size=(80, C))).astype(np.float32)
    in_noise, in_clear = solve(noise, y).l2_strength, solve(clear, y).l2_strength
    assert in_noise is not None
    assert in_clear is not None
    assert in_noise > 100 * in_clear


def test_labels_without_meaning_are_scored_near_chance_out_of_fold() -> None:
    x, _ = clouds(400, 30)
    y = np.random.default_rng(3).integers(0, C, 400)
    score = solve(x, y).validation_accuracy
    assert score is not None
    assert score < 0.33  # chance is 0.25; 0.33 is 3.7 standard errors above it


def test_a_temperature_is_fitted_out_of_fold_and_folded_in() -> None:
    x, y = clouds(120, 60)
    plain = solve(x, y, change(RECIPE, l2_strengths=[0.01]))  # type: ignore[arg-type]
    scaled = solve(x, y, change(RECIPE, l2_strengths=[0.01], calibrate=True))  # type: ignore[arg-type]
    assert scaled.calibration is not None
    temperature = scaled.calibration.temperature
    assert temperature > 1.5  # hardly any penalty: far too sure of itself
    assert scaled.calibration.after.calibration_error < scaled.calibration.before.calibration_error
    assert sum(scaled.calibration.before.n) == scaled.calibration.n == 120
    assert scaled.head.calibrated
    assert not plain.head.calibrated
    np.testing.assert_allclose(
        scaled.head.layers[0].kernel * temperature,
        plain.head.layers[0].kernel,
        rtol=1e-4,
        atol=1e-7,
    )


def test_the_same_seed_gives_the_same_bytes_and_seeds_do_not_mix() -> None:
    x, y = clouds(90, 40)
    recipe = change(RECIPE, calibrate=True)
    both = fit(x, mirrored=None, y=y, recipe=recipe, seeds=[3, 4], n_classes=C)
    for fitted in both:
        alone = solve(x, y, recipe, seed=fitted.seed)
        assert alone.head.layers[0].kernel.tobytes() == fitted.head.layers[0].kernel.tobytes()
        assert alone.calibration == fitted.calibration
    assert both[0].calibration != both[1].calibration


def test_mirror_images_are_averaged_or_trained_on_apart() -> None:
    x, y = clouds(60, 20)
    mirrored, _ = clouds(60, 20, seed=9)
    averaged = change(RECIPE, average_mirror=True, l2_strengths=[1.0])  # type: ignore[arg-type]
    (fitted,) = fit(x, mirrored=mirrored, y=y, recipe=averaged, seeds=[0], n_classes=C)
    by_hand = solve((x + mirrored) / 2, y, change(RECIPE, l2_strengths=[1.0]))  # type: ignore[arg-type]
    assert fitted.head.layers[0].kernel.tobytes() == by_hand.head.layers[0].kernel.tobytes()
    np.testing.assert_array_equal(
        as_seen(x, mirrored=mirrored, recipe=averaged), (x + mirrored) / 2
    )
    apart = change(RECIPE, mirror_photos=True, l2_strengths=[1.0])  # type: ignore[arg-type]
    (doubled,) = fit(x, mirrored=mirrored, y=y, recipe=apart, seeds=[0], n_classes=C)
    both = solve(
        np.concatenate([x, mirrored]),
        np.concatenate([y, y]),
        change(RECIPE, l2_strengths=[1.0]),  # type: ignore[arg-type]
    )
    np.testing.assert_allclose(doubled.head.layers[0].kernel, both.head.layers[0].kernel, atol=1e-6)


def test_a_copy_in_the_mirror_does_not_leak_into_the_inner_score() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 200)).astype(np.float32)
    y = rng.integers(0, C, 80)
    recipe = change(RECIPE, mirror_photos=True)
    (fitted,) = fit(x, mirrored=x.copy(), y=y, recipe=recipe, seeds=[0], n_classes=C)
    assert fitted.validation_accuracy is not None
    assert fitted.validation_accuracy < 0.45  # a leak would make it 1


def test_two_photos_a_class_are_enough() -> None:
    x, y = clouds(8, 10)
    assert solve(x, y).l2_strength in RECIPE.l2_strengths


def test_one_photo_in_a_class_is_refused() -> None:
    x, y = clouds(9, 10)
    with pytest.raises(DatasetError, match="class number 3 has 1 photos"):
        solve(x[:-2], y[:-2])
