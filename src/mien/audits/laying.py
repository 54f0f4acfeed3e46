"""Two pictures laid on each other: what both show, sampled on one grid and compared by blocks.

Borders, bands and what was cut off lie outside and do not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32

from mien.audits.align import compare_blocks
from mien.audits.perceptual import Grey
from mien.audits.placing import Placing, is_plausible
from mien.face.resize import opencv

_GRID: Final = 64
# What both show must be this much of the smaller picture: less is a detail, not a copy.
_LEAST_SHOWN: Final = 0.35
_STEPS: Final = np.arange(_GRID, dtype=np.float64)
# Half of the part of a pixel by which OpenCV reads between pixels.
_EDGE: Final = 1 / 64


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
    grid = ((right - left) / _GRID, 0.0, left), (0.0, (bottom - top) / _GRID, top)
    a, seen = _sampled(first, _chained(placing, grid))
    b, whole = _sampled(second, grid)
    seen &= whole
    shown = float(seen.mean()) * (right - left) * (bottom - top)
    shares = (shown * abs(_determinant(placing.tolist())) / first.size, shown / second.size)
    if max(shares) < _LEAST_SHOWN:
        return None
    return Laid(first=a, second=b, seen=seen, kept=float(min(1.0, *shares)))


# Two rows of a placing. Plain numbers: NumPy's calls took most of the time of two by two.
_Rows: TypeAlias = Sequence[Sequence[float]]


def _determinant(rows: _Rows) -> float:
    return rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]


def _both_show(first: Grey, second: Grey, placing: Placing) -> tuple[float, float, float, float]:
    """The box in the second picture around what both show."""
    height, width = first.shape
    (a, b, x), (c, d, y) = rows = placing.tolist()
    scale = 1 / _determinant(rows)
    corners = [(i - x, j - y) for i in (0, width) for j in (0, height)]
    across = [(d * i - b * j) * scale for i, j in corners]
    down = [(a * j - c * i) * scale for i, j in corners]
    return (
        max(0.0, min(across)),
        max(0.0, min(down)),
        min(float(second.shape[1]), max(across)),
        min(float(second.shape[0]), max(down)),
    )


def _chained(outer: Placing, inner: _Rows) -> _Rows:
    (a, b, x), (c, d, y) = inner
    return [(p * a + q * c, p * b + q * d, p * x + q * y + r) for p, q, r in outer.tolist()]


def _sampled(
    picture: Grey, grid: _Rows
) -> tuple[Float32[np.ndarray, "64 64"], Bool[np.ndarray, "64 64"]]:
    """The picture at the grid's points, blurred to the grid's width, and where it has pixels."""
    cv2 = opencv()
    # Pixel centres lie at half numbers: shift before and after.
    moved = [(a, b, c + 0.5 * (a + b) - 0.5) for a, b, c in grid]
    step = math.sqrt(abs(_determinant(grid)))
    soft = picture.astype(np.float32)
    if step > 1:
        soft = cv2.GaussianBlur(soft, (0, 0), 0.45 * step)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(
        soft, np.array(moved), (_GRID, _GRID), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    height, width = picture.shape
    (a, b, x), (c, d, y) = moved
    across, down = a * _STEPS + (b * _STEPS + x)[:, None], c * _STEPS + (d * _STEPS + y)[:, None]
    inside = (across >= -_EDGE) & (across <= width - 1 + _EDGE)
    inside &= (down >= -_EDGE) & (down <= height - 1 + _EDGE)
    return values, inside


def compare(laid: Sequence[Laid]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return compare_blocks(
        np.stack([one.first for one in laid]),
        second=np.stack([one.second for one in laid]),
        seen=np.stack([one.seen for one in laid]),
    )
