"""Which labels are in doubt: confident learning on probabilities that no photo had a say in.

A kernel machine (`audits.kernel`) is fitted on the other folds, in closed form, so that twenty
thousand photos take seconds; several times with the photos dealt anew, so that the doubt itself
has a spread. Where all photos show a face, a second one looks at the faces' edges
(`audits.gradients`), and has the share in the answer that makes held-out labels most probable: a
fifth on the study's photos, half on drawn ones. Units (near copies, photos of one person) are
dealt whole: a twin with the same wrong label must not vouch for it.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", JAIR 70 (2021) 1373-1411: thresholds t_j (equation 2), the confident joint
(equation 1), ranking by normalised margin. D. H. Wolpert, "Stacked Generalization", Neural Networks
5 (1992) 241-259: weighing models by what they say of photos that they have not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from mien.audits.kernel import PENALTIES, Answers, features, held_out
from mien.blas import map_in_threads, one_blas_thread
from mien.head.calibrate import calibrate, log_softmax

Seen: TypeAlias = tuple[Float32[np.ndarray, "n _"], ...]
"""Photos as `kernel.features` places them: by their embeddings and, where all show one, by their
faces."""

FOLDS: Final = 5
REPEATS: Final = 5
# Shares that the second opinion may have.
_SHARES: Final = tuple(i / 10 for i in range(11))


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubt:
    """Probabilities of every photo from models that had not seen it.

    Attributes:
        probs: ``(r, n, c)``, a dealing a row.
        y: ``(n,)`` given classes.
        suspect: ``(r, n)`` whether confident learning counts the photo as mislabelled.
        rank_score: ``(n,)`` margin of the mean scores, given - highest other: low is doubtful.
            Scores rank better than probabilities, which are all near 1 and 0 (docs/log.md).
        other: ``(n,)`` the class that the models believe instead of the given one.
        share: Of the second opinion in the answer, 0 where there is none.
    """

    probs: Float[np.ndarray, "r n c"]
    y: Int[np.ndarray, " n"]
    suspect: Bool[np.ndarray, "r n"]
    rank_score: Float[np.ndarray, " n"]
    other: Int[np.ndarray, " n"]
    share: float

    @property
    def accuracy(self) -> Float[np.ndarray, " r"]:
        """Out-of-fold accuracy against the given labels, of each dealing."""
        right: Float[np.ndarray, " r"] = np.mean(self.probs.argmax(axis=2) == self.y, axis=1)
        return right


@one_blas_thread()
def see(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    faces: Float32[np.ndarray, "n g"] | None = None,
    rng: np.random.Generator,
) -> Seen:
    """Place photos for `doubt`, which asks about them many times.

    Args:
        embeddings: One a photo.
        faces: What the second opinion goes by, `gradients.gradients`; None for none.
        rng: Chooses the landmarks where there are many photos.
    """
    return tuple(features(x, rng=rng) for x in (embeddings, faces) if x is not None)


@one_blas_thread()
def doubt(
    seen: Seen,
    *,
    y: Int[np.ndarray, " n"],
    units: Int[np.ndarray, " n"],
    n_classes: int,
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> Doubt:
    """Cross-validate repeatedly and find the labels that the models do not believe.

    Args:
        seen: The photos, by `see`.
        y: Given classes.
        units: Photos with equal numbers are held out together.
        n_classes: How many classes there are; some may have no photo.
        rng: Deals the photos.
        repeats: Dealings.
    """
    penalties: list[Sequence[float]] = [PENALTIES for _ in seen]
    scores, probs = np.zeros((2, repeats, len(y), n_classes))
    share: float | None = None
    for r in range(repeats):
        fold = deal(y, units=units, folds=FOLDS, rng=rng)
        told = _told(seen, penalties, y=y, fold=fold, n_classes=n_classes)
        # By the first dealing: others would choose these or the next.
        penalties = [(one.penalty,) for one in told]
        first, second = told[0].scores, told[-1].scores
        if share is None:
            share = 0.0 if len(seen) == 1 else _share(first, second, y=y)
        scores[r] = (1 - share) * first + share * second
        probs[r] = np.exp(_log_probs(scores[r], y=y))
    rest = scores.mean(axis=0)
    given = rest[np.arange(len(y)), y]
    rest[np.arange(len(y)), y] = -np.inf
    return Doubt(
        probs=probs,
        y=y,
        suspect=np.stack([confident(p, y=y) for p in probs]),
        rank_score=given - rest.max(axis=1),
        other=rest.argmax(axis=1),
        share=share or 0.0,
    )


def _told(
    seen: Seen,
    penalties: Sequence[Sequence[float]],
    *,
    y: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    n_classes: int,
) -> list[Answers]:
    """What each opinion says of photos of other folds."""
    asked = list(zip(seen, penalties, strict=True))
    return map_in_threads(
        lambda one: held_out(one[0], y=y, fold=fold, n_classes=n_classes, penalties=one[1]), asked
    )


def _share(
    first: Float[np.ndarray, "n c"], second: Float[np.ndarray, "n c"], *, y: Int[np.ndarray, " n"]
) -> float:
    """What the second answers should count so that the given classes are most probable."""
    blends = [(1 - share) * first + share * second for share in _SHARES]
    likely = [_log_probs(blend, y=y)[np.arange(len(y)), y].mean() for blend in blends]
    return _SHARES[int(np.argmax(likely))]


def _log_probs(
    scores: Float[np.ndarray, "n c"], *, y: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n c"]:
    """Scores as logarithms of probabilities, at the one temperature that fits them best."""
    return log_softmax(scores / calibrate(scores, y_true=y).temperature)


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
