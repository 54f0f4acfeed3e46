"""A closer look at two pictures: is there a place, size and turn at which one lies on the other?

`align` tries crops of squashed thumbnails, by the thousand. Here few pairs are looked at, each at
its own shape: landmarks of faces, or points that both pictures have in common, give a first
placing (`placing`); it is refined; then what both show is compared block by block, like thumbnails
are (`laying`).

Knows nothing of files. Law: the answer does not depend on the pictures' order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.audits.laying import compare, lay
from mien.audits.perceptual import Grey
from mien.audits.placing import Placing, Seen, by_faces, by_points, refined

# Agreement of a first placing by faces that is worth refining: different photos stay below 0.2,
# and one that needs no better is plain. Both of the fine structure, see `Overlap.fine`.
HOPEFUL: Final = 0.15
_PLAIN: Final = 0.985
# And what the first refining must have reached for the second, dearer one to be worth it: 288 true
# pairs all reached 0.86, no two different photos of the study 0.6 (docs/log.md).
_PROMISING: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How well two pictures agree where both show something.

    Attributes:
        fine: Correlation of the fine structure, the median over blocks.
        covered: Share of the blocks with structure whose correlation is above 0.5.
        n_blocks: Blocks that have any structure, of 64.
        kept: The share of the larger scene that both show.
        turned: By how many degrees the second is turned against the first.
        mirrored: Whether the second was mirrored.
    """

    fine: float
    covered: float
    n_blocks: int
    kept: float
    turned: float
    mirrored: bool


def overlap(
    first: Seen, *, second: Seen, thorough: bool = True, ways: Sequence[bool] = (False, True)
) -> Overlap | None:
    """Lay one picture on the other and compare.

    Args:
        first: A picture.
        second: Another.
        thorough: Whether to search for points in common where faces tell nothing.
        ways: Whether to mirror the second: try not, try it, or both.

    Returns:
        The best of the ways; None where no placing was found.
    """
    best: Overlap | None = None
    for mirrored in ways:
        other = second.mirrored if mirrored else second
        # Where one way is plain, the faces alone may say that the other is plainer still.
        search = thorough and not (best and best.fine > _PLAIN)
        best = _better(best, _one_way(first, other, mirrored=mirrored, thorough=search))
    return best


def _one_way(first: Seen, second: Seen, *, mirrored: bool, thorough: bool) -> Overlap | None:
    """Place by the faces and, where asked, by points in common; refine what is promising."""
    best: Overlap | None = None
    for start, needed in _starts(first, second, thorough=thorough):
        found = _compared(first.picture, second.picture, start, mirrored=mirrored)
        best = _better(best, found)
        if best and best.fine > _PLAIN:
            break
        if found is None or found.fine < needed:
            continue
        for placing in refined(first.picture, second.picture, start):
            found = _compared(first.picture, second.picture, placing, mirrored=mirrored)
            best = _better(best, found)
            if found is None or not _PROMISING < found.fine < _PLAIN:
                break
    return best


def _better(one: Overlap | None, other: Overlap | None) -> Overlap | None:
    if one is None or other is None:
        return one or other
    return other if other.fine > one.fine else one


def _starts(first: Seen, second: Seen, *, thorough: bool) -> Iterator[tuple[Placing, float]]:
    """First placings, and how well each must agree to be worth refining."""
    start = by_faces(first, second)
    if start is not None:
        yield start, HOPEFUL
    start = by_points(first, second) if thorough else None
    if start is not None:
        yield start, -1.0


def _compared(first: Grey, second: Grey, placing: Placing, *, mirrored: bool) -> Overlap | None:
    """Sample both on one grid over what both show, and compare the blocks."""
    laid = lay(first, second, placing)
    if laid is None:
        return None
    fine, covered, n_blocks = compare([laid])
    return Overlap(
        fine=float(fine[0]),
        covered=float(covered[0]),
        n_blocks=int(n_blocks[0]),
        kept=laid.kept,
        turned=float(np.degrees(np.arctan2(placing[1, 0], placing[0, 0]))),
        mirrored=mirrored,
    )
