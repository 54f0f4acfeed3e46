"""Neighbours in embedding space, by blocked matrix products: no loop over pairs in Python.

Knows nothing of photos. Law: similarity is the cosine after centring; ties go to the lower row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int

# Wider embeddings are projected; a random projection to 256 keeps cosines to some 0.05, and only
# an order of neighbours is wanted of it.
_MOST_DIMS: Final = 256
_BLOCK: Final = 1024
K: Final = 4


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """One of the nearest neighbours of a row.

    Attributes:
        first: The lower row.
        second: The higher row.
        similarity: Cosine of the centred embeddings, -1 to 1.
    """

    first: int
    second: int
    similarity: float


def nearest(
    embeddings: Float32[np.ndarray, "m d"], *, rows: Int[np.ndarray, " m"], k: int = K
) -> list[Neighbour]:
    """The `k` nearest neighbours of every row, each pair once.

    Args:
        embeddings: One a row.
        rows: How the answer should number them.
        k: Neighbours of each.
    """
    m = len(embeddings)
    if m < 2:
        return []
    unit = _unit(embeddings)
    k = min(k, m - 1)
    pairs: dict[tuple[int, int], float] = {}
    for start in range(0, m, _BLOCK):
        block = unit[start : start + _BLOCK] @ unit.T
        at = np.arange(len(block))
        block[at, start + at] = -np.inf
        best = np.argpartition(-block, k - 1, axis=1)[:, :k]
        score = np.take_along_axis(block, best, axis=1)
        for row, (others, scores) in enumerate(zip(best.tolist(), score.tolist(), strict=True)):
            for other, similarity in zip(others, scores, strict=True):
                a, b = sorted((int(rows[start + row]), int(rows[other])))
                pairs[a, b] = similarity
    return [
        Neighbour(first=a, second=b, similarity=round(float(s), 4))
        for (a, b), s in sorted(pairs.items())
    ]


def _unit(embeddings: Float32[np.ndarray, "m d"]) -> Float32[np.ndarray, "m k"]:
    centred = embeddings - embeddings.mean(axis=0)
    if centred.shape[1] > _MOST_DIMS:
        # Fixed, not seeded by the user: neighbours are a property of the photos.
        rng = np.random.default_rng(0)
        axes = rng.standard_normal((centred.shape[1], _MOST_DIMS)).astype(np.float32)
        centred = centred @ axes
    unit: Float32[np.ndarray, "m k"] = centred / (
        np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
    )
    return unit
