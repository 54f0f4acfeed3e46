"""The logistic head: multinomial logistic regression whose strength the photos choose.

Embeddings are standardised, the L2 strength is the one with the least log-loss in an inner
stratified cross-validation on the training photos alone, the temperature comes from the same
out-of-fold answers, and all of it is folded into one dense layer.

Law: minimised is ``Σ cross-entropy + λ/2 · ‖W‖²``, the bias free (`LogisticRegression` of
scikit-learn with C = 1/λ); the held-out photos of an inner fold take no part in its mean,
deviation or weights. The seed moves the inner folds and nothing else.

Why it is fast: with n photos and d ≫ n numbers each, the best W lies in the span of the photos, so
everything happens in the n coordinates of their singular vectors, exactly. There the curvature is
close to diag(λ + a·s²), and scaled by its root the problem is round: L-BFGS needs some dozen steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from mien.blas import one_blas_thread
from mien.head.calibrate import calibrate, log_loss, log_softmax, with_temperature
from mien.head.fitted import Fitted
from mien.head.recipe import Recipe
from mien.head.split import least_units, stratified_folds
from mien.records import Dense, Head, Progress, no_progress

# Singular values below this part of the largest are rounding of float32 embeddings.
_RANK_TOLERANCE = 1e-6
# Of the gradient's largest entry, in scaled coordinates. The head itself: probabilities stand to
# 1e-5. Choosing its strength: the log-loss of the strengths that are ever chosen stands to 1e-4, in
# a third of the steps that the other takes (measured on the study's photos).
_FINAL_TOLERANCE, _CHOICE_TOLERANCE = 1e-7, 1e-3


@dataclass(frozen=True, kw_only=True)
class _Basis:
    """Standardised training rows in their singular vectors.

    Attributes:
        mean: ``(d,)`` of the training rows.
        deviation: ``(d,)``, 1 where a column is constant.
        axes: ``(d, r)``, right singular vectors: ``z = (x - mean) / deviation @ axes``.
        z: ``(m, r)``, the training rows; its columns are orthogonal.
        s: ``(r,)`` singular values.
    """

    mean: Float64[np.ndarray, " d"]
    deviation: Float64[np.ndarray, " d"]
    axes: Float64[np.ndarray, "d r"]
    z: Float64[np.ndarray, "m r"]
    s: Float64[np.ndarray, " r"]

    def coordinates(self, x: Float32[np.ndarray, "k d"]) -> Float64[np.ndarray, "k r"]:
        """Other rows in the same coordinates."""
        return np.asarray((x - self.mean) / self.deviation @ self.axes)


def fit_logistic(
    seen: Float32[np.ndarray, "n d"],
    *,
    views: Sequence[Float32[np.ndarray, "n d"]],
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    seeds: Sequence[int],
    n_classes: int,
    units: Int[np.ndarray, " n"] | None = None,
    progress: Progress = no_progress,
) -> list[Fitted]:
    """Solve one head a seed; `mien.head.fit.fit` checks the arguments and says more of them.

    Args:
        seen: Embeddings as the head will see photos to predict.
        views: What it is trained on: one or more embeddings a photo, always in one inner fold.
        y: Class numbers. A class with fewer photos than the recipe's inner folds lowers them.
        recipe: With ``head="logistic"``.
        seeds: Each deals the inner folds anew.
        n_classes: How many classes.
        units: Photos with equal numbers are in one inner fold.
        progress: Told heads.
    """
    with one_blas_thread():
        return _fit_seeds(
            seen,
            views,
            y,
            recipe=recipe,
            seeds=seeds,
            n_classes=n_classes,
            units=units,
            progress=progress,
        )


def _fit_seeds(
    seen: np.ndarray,
    views: Sequence[np.ndarray],
    y: np.ndarray,
    *,
    recipe: Recipe,
    seeds: Sequence[int],
    n_classes: int,
    units: np.ndarray | None,
    progress: Progress,
) -> list[Fitted]:
    basis = _basis(np.concatenate(views))
    labels = np.tile(y, len(views))
    found: dict[float, Head] = {}
    fitted = []
    for done, seed in enumerate(seeds, start=1):
        out_of_fold = _inner_logits(
            seen, views, y, recipe=recipe, seed=seed, n_classes=n_classes, units=units
        )
        losses = [log_loss(z, y_true=y) for z in out_of_fold]
        # On a tie the stronger penalty: strengths rise.
        best = max(i for i, loss in enumerate(losses) if loss == min(losses))
        strength = recipe.l2_strengths[best]
        if strength not in found:
            (solution,) = _solve(
                basis, labels, strengths=[strength], n_classes=n_classes, tolerance=_FINAL_TOLERANCE
            )
            found[strength] = _head(basis, *solution)
        fitted.append(
            _fitted(
                found[strength], out_of_fold[best], y, recipe=recipe, seed=seed, strength=strength
            )
        )
        progress("training", done, len(seeds))
    return fitted


def _inner_logits(
    seen: np.ndarray,
    views: Sequence[np.ndarray],
    y: np.ndarray,
    *,
    recipe: Recipe,
    seed: int,
    n_classes: int,
    units: np.ndarray | None,
) -> Float64[np.ndarray, "strengths n c"]:
    """Logits of each photo from the fold that had not seen it, for each strength."""
    rng = np.random.default_rng([seed, 0])
    if units is not None and least_units(y, units=units) < 2:
        units = None  # a class of one person alone: its photos must do
    folds = min(recipe.inner_folds, least_units(y, units=units))
    fold = stratified_folds(y, folds=folds, rng=rng, units=units)
    out = np.empty((len(recipe.l2_strengths), len(y), n_classes))
    for number in range(folds):
        inside, outside = fold != number, fold == number
        basis = _basis(np.concatenate([view[inside] for view in views]))
        z = basis.coordinates(seen[outside])
        labels = np.tile(y[inside], len(views))
        solutions = _solve(
            basis,
            labels,
            strengths=recipe.l2_strengths,
            n_classes=n_classes,
            tolerance=_CHOICE_TOLERANCE,
        )
        for row, (weights, bias) in zip(out, solutions, strict=True):
            row[outside] = z @ weights + bias
    return out


def _basis(x: Float32[np.ndarray, "m d"]) -> _Basis:
    """Standardise rows; find their singular vectors from the smaller Gram matrix."""
    mean = x.mean(axis=0, dtype=np.float64)
    deviation = x.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1
    standard = (x - mean) / deviation
    m, d = standard.shape
    squares, vectors = np.linalg.eigh(standard @ standard.T if m <= d else standard.T @ standard)
    s = np.sqrt(np.maximum(squares, 0))
    kept = s > _RANK_TOLERANCE * max(float(s[-1]), 1e-30)
    s, vectors = s[kept], vectors[:, kept]
    axes = standard.T @ (vectors / s) if m <= d else vectors
    return _Basis(mean=mean, deviation=deviation, axes=axes, z=standard @ axes, s=s)


def _solve(
    basis: _Basis,
    labels: np.ndarray,
    *,
    strengths: Sequence[float],
    n_classes: int,
    tolerance: float,
) -> list[tuple[Float64[np.ndarray, "r c"], Float64[np.ndarray, " c"]]]:
    """Weights and bias for each strength, each started from the next stronger one's."""
    from scipy.optimize import minimize

    z, c = basis.z, n_classes
    truth = np.eye(c)[labels]
    # a: the curvature p(1 - p) of the softmax at even probabilities. A rough guess is enough.
    a = (1 - 1 / c) / c
    bias_scale = np.full(c, np.sqrt(a * len(z)))
    flat = np.zeros(c + z.shape[1] * c)
    solutions = []
    for strength in sorted(strengths, reverse=True):
        scale = np.concatenate([bias_scale, np.repeat(np.sqrt(strength + a * basis.s**2), c)])
        found = minimize(
            _objective,
            flat * scale,
            args=(z, truth, strength, scale),
            jac=True,
            method="L-BFGS-B",
            options={"gtol": tolerance, "ftol": 1e-14, "maxiter": 500},
        )
        flat = found.x / scale
        solutions.append((flat[c:].reshape(-1, c), flat[:c]))
    return solutions[::-1]


def _objective(
    scaled: np.ndarray, z: np.ndarray, truth: np.ndarray, strength: float, scale: np.ndarray
) -> tuple[float, np.ndarray]:
    """What is minimised and its gradient; `scaled` is bias, then weights, times `scale`."""
    flat, c = scaled / scale, truth.shape[1]
    w = flat[c:].reshape(-1, c)
    log_p = log_softmax(z @ w + flat[:c])
    off = np.exp(log_p) - truth
    value = -np.sum(truth * log_p) + strength / 2 * np.sum(w * w)
    by_weights = z.T @ off + strength * w
    return value, np.concatenate([off.sum(axis=0), by_weights.ravel()]) / scale


def _head(basis: _Basis, weights: np.ndarray, bias: np.ndarray) -> Head:
    """Fold standardisation into one layer: ((x - mean) / deviation) W + b."""
    kernel = basis.axes @ weights / basis.deviation[:, None]
    shifted = bias - basis.mean @ kernel
    layer = Dense(
        kernel=kernel.astype(np.float32), bias=shifted.astype(np.float32), activation="softmax"
    )
    return Head(layers=(layer,))


def _fitted(
    head: Head,
    out_of_fold: np.ndarray,
    y: np.ndarray,
    *,
    recipe: Recipe,
    seed: int,
    strength: float,
) -> Fitted:
    calibration = calibrate(out_of_fold, y_true=y) if recipe.calibrate else None
    return Fitted(
        seed=seed,
        head=with_temperature(head, calibration.temperature) if calibration else head,
        epochs=0,
        train_index=tuple(range(len(y))),
        validation_index=(),
        validation_accuracy=float(np.mean(out_of_fold.argmax(axis=1) == y)),
        l2_strength=strength,
        calibration=calibration,
    )
