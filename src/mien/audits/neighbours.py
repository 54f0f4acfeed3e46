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
    best, score = _most_alike(unit, k=k)
    numbers = rows.tolist()
    for number, others, scores in zip(numbers, best.tolist(), score.tolist(), strict=True):
        for other, similarity in zip(others, scores, strict=True):
            a, b = sorted((number, numbers[other]))
            pairs[a, b] = similarity
    return [
        Neighbour(first=a, second=b, similarity=round(float(s), 4))
        for (a, b), s in sorted(pairs.items())
    ]


def _most_alike(
    rows: Float32[np.ndarray, "m d"], *, k: int
) -> tuple[Int[np.ndarray, "m k"], Float32[np.ndarray, "m k"]]:
    """Of each row of length 1, the `k` others with the largest products.

    Returns:
        Numbers of the others, the most alike first, and the products.
    """
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows))
    products, found = index.search(np.ascontiguousarray(rows), k + 1)
    # A row's own number goes last, and with it, or with the last of the others, one goes out.
    own = found == np.arange(len(rows))[:, None]
    order = np.argsort(own, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(products, order, axis=1)


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
