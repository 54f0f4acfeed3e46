"""A closer look at many pairs of pictures: only those whose first placing leads anywhere.

Law: as `overlap` of each pair by itself, in less time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from jaxtyping import Complex

from mien.audits.laying import compare, lay
from mien.audits.overlap import HOPEFUL, Overlap, overlap
from mien.audits.packing import decoded
from mien.audits.placing import Seen, by_faces
from mien.blas import map_in_threads

# First placings that a thread compares at once: what is worked on stays in a core's own cache.
_AT_ONCE: Final = 32


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
    seen = map_in_threads(lambda row: _seen(pictures[row], points[row]), rows)
    at_hand = dict(zip(rows, seen, strict=True))

    def look(asked: tuple[tuple[int, int], Sequence[bool]]) -> Overlap | None:
        pair, ways = asked
        first, second = (at_hand[row] for row in pair)
        return overlap(first, second=second, thorough=pairs[pair].thorough, ways=ways)

    promising = _promising(at_hand, pairs)
    looked = zip(promising, map_in_threads(look, list(promising.items())), strict=True)
    return {pair: found for pair, found in looked if found is not None}


def _promising(
    at_hand: Mapping[int, Seen], pairs: Mapping[tuple[int, int], Look]
) -> dict[tuple[int, int], list[bool]]:
    """Pairs and ways that need a look of their own; most end at the first placing of faces.

    Those are compared many at once: one at a time, most of the time goes to calling.
    """
    asked = [(pair, way) for pair, how in pairs.items() for way in how.ways]
    parts = [asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE)]
    hopeful = chain.from_iterable(map_in_threads(lambda part: _hopeful(at_hand, part), parts))
    kept: dict[tuple[int, int], list[bool]] = {}
    for (pair, way), hope in zip(asked, hopeful, strict=True):
        if hope or pairs[pair].thorough:
            kept.setdefault(pair, []).append(way)
    return kept


def _hopeful(
    at_hand: Mapping[int, Seen], asked: Sequence[tuple[tuple[int, int], bool]]
) -> list[bool]:
    """Whether second pictures, mirrored or not, agree with the first where faces lay them."""
    laid = []
    for (i, j), mirrored in asked:
        first, second = at_hand[i], at_hand[j].mirrored if mirrored else at_hand[j]
        start = by_faces(first, second)
        laid.append(None if start is None else lay(first.picture, second.picture, start))
    found = [one for one in laid if one is not None]
    fine = iter(compare(found)[0]) if found else iter(())
    return [one is not None and next(fine) >= HOPEFUL for one in laid]


def _seen(picture: bytes, points: Complex[np.ndarray, " 5"]) -> Seen:
    image = decoded(picture)
    return Seen(picture=image, points=points * max(image.shape))
