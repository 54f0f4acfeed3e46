from __future__ import annotations

import re
import threading
import time

import numpy as np
import pytest

from mien.errors import DatasetError, RecipeError
from mien.head import mlp
from mien.head.fit import fit
from mien.head.fitted import Fitted, predict_probs
from mien.head.recipe import Recipe, recipe_from
from mien.head.start import draw

D, C = 24, 3
RECIPE = recipe_from("teachable-machine", epochs=12, hidden_units=10, batch_size=8)


def blobs(n: int = 60, seed: int = 0, d: int = D) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping clouds, not negative as a ReLU leaves them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % C
    centres = rng.normal(size=(C, d))
    return np.abs(centres[y] + rng.normal(size=(n, d))).astype(np.float32), y


X, Y = blobs()


def train(
    recipe: Recipe = RECIPE, *, seeds: list[int] | None = None, **more: object
) -> list[Fitted]:
    return fit(
        X,
        mirrored=None,
        y=Y,
        recipe=recipe,
        seeds=[0] if seeds is None else seeds,
        n_classes=C,
        **more,  # type: ignore[arg-type]
    )


def head_bytes(fitted: Fitted) -> bytes:
    return b"".join(
        layer.kernel.tobytes() + (b"" if layer.bias is None else layer.bias.tobytes())
        for layer in fitted.head.layers
    )


def by_hand(recipe: Recipe, seed: int) -> tuple[list[np.ndarray], list[float], list[float]]:
    """Teachable Machine's training in float64 NumPy, written out from its source."""
    start = draw(X, views=(X,), y=Y, recipe=recipe, seed=seed, n_classes=C)
    x, t = X[start.train_index].astype(float), np.eye(C)[Y[start.train_index]]
    w1, b, w2 = start.params[0].T.astype(float), start.params[1].astype(float), start.params[2]
    params = [w1, b, w2.astype(float)]
    m, v, k = [0 * p for p in params], [0 * p for p in params], 0
    losses, accuracies = [], []
    for _ in range(recipe.epochs):
        loss = right = 0.0
        for i in range(0, len(x), recipe.batch_size):
            xb, tb = x[i : i + recipe.batch_size], t[i : i + recipe.batch_size]
            hidden = np.maximum(xb @ params[0] + params[1], 0)
            z = hidden @ params[2]
            p = np.exp(z - z.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            loss += -np.log((p * tb).sum(1)).sum()
            right += (p.argmax(1) == tb.argmax(1)).sum()
            dz = (p - tb) / len(xb)
            da = (dz @ params[2].T) * (hidden > 0)
            k += 1
            for j, g in enumerate([xb.T @ da, da.sum(0), hidden.T @ dz]):
                m[j] = 0.9 * m[j] + 0.1 * g
                v[j] = 0.999 * v[j] + 0.001 * g * g
                rise = (m[j] / (1 - 0.9**k)) / (np.sqrt(v[j] / (1 - 0.999**k)) + 1e-7)
                decay = recipe.weight_decay * params[j] if params[j].ndim > 1 else 0
                params[j] = params[j] - recipe.learning_rate * (rise + decay)
        losses.append(loss / len(x))
        accuracies.append(right / len(x))
    return params, losses, accuracies


@pytest.mark.parametrize("batch_size", [7, 8, 64])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_training_is_the_same_as_written_out_in_numpy(batch_size: int, weight_decay: float) -> None:
    recipe = recipe_from(
        "teachable-machine",
        epochs=5,
        hidden_units=10,
        batch_size=batch_size,
        learning_rate=0.01,
        weight_decay=weight_decay,
    )
    # Adam's first steps are as long for a gradient that is rounding as for any: a seed whose
    # hidden units come near zero would drift apart from float64.
    (fitted,) = train(recipe, seeds=[6])
    (w1, b, w2), losses, accuracies = by_hand(recipe, 6)
    first, second = fitted.head.layers
    assert first.bias is not None
    np.testing.assert_allclose(first.kernel, w1, atol=2e-5)
    np.testing.assert_allclose(first.bias, b, atol=2e-5)
    np.testing.assert_allclose(second.kernel, w2, atol=2e-5)
    assert fitted.history is not None
    np.testing.assert_allclose(fitted.history.train_loss, losses, rtol=1e-4)
    np.testing.assert_allclose(fitted.history.train_accuracy, accuracies, atol=1e-6)


def test_the_start_is_a_truncated_normal_of_variance_close_to_one_over_inputs() -> None:
    x, y = blobs(d=800)
    recipe = recipe_from("teachable-machine")
    start = draw(x, views=(x,), y=y, recipe=recipe, seed=0, n_classes=C)
    z = start.params[0] * np.sqrt(800)
    assert np.abs(z).max() <= 2
    # Standard deviation of a normal cut at two: 0.8796 (Keras would divide it out, TF.js does not).
    assert z.std() == pytest.approx(0.8796, abs=0.005)
    assert not start.params[1].any()


def test_a_head_does_not_depend_on_the_seeds_beside_it() -> None:
    together = train(seeds=[0, 1, 2, 3])
    assert [f.seed for f in together] == [0, 1, 2, 3]
    for fitted in together:
        (alone,) = train(seeds=[fitted.seed])
        assert head_bytes(alone) == head_bytes(fitted)
        assert alone.history == fitted.history
    assert len({head_bytes(f) for f in together}) == 4


def test_many_heads_in_one_program_are_the_heads_trained_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = recipe_from("teachable-machine", epochs=6, hidden_units=10)
    apart = train(recipe, seeds=[6, 7, 8], marks=[2])
    monkeypatch.setattr(mlp, "_heads_at_once", lambda: 256)
    together = train(recipe, seeds=[6, 7, 8], marks=[2])
    for one, other in zip(apart, together, strict=True):
        assert (one.seed, one.epochs) == (other.seed, other.epochs)
        np.testing.assert_allclose(
            one.head.layers[0].kernel, other.head.layers[0].kernel, atol=2e-5
        )
        assert one.history is not None
        assert other.history is not None
        np.testing.assert_allclose(one.history.train_loss, other.history.train_loss, rtol=1e-4)


def test_a_head_kept_on_the_way_is_the_head_trained_apart() -> None:
    recipe = recipe_from("teachable-machine", epochs=70, hidden_units=10)
    marked = train(recipe, seeds=[4, 5], marks=[3, 40])
    assert [(f.seed, f.epochs) for f in marked] == [(s, e) for s in (4, 5) for e in (3, 40, 70)]
    for fitted in marked:
        apart = recipe_from("teachable-machine", epochs=fitted.epochs, hidden_units=10)
        (alone,) = train(apart, seeds=[fitted.seed])
        assert head_bytes(alone) == head_bytes(fitted)
        assert alone.history == fitted.history


def test_padding_to_a_shared_size_does_not_change_the_numbers() -> None:
    (fitted,) = train(seeds=[2])
    n_rows = len(fitted.train_index)
    assert n_rows % RECIPE.batch_size != 0, "the last batch should be partial in this test"


def test_a_mirrored_copy_trains_on_its_originals_side_only() -> None:
    mirrored = X[:, ::-1].copy()
    recipe = recipe_from("teachable-machine", epochs=2, hidden_units=4, mirror="yes")
    start = draw(X, views=(X, mirrored), y=Y, recipe=recipe, seed=0, n_classes=C)
    rows = {row.tobytes() for row in start.train.x[: start.train.n]}
    held = set(start.validation_index.tolist())
    assert start.train.n == 2 * len(start.train_index)
    assert rows == {a[i].tobytes() for a in (X, mirrored) for i in range(len(Y)) if i not in held}


def test_a_loss_that_is_not_a_number_is_named_with_its_epoch() -> None:
    (fitted,) = train(
        recipe_from("teachable-machine", epochs=30, learning_rate=10.0, weight_decay=10.0)
    )
    assert fitted.diverged is not None
    assert re.fullmatch(r"the loss is not a number from epoch \d+ on", fitted.diverged)


def test_all_photos_in_one_class_is_named() -> None:
    (fitted,) = fit(np.zeros_like(X), mirrored=None, y=Y, recipe=RECIPE, seeds=[0], n_classes=C)
    assert fitted.diverged == "all training photos are put into one class"


def test_a_sound_training_is_not_called_diverged_and_learns() -> None:
    (fitted,) = train(recipe_from("teachable-machine", epochs=60, hidden_units=32))
    assert fitted.diverged is None
    assert fitted.history is not None
    assert fitted.history.train_accuracy[-1] > 0.9
    assert fitted.history.validation_accuracy[-1] == pytest.approx(fitted.validation_accuracy)
    assert len(fitted.history.validation_loss) == 60


def test_without_photos_held_out_there_are_no_validation_figures() -> None:
    (fitted,) = train(recipe_from("teachable-machine", epochs=3, validation_fraction=0))
    assert fitted.validation_accuracy is None
    assert fitted.history is not None
    assert fitted.history.validation_loss == ()


def test_calibration_uses_the_photos_held_out() -> None:
    (fitted,) = train(recipe_from("teachable-machine", epochs=80, calibrate=True))
    assert fitted.calibration is not None
    assert fitted.calibration.n == len(fitted.validation_index)
    assert fitted.head.calibrated
    assert fitted.calibration.after.log_loss <= fitted.calibration.before.log_loss + 1e-9


def test_progress_counts_epochs_over_all_seeds_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    train(seeds=[0, 1], progress=lambda *what: told.append(what))
    assert told[-1] == ("training", 24, 24)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_an_interrupt_ends_the_other_seeds_soon() -> None:
    ended = threading.Event()

    def interrupt(stage: str, done: int, total: int) -> None:
        if ended.is_set():
            return
        ended.set()
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train(recipe_from("teachable-machine", epochs=100_000), seeds=[0, 1, 2], progress=interrupt)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("mark", [0, 13])
def test_a_mark_outside_the_training_is_refused(mark: int) -> None:
    with pytest.raises(RecipeError, match=f"mark at epoch {mark}"):
        train(marks=[mark])


def test_a_mark_on_a_logistic_head_is_refused() -> None:
    with pytest.raises(RecipeError, match="mark at epoch 3 needs an mlp"):
        train(recipe_from("expression", average_mirror="no"), marks=[3])


def test_calibrating_on_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="no photos are left to calibrate on"):
        train(recipe_from("teachable-machine", calibrate=True, validation_fraction=0))


def bad_inputs() -> list[tuple[str, dict[str, object]]]:
    lost = X.copy()
    lost[0, 0] = np.nan
    return [
        ("embeddings have shape", {"embeddings": X[:-1]}),
        ("mirrored embeddings have shape", {"mirrored": X[:-1]}),
        ("not finite", {"embeddings": lost}),
        ("1 classes, at least 2", {"y": np.zeros_like(Y), "n_classes": 1}),
        ("class numbers go from 0 to 2, expected 0 to 1", {"n_classes": 2}),
        ("class number 3 has 0 photos", {"n_classes": 4}),
        ("class number 2 has 1 photos", {"y": np.array([2] + [0, 1] * 29 + [0])}),
    ]


@pytest.mark.parametrize(("message", "change"), bad_inputs(), ids=lambda v: str(v)[:30])
def test_unusable_arrays_are_refused_with_a_reason(message: str, change: dict[str, object]) -> None:
    given = {"embeddings": X, "mirrored": None, "y": Y, "n_classes": C, **change}
    with pytest.raises(DatasetError, match=message):
        fit(given.pop("embeddings"), recipe=RECIPE, seeds=[0], **given)  # type: ignore[arg-type]


def test_missing_mirror_images_are_named() -> None:
    with pytest.raises(RecipeError, match="their embeddings are missing"):
        train(recipe_from("expression"))


def test_answers_do_not_depend_on_the_rows_beside_them() -> None:
    (fitted,) = train()
    together = predict_probs(fitted.head, X)
    for i in range(len(X)):
        assert together[i].tobytes() == predict_probs(fitted.head, X[i : i + 1]).tobytes()
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_marks_beyond_a_segment_share_one_compiled_program() -> None:
    assert mlp.SEGMENT_EPOCHS < 70, "the test of marks should cross a segment"
