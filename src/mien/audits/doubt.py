"""Which labels are in doubt: confident learning on probabilities that no photo had a say in.

A linear discriminant with a shrunk covariance is fitted on the other folds (in closed form, so
that twenty thousand photos take seconds), several times with the photos dealt anew, so that the
doubt itself has a spread. Units (near copies, photos of one person) are dealt whole: a twin with
the same wrong label must not vouch for it.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", JAIR 70 (2021) 1373-1411: thresholds t_j (equation 2), the confident joint
(equation 1), ranking by normalised margin. Shrinkage: J. H. Friedman, "Regularized Discriminant
Analysis", JASA 84 (1989) 165-175.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

FOLDS: Final = 5
REPEATS: Final = 5
# Weight of the identity against the covariance. Embeddings of 1,280 numbers and some hundred
# photos: a weak hand is better than none, and 0.05 to 0.7 rank alike (docs/log.md).
_SHRINKAGE: Final = 0.3
_MOST_DIMS: Final = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubt:
    """Probabilities of every photo from models that had not seen it.

    Attributes:
        probs: ``(r, n, c)``, a dealing a row.
        y: ``(n,)`` given classes.
        suspect: ``(r, n)`` whether confident learning counts the photo as mislabelled.
        rank_score: ``(n,)`` mean normalised margin p(given) - max other p: low is doubtful.
        other: ``(n,)`` the class that the models believe instead of the given one.
    """

    probs: Float[np.ndarray, "r n c"]
    y: Int[np.ndarray, " n"]
    suspect: Bool[np.ndarray, "r n"]
    rank_score: Float[np.ndarray, " n"]
    other: Int[np.ndarray, " n"]

    @property
    def accuracy(self) -> Float[np.ndarray, " r"]:
        """Out-of-fold accuracy against the given labels, of each dealing."""
        right: Float[np.ndarray, " r"] = np.mean(self.probs.argmax(axis=2) == self.y, axis=1)
        return right


def doubt(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    y: Int[np.ndarray, " n"],
    units: Int[np.ndarray, " n"],
    n_classes: int,
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> Doubt:
    """Cross-validate repeatedly and find the labels that the models do not believe.

    Args:
        embeddings: One a photo.
        y: Given classes.
        units: Photos with equal numbers are held out together.
        n_classes: How many classes there are; some may have no photo.
        rng: Deals the photos.
        repeats: Dealings.
    """
    z = _reduced(embeddings)
    probs = np.zeros((repeats, len(y), n_classes))
    for r in range(repeats):
        fold = deal(y, units=units, folds=FOLDS, rng=rng)
        for k in range(FOLDS):
            held, kept = fold == k, fold != k
            if held.any():
                probs[r, held] = discriminant(z[kept], y=y[kept], to=z[held], n_classes=n_classes)
    suspect = np.stack([confident(p, y=y) for p in probs])
    mean = probs.mean(axis=0)
    given = mean[np.arange(len(y)), y]
    rest = mean.copy()
    rest[np.arange(len(y)), y] = -1
    return Doubt(
        probs=probs,
        y=y,
        suspect=suspect,
        rank_score=given - rest.max(axis=1),
        other=rest.argmax(axis=1),
    )


def confident(
    probs: Float[np.ndarray, "n c"], *, y: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Off the diagonal of the confident joint: another class is believed above its own average.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.9, 0.1]])
        >>> confident(p, y=np.array([0, 0, 1, 1])).tolist()
        [False, False, False, True]
    """
    n_classes = probs.shape[1]
    thresholds = np.array(
        [probs[y == c, c].mean() if np.any(y == c) else np.inf for c in range(n_classes)]
    )
    above = np.where(probs >= thresholds, probs, -1.0)
    believed = above.argmax(axis=1)
    sure: Bool[np.ndarray, " n"] = (above.max(axis=1) >= 0) & (believed != y)
    return sure


def deal(
    y: Int[np.ndarray, " n"], *, units: Int[np.ndarray, " n"], folds: int, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """Deal photos into folds, units whole, classes as evenly as units allow."""
    fold = np.empty(len(y), dtype=int)
    names, first, sizes = np.unique(units, return_index=True, return_counts=True)
    fold_of = np.empty(len(names), dtype=int)
    for label in np.unique(y):
        mine = np.flatnonzero(y[first] == label)
        order = rng.permutation(mine)
        order = order[np.argsort(-sizes[order], kind="stable")]
        fold_of[order] = (np.arange(len(order)) + rng.integers(folds)) % folds
    fold[:] = fold_of[np.searchsorted(names, units)]
    return fold


def discriminant(
    z: Float[np.ndarray, "m k"],
    *,
    y: Int[np.ndarray, " m"],
    to: Float[np.ndarray, "q k"],
    n_classes: int,
) -> Float[np.ndarray, "q c"]:
    """Posterior probabilities of a linear discriminant with a shrunk common covariance."""
    counts = np.bincount(y, minlength=n_classes)
    present = counts > 0
    means = np.stack(
        [z[y == c].mean(axis=0) if present[c] else z.mean(axis=0) for c in range(n_classes)]
    )
    rest = z - means[y]
    covariance = rest.T @ rest / len(z)
    k = len(covariance)
    ridge = _SHRINKAGE * np.trace(covariance) / k + 1e-9
    covariance = (1 - _SHRINKAGE) * covariance + ridge * np.eye(k)
    weights = np.linalg.solve(covariance, means.T)
    prior = np.log(np.maximum(counts, 1e-9) / len(y))
    logits = to @ weights - 0.5 * np.sum(means.T * weights, axis=0) + prior
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits)
    shares: Float[np.ndarray, "q c"] = probs / probs.sum(axis=1, keepdims=True)
    return shares


def _reduced(embeddings: Float32[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """Standardised embeddings in their leading principal axes (labels play no part)."""
    x = embeddings.astype(np.float64)
    x -= x.mean(axis=0)
    x /= x.std(axis=0) + 1e-6
    n, d = x.shape
    k = min(_MOST_DIMS, n - 1, d)
    if n <= d:
        squares, vectors = np.linalg.eigh(x @ x.T)
        kept = np.argsort(-squares)[:k]
        scores: Float[np.ndarray, "n k"] = vectors[:, kept] * np.sqrt(np.maximum(squares[kept], 0))
        return scores
    squares, vectors = np.linalg.eigh(x.T @ x)
    z: Float[np.ndarray, "n k"] = x @ vectors[:, np.argsort(-squares)[:k]]
    return z
