"""Two pictures laid on each other: what both show, sampled on one grid and compared by blocks.

Borders, bands and what was cut off lie outside and do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float32

from mien.audits.align import compare_blocks
from mien.audits.perceptual import Grey
from mien.audits.placing import Placing, is_plausible
from mien.face.resize import opencv

_GRID: Final = 64
# What both show must be this much of the smaller picture: less is a detail, not a copy.
_LEAST_SHOWN: Final = 0.35


@dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """What both pictures show, sampled on one grid.

    Attributes:
        first: From the first picture.
        second: From the second.
        seen: Where both have pixels.
        kept: The share of the larger scene that both show.
    """

    first: Float32[np.ndarray, "64 64"]
    second: Float32[np.ndarray, "64 64"]
    seen: Bool[np.ndarray, "64 64"]
    kept: float


def lay(first: Grey, second: Grey, placing: Placing) -> Laid | None:
    """Both pictures where they lie on each other; None where they hardly do."""
    if not is_plausible(placing):
        return None
    left, top, right, bottom = _both_show(first, second, placing)
    if right - left < 8 or bottom - top < 8:
        return None
    of_first = abs(float(np.linalg.det(placing[:, :2])))
    grid = np.array(
        [[(right - left) / _GRID, 0, left], [0, (bottom - top) / _GRID, top]], dtype=np.float32
    )
    a, seen = _sampled(first, _chained(placing, grid))
    b, whole = _sampled(second, grid)
    seen &= whole
    shown = float(seen.mean()) * (right - left) * (bottom - top)
    shares = (shown * of_first / first.size, shown / second.size)
    if max(shares) < _LEAST_SHOWN:
        return None
    return Laid(first=a, second=b, seen=seen, kept=float(min(1.0, *shares)))


def _both_show(first: Grey, second: Grey, placing: Placing) -> tuple[float, float, float, float]:
    """The box in the second picture around what both show."""
    height, width = first.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=float)
    back = np.linalg.inv(np.vstack([placing, [0, 0, 1]]).astype(float))
    x, y = (back @ corners.T)[:2]
    return (
        max(0.0, float(x.min())),
        max(0.0, float(y.min())),
        min(float(second.shape[1]), float(x.max())),
        min(float(second.shape[0]), float(y.max())),
    )


def _chained(outer: Placing, inner: Placing) -> Placing:
    chained: Placing = (np.vstack([outer, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]]))[:2].astype(
        np.float32
    )
    return chained


def _sampled(picture: Grey, grid: Placing) -> tuple[Float32[np.ndarray, "64 64"], Any]:
    """The picture at the grid's points, blurred to the grid's width, and where it has pixels."""
    cv2 = opencv()
    # Pixel centres lie at half numbers: shift before and after.
    moved = grid.copy()
    moved[:, 2] += 0.5 * (grid[:, 0] + grid[:, 1]) - 0.5
    step = float(np.sqrt(abs(np.linalg.det(grid[:, :2]))))
    soft = picture.astype(np.float32)
    if step > 1:
        soft = cv2.GaussianBlur(soft, (0, 0), 0.45 * step)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(
        soft, moved, (_GRID, _GRID), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(np.ones_like(soft), moved, (_GRID, _GRID), flags=flags)
    return values, inside > 0.99


def compare(laid: Sequence[Laid]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return compare_blocks(
        np.stack([one.first for one in laid]),
        second=np.stack([one.second for one in laid]),
        seen=np.stack([one.seen for one in laid]),
    )
