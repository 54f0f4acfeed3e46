"""Of each face those that agree with it best, as they are and mirrored, by products of tiles.

Agreement is the same in both directions, and a mirrored pair agrees as its mirror image does: so
half of all tiles tell all, and the even and odd halves of a row tell both ways at once. That is a
quarter of the work of searching twice. Knows nothing of photos.

Law: the answer does not depend on the number of threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int

from mien.audits.structure import HALF
from mien.blas import map_in_threads

# A tile of pairs: its products stay in a core's cache.
_SIDE: Final = 768


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Pairs of rows, in one way, the lower row first.

    Attributes:
        rows: Both rows.
        agreed: Correlation of each pair.
    """

    rows: Int[np.ndarray, "p 2"]
    agreed: Float32[np.ndarray, " p"]


def most_alike(rows: Float32[np.ndarray, "n 576"], *, k: int, least: float) -> tuple[Pairs, Pairs]:
    """Pairs of which one is among the `k` that agree best with the other.

    Args:
        rows: As `structure.structure` gives them.
        k: How many partners of each row.
        least: What agreement must exceed.

    Returns:
        The pairs as they are, and those with one of the two mirrored.
    """
    even, odd = (np.ascontiguousarray(half) for half in (rows[:, :HALF], rows[:, HALF:]))
    ways = _Best(len(rows), k=k, least=least), _Best(len(rows), k=k, least=least)
    starts = range(0, len(rows), _SIDE)

    def compare(tile: tuple[int, int]) -> None:
        here, there = (slice(start, start + _SIDE) for start in tile)
        by_even = even[here] @ even[there].T
        by_odd = odd[here] @ odd[there].T
        for best, products in zip(ways, (by_even + by_odd, by_even - by_odd), strict=True):
            if tile[0] == tile[1]:
                np.fill_diagonal(products, -np.inf)
            else:
                best.offer(tile[1], tile[0], products.T)
            best.offer(tile[0], tile[1], products)

    map_in_threads(compare, [(a, b) for a in starts for b in starts if a <= b])
    plain, mirrored = (best.pairs() for best in ways)
    return plain, mirrored


class _Best:
    """The best partners of each row so far; safe to use from many threads."""

    def __init__(self, n: int, *, k: int, least: float) -> None:
        self._k = k
        self._agreed = np.full((n, k), least, dtype=np.float32)
        self._partner = np.full((n, k), -1, dtype=np.int64)
        self._lock = threading.Lock()

    def offer(self, row: int, column: int, products: Float32[np.ndarray, "h w"]) -> None:
        """Take what is better out of a tile, whose corner is at this row and column."""
        least = self._agreed[row : row + len(products), -1:]  # may be a moment old: then it is less
        better: Bool[np.ndarray, "h w"] = products > least
        rows = np.flatnonzero(better.any(axis=1))
        if not len(rows):
            return
        some = np.ascontiguousarray(products[rows])
        if some.shape[1] > self._k:
            columns = np.argpartition(-some, self._k, axis=1)[:, : self._k]
            some = np.take_along_axis(some, columns, axis=1)
        else:
            columns = np.broadcast_to(np.arange(some.shape[1]), some.shape)
        with self._lock:
            self._merge(rows + row, columns + column, some)

    def _merge(
        self,
        rows: Int[np.ndarray, " r"],
        partners: Int[np.ndarray, "r c"],
        agreed: Float32[np.ndarray, "r c"],
    ) -> None:
        agreed = np.concatenate([self._agreed[rows], agreed], axis=1)
        partners = np.concatenate([self._partner[rows], partners], axis=1)
        # What is no better than the least that is asked goes behind it, as -1 comes first.
        order = np.lexsort((partners, -agreed), axis=1)[:, : self._k]
        self._agreed[rows] = np.take_along_axis(agreed, order, axis=1)
        self._partner[rows] = np.take_along_axis(partners, order, axis=1)

    def pairs(self) -> Pairs:
        """Each pair once."""
        row, place = np.nonzero(self._partner >= 0)
        both = np.sort(np.stack([row, self._partner[row, place]], axis=1), axis=1)
        rows, first = np.unique(both, axis=0, return_index=True)
        return Pairs(rows=rows, agreed=self._agreed[row, place][first])
