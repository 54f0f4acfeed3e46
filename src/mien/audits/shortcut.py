"""Can a label be told from what should not matter? A small cross-validated model against chance.

Ridge regression on one-hot labels, so that the same hat serves the true labels and hundreds of
shuffled ones at once: the shuffles give chance as this very model meets it on these very photos.
The figure is balanced accuracy, so that a large class is no advantage.

Source of the test: E. J. G. Pitman (1937); p = (1 + shuffles at least as good) / (1 + shuffles),
B. Phipson and G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 9:39 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from mien.audits.doubt import deal

FOLDS: Final = 5
N_SHUFFLES: Final = 199
# On the scale of standardised features, per photo.
_RIDGE: Final = 0.05
_BINS: Final = 6
# More photos than this tell nothing new about a shortcut of a handful of features.
_MOST_PHOTOS: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """How well a label can be told.

    Attributes:
        score: Balanced accuracy out of fold.
        low: Of the 95 % interval over resampled photos.
        high: Likewise.
        chance: Mean balanced accuracy of the shuffles.
        p: Share of shuffles at least as good.
        n: Photos used.
    """

    score: float
    low: float
    high: float
    chance: float
    p: float
    n: int


def tell(
    features: Float[np.ndarray, "n k"],
    *,
    labels: Int[np.ndarray, " n"],
    units: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Shortcut:
    """Try to tell labels from features.

    Args:
        features: NaN where unknown.
        labels: Numbers of the classes or group values.
        units: Photos that must be held out together.
        rng: Deals folds and shuffles.
    """
    if len(labels) > _MOST_PHOTOS:
        chosen = np.sort(rng.permutation(len(labels))[:_MOST_PHOTOS])
        features, labels, units = features[chosen], labels[chosen], units[chosen]
    labels = np.unique(labels, return_inverse=True)[1]
    x = design(features)
    fold = deal(labels, units=units, folds=FOLDS, rng=rng)
    shuffled = np.stack([labels, *(rng.permutation(labels) for _ in range(N_SHUFFLES))])
    predicted = _out_of_fold(x, shuffled, fold)
    scores = np.array([_balanced(y, y_pred) for y, y_pred in zip(shuffled, predicted, strict=True)])
    low, high = _interval(labels, predicted[0], rng)
    return Shortcut(
        score=round(float(scores[0]), 4),
        low=round(low, 4),
        high=round(high, 4),
        chance=round(float(scores[1:].mean()), 4),
        p=float((1 + np.sum(scores[1:] >= scores[0])) / (1 + N_SHUFFLES)),
        n=len(labels),
    )


def design(features: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n q"]:
    """Features as they are and in bins of equal counts, standardised; unknown values are average.

    The bins let a linear model follow a figure that is high for one class, low for a second and
    in the middle for a third.
    """
    columns = []
    for values in features.T:
        known = np.isfinite(values)
        filled = np.where(known, values, np.median(values[known]) if known.any() else 0.0)
        columns.append(filled)
        if not known.all():
            columns.append(known.astype(float))
        edges = np.unique(np.quantile(filled, np.linspace(0, 1, _BINS + 1)[1:-1]))
        if len(edges) > 1:
            columns += list((np.digitize(filled, edges)[:, None] == np.arange(len(edges) + 1)).T)
    x = np.stack(columns, axis=1).astype(float)
    x = x - x.mean(axis=0)
    deviation = x.std(axis=0)
    kept: Float[np.ndarray, "n q"] = x[:, deviation > 1e-9] / deviation[deviation > 1e-9]
    return kept


def one_hot(words: list[str]) -> Float[np.ndarray, "n k"]:
    """A column for each different word."""
    names = sorted(set(words))
    columns: Float[np.ndarray, "n k"] = (np.array(words)[:, None] == np.array(names)[None]).astype(
        float
    )
    return columns


def _out_of_fold(
    x: Float[np.ndarray, "n q"], labels: Int[np.ndarray, "s n"], fold: Int[np.ndarray, " n"]
) -> Int[np.ndarray, "s n"]:
    s, n = labels.shape
    n_classes = int(labels.max()) + 1
    predicted = np.zeros((s, n), dtype=int)
    if x.shape[1] == 0:
        return predicted
    truth = np.eye(n_classes)[labels].transpose(1, 0, 2).reshape(n, -1)
    for k in range(FOLDS):
        held, kept = fold == k, fold != k
        if not held.any() or not kept.any():
            continue
        inner = x[kept]
        y = truth[kept]
        # Each class weighs the same: what is regressed on is its indicator over its share.
        y = y / np.maximum(y.mean(axis=0), 1e-9)
        middle = inner.mean(axis=0)
        inner = inner - middle
        gram = inner.T @ inner + _RIDGE * len(inner) * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, inner.T @ (y - y.mean(axis=0)))
        scores = ((x[held] - middle) @ weights).reshape(-1, s, n_classes)
        predicted[:, held] = scores.argmax(axis=2).T
    return predicted


def _balanced(y: Int[np.ndarray, " n"], y_pred: Int[np.ndarray, " n"]) -> float:
    right = np.bincount(y, weights=y == y_pred)
    return float(np.mean(right / np.bincount(y)))


def _interval(
    y: Int[np.ndarray, " n"], y_pred: Int[np.ndarray, " n"], rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile bootstrap of balanced accuracy, photos drawn within each class."""
    totals = np.bincount(y)
    shares = np.bincount(y, weights=y == y_pred) / totals
    drawn = rng.binomial(totals, shares, size=(1000, len(totals))) / totals
    low, high = np.quantile(drawn.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
