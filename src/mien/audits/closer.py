"""A closer look at many pairs of pictures: only those whose first placing leads anywhere.

Law: as `overlap` of each pair by itself, in less time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Complex

from mien.audits.laying import Laid, compare, lay
from mien.audits.overlap import HOPEFUL, Overlap, overlap
from mien.audits.packing import decoded
from mien.audits.placing import Seen, by_faces
from mien.blas import one_blas_thread

# First placings that are compared at once.
_AT_ONCE: Final = 256


@dataclass(frozen=True, kw_only=True)
class Look:
    """How to look at a pair.

    Attributes:
        thorough: Whether to search for points in common where faces tell nothing.
        ways: Whether to mirror the second: ``False``, ``True`` or both are tried.
    """

    thorough: bool
    ways: tuple[bool, ...] = (False, True)


def look_closer(
    pictures: Sequence[bytes],
    *,
    points: Complex[np.ndarray, "n 5"],
    pairs: Mapping[tuple[int, int], Look],
) -> dict[tuple[int, int], Overlap]:
    """`overlap` of each pair of rows whose first placing leads anywhere.

    Args:
        pictures: As `packing.pack` gives them.
        points: Landmarks in shares of the longer side, NaN where unknown.
        pairs: Rows, and how to look at them.
    """
    rows = sorted({row for pair in pairs for row in pair})
    at_hand = {row: _seen(pictures[row], points[row]) for row in rows}

    def look(pair: tuple[int, int], ways: Sequence[bool]) -> Overlap | None:
        first, second = (at_hand[row] for row in pair)
        return overlap(first, second=second, thorough=pairs[pair].thorough, ways=ways)

    with one_blas_thread(), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        promising = _promising(at_hand, pairs, pool)
        looked = zip(promising, pool.map(look, promising, promising.values()), strict=True)
        return {pair: found for pair, found in looked if found is not None}


def _promising(
    at_hand: Mapping[int, Seen], pairs: Mapping[tuple[int, int], Look], pool: Executor
) -> dict[tuple[int, int], list[bool]]:
    """Pairs and ways that need a look of their own; most end at the first placing of faces.

    Those are compared many at once: one at a time, most of the time goes to calling.
    """
    asked = [(pair, way) for pair, how in pairs.items() for way in how.ways]
    kept: dict[tuple[int, int], list[bool]] = {}
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        laid = list(pool.map(lambda one: _laid(at_hand, *one), some))
        found = [one for one in laid if one is not None]
        fine = iter(compare(found)[0]) if found else iter(())
        hopeful = [one is not None and next(fine) >= HOPEFUL for one in laid]
        for (pair, way), hope in zip(some, hopeful, strict=True):
            if hope or pairs[pair].thorough:
                kept.setdefault(pair, []).append(way)
    return kept


def _laid(at_hand: Mapping[int, Seen], pair: tuple[int, int], mirrored: bool) -> Laid | None:
    """The second picture laid on the first by their faces."""
    first, second = (at_hand[row] for row in pair)
    second = second.mirrored if mirrored else second
    start = by_faces(first, second)
    return None if start is None else lay(first.picture, second.picture, start)


def _seen(picture: bytes, points: Complex[np.ndarray, " 5"]) -> Seen:
    image = decoded(picture)
    return Seen(picture=image, points=points * max(image.shape))
