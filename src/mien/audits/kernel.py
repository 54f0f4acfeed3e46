"""Kernel ridge classification in closed form, each photo judged by photos of other folds.

Embeddings are compared by a Gaussian kernel; photos beyond `MOST_LANDMARKS` are placed by their
likeness to that many of them (Nyström), so that the cost grows with the photos and not with their
square. The penalty is the one whose answers to the held-out photos err least.

Sources: C. Saunders, A. Gammerman, V. Vovk, "Ridge Regression Learning Algorithm in Dual
Variables", ICML 1998; C. K. I. Williams, M. Seeger, "Using the Nyström Method to Speed Up Kernel
Machines", NIPS 2000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int

from mien.blas import map_in_threads

MOST_LANDMARKS: Final = 512
# Against the mean squared length of the standardised embeddings. Between 0.1 and 1 the ranking of
# doubtful labels is alike on the study's photos and on drawn ones (docs/log.md).
_WIDTH: Final = 0.3
# So many photos are placed at once: standardised copies of all would take hundreds of megabytes.
_BLOCK: Final = 1024
PENALTIES: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Answers to photos that had no say in them.

    Attributes:
        scores: ``(n, c)``, towards 1 for the class that the other photos speak for.
        penalty: The one chosen.
    """

    scores: Float[np.ndarray, "n c"]
    penalty: float


def features(
    embeddings: Float32[np.ndarray, "n d"], *, rng: np.random.Generator
) -> Float32[np.ndarray, "n m"]:
    """Places whose inner products are the kernel, exactly for up to `MOST_LANDMARKS` photos.

    Args:
        embeddings: One a photo.
        rng: Chooses the landmarks where there are more photos.
    """
    from sklearn.kernel_approximation import Nystroem

    n, d = embeddings.shape
    mean, deviation = _moments(embeddings)
    scale = np.sqrt(np.float32(d)) * (deviation + np.float32(1e-6))
    length = float(np.sum((deviation / scale) ** 2))
    chosen = np.sort(rng.permutation(n)[:MOST_LANDMARKS])
    # In double precision: directions in which the landmarks hardly differ are made large, and with
    # them, in single precision, rounding of a tenth of all that photos differ by.
    place = Nystroem(
        gamma=_WIDTH / max(length, 1e-9), n_components=len(chosen), random_state=0
    ).fit(((embeddings[chosen] - mean) / scale).astype(np.float64))
    placed = np.empty((n, len(chosen)), dtype=np.float32)

    def fill(rows: slice) -> None:
        placed[rows] = place.transform(((embeddings[rows] - mean) / scale).astype(np.float64))

    map_in_threads(fill, list(_blocks(n)))
    return placed


def _moments(
    embeddings: Float32[np.ndarray, "n d"],
) -> tuple[Float32[np.ndarray, " d"], Float32[np.ndarray, " d"]]:
    """Mean and standard deviation of each column, without a copy of all that is less its mean."""
    n = len(embeddings)
    mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    squares = np.zeros(len(mean))
    for rows in _blocks(n):
        squares += np.square(embeddings[rows] - mean).sum(axis=0, dtype=np.float64)
    return mean, np.sqrt(squares / n).astype(np.float32)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, n, _BLOCK))


def held_out(
    z: Float32[np.ndarray, "n m"],
    *,
    y: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    n_classes: int,
    penalties: Sequence[float] = PENALTIES,
) -> Answers:
    """What the photos of the other folds say of each photo.

    Args:
        z: `features`.
        y: Given classes.
        fold: Photos of one fold are judged together by all others.
        n_classes: How many classes there are; some may have no photo.
        penalties: Those to choose from.
    """
    from scipy.linalg import solve

    given = np.eye(n_classes, dtype=np.float32)[y]
    squares, sums, totals = z.T @ z, z.T @ given, z.sum(axis=0)
    answers = np.zeros((len(penalties), len(y), n_classes))
    for k in np.unique(fold):
        held = z[fold == k]
        mean = given[fold != k].mean(axis=0)
        rest = (squares - held.T @ held).astype(np.float64)
        aims = sums - held.T @ given[fold == k] - np.outer(totals - held.sum(axis=0), mean)
        for i, penalty in enumerate(penalties):
            ridge = rest + penalty * np.eye(len(rest))
            weights = solve(ridge, aims, assume_a="pos", check_finite=False)
            answers[i, fold == k] = mean + held @ weights.astype(np.float32)
    errors = [float(np.sum((answer - given) ** 2)) for answer in answers]
    best = int(np.argmin(errors))
    return Answers(scores=answers[best], penalty=penalties[best])
