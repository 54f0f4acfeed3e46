"""Whether one thumbnail shows a part of the other: aligned first, then compared where it matters.

Two portraits on a white wall agree in their low frequencies although nobody copied anything; a
copy agrees in its fine structure, once the crop between the two is undone. So the crop is fitted
(Gauss-Newton on the enhanced correlation of Evangelidis and Psarakis, IEEE TPAMI 30 (2008)
1858-1865, with shift and scale as its four parameters; inverse compositional, Baker and Matthews,
IJCV 56 (2004) 221-255), and the correlation of what is left after blurring is judged block by
block: a banner or a logo spoils some blocks, another photo all.

Knows nothing of files. Law: thumbnails are uint8 ``(64, 64)``, as `perceptual` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mien.blas import map_in_threads
from mien.face.resize import opencv

# Coarse steps at 32 x 32, then fine ones at 64 x 64. Measured: more of them find no more of 5,700
# changed pairs (docs/log.md).
_STEPS: Final = (8, 3)
# Pairs at once: what is worked on then fits into a core's own cache.
_BATCH: Final = 16
# Batches for which threads are worth their start.
_MANY: Final = 4
_BLOCKS: Final = 8
# A block whose fine structure has less contrast than this (in grey levels) says nothing.
_FLAT: Final = 1.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """How well pairs of thumbnails agree after alignment.

    Attributes:
        fine: ``(p,)`` correlation of the fine structure, -1 to 1, the median over blocks.
        covered: ``(p,)`` share of the blocks with structure whose correlation is above 0.5.
        n_blocks: ``(p,)`` blocks that have any structure, of 64.
        whole: ``(p,)`` correlation of the aligned thumbnails as they are.
        kept: ``(p,)`` area of the first that the second shows.
    """

    fine: Float[np.ndarray, " p"]
    covered: Float[np.ndarray, " p"]
    n_blocks: Int[np.ndarray, " p"]
    whole: Float[np.ndarray, " p"]
    kept: Float[np.ndarray, " p"]


def match(
    first: UInt8[np.ndarray, "p 64 64"],
    *,
    second: UInt8[np.ndarray, "p 64 64"],
    crops: Float[np.ndarray, "p 4"],
) -> Match:
    """Align each second thumbnail with a crop of the first and compare them.

    Args:
        first: What may show more.
        second: What may be a crop of it; mirrored beforehand where that is the question.
        crops: Left, top, width, height in shares of the first: where to start.
    """
    starts = range(0, len(first), _BATCH)

    def aligned(i: int) -> tuple[np.ndarray, ...]:
        pair = (images[i : i + _BATCH].astype(np.float32) for images in (first, second, crops))
        return _match(*pair)

    few = len(starts) < _MANY
    parts = list(map(aligned, starts)) if few else map_in_threads(aligned, starts)
    if not parts:
        none = np.zeros(0)
        return Match(fine=none, covered=none, n_blocks=none.astype(int), whole=none, kept=none)
    fine, covered, n_blocks, whole, kept = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Match(fine=fine, covered=covered, n_blocks=n_blocks, whole=whole, kept=kept)


def _match(
    first: Float[np.ndarray, "p 64 64"],
    second: Float[np.ndarray, "p 64 64"],
    crops: Float[np.ndarray, "p 4"],
) -> tuple[np.ndarray, ...]:
    # Gain and offset are free: without their means, sums of squares lose no digits.
    first = first - first.mean(axis=(1, 2), keepdims=True)
    target = _normal(second)
    fitted = _fit(_halved(first), _normal(_halved(second)), crops, steps=_STEPS[0])
    fitted = _fit(first, target, fitted, steps=_STEPS[1])
    # A banner in one of the two pulls the fit its way: where the start was better, it stands.
    blocks = _blocks_of(second)
    tries = [_agreement(first, blocks, target, start) for start in (fitted, crops)]
    better = tries[1][0] > tries[0][0]
    return tuple(np.where(better, b, a) for a, b in zip(*tries, strict=True))


def _agreement(
    first: Float[np.ndarray, "p 64 64"],
    second: _Blocks,
    target: Float[np.ndarray, "p 64 64"],
    crops: Float[np.ndarray, "p 4"],
) -> tuple[np.ndarray, ...]:
    seen = np.empty_like(first)
    _Reading(first[:, None]).at(crops, out=seen[:, None])
    fine, covered, n_blocks = _compare(_blocks_of(seen), second)
    whole = _means_of_products(_normal(seen), target)
    return fine, covered, n_blocks, whole, crops[:, 2] * crops[:, 3]


def _fit(
    first: Float[np.ndarray, "p h w"],
    target: Float[np.ndarray, "p h w"],
    crops: Float[np.ndarray, "p 4"],
    *,
    steps: int,
) -> Float[np.ndarray, "p 4"]:
    """Improve crops: least squares of gain * first(crop) + offset - target, linearised.

    The target is moved towards the crop, and the crop then the other way: so slopes are the
    target's, the same in each step, and a step is one reading and one product.
    """
    p, side, _ = first.shape
    n = side * side
    rows = _rows(target).reshape(p, 6, n)
    slopes = rows[:, _SLOPES]
    sums = (slopes @ rows.transpose(0, 2, 1)).astype(np.float64)
    # What a gain and an offset do already is no business of moving.
    free = sums[:, :, [_TARGET, _ONES]] / n
    hessian = sums[:, :, _SLOPES] - n * free @ free.transpose(0, 2, 1)
    diagonal = np.einsum("pii->pi", hessian)  # a view
    diagonal += (1e-3 / 4) * diagonal.sum(axis=1, keepdims=True) + 1e-3
    solved = np.linalg.inv(hessian)
    reading = _Reading(first[:, None])
    seen = np.empty((p, 1, side, side), np.float32)
    now, best = crops, crops
    best_score = np.full(p, -np.inf)
    for step in range(steps + 1):
        reading.at(now, out=seen)
        products = (rows @ seen.reshape(p, n, 1))[:, :, 0].astype(np.float64)
        mean = products[:, _ONES] / n
        square = _means_of_products(seen[:, 0], seen[:, 0]) - mean**2
        products /= np.sqrt(square.clip(0))[:, None] + 1e-3
        better = products[:, _TARGET] / n > best_score
        best = np.where(better[:, None], now, best)
        best_score = np.where(better, products[:, _TARGET] / n, best_score)
        if step < steps:
            error = products[:, _SLOPES] - np.einsum(
                "pij,pj->pi", free, products[:, [_TARGET, _ONES]]
            )
            now = _moved(now, np.einsum("pij,pj->pi", solved, error))
    return best


# The rows of `_fit`'s matrix.
_SLOPES: Final = slice(0, 4)
_TARGET: Final = 4
_ONES: Final = 5
# How far one step may move a crop, and by how much it may stretch it.
_MOST_MOVED: Final = (0.03, 0.06)


def _rows(target: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p 6 h w"]:
    """A picture's two slopes a picture's width, the same times where they are, itself, and ones."""
    p, side, _ = target.shape
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side - np.float32(0.5)
    rows = np.ones((p, 6, side, side), np.float32)
    for along, other in ((rows[:, 0], target), (_turned(rows[:, 1]), _turned(target))):
        along[:, :, 1:-1] = other[:, :, 2:] - other[:, :, :-2]
        along[:, :, 0] = 2 * (other[:, :, 1] - other[:, :, 0])
        along[:, :, -1] = 2 * (other[:, :, -1] - other[:, :, -2])
    rows[:, :2] *= np.float32(side / 2)
    np.multiply(rows[:, 0], grid, out=rows[:, 2])
    np.multiply(rows[:, 1], grid[:, None], out=rows[:, 3])
    rows[:, _TARGET] = target
    return rows


def _turned(images: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p w h"]:
    return images.transpose(0, 2, 1)


def _moved(
    crops: Float[np.ndarray, "p 4"], by: Float[np.ndarray, "p 4"]
) -> Float[np.ndarray, "p 4"]:
    """Crops after the target was moved and stretched about its middle: the other way."""
    shift = by[:, :2].clip(-_MOST_MOVED[0], _MOST_MOVED[0])
    stretch = by[:, 2:].clip(-_MOST_MOVED[1], _MOST_MOVED[1])
    size = crops[:, 2:] / (1 + stretch)
    corner = crops[:, :2] + size * (stretch / 2 - shift)
    now: Float[np.ndarray, "p 4"] = np.concatenate(
        [corner.clip(-0.05, 0.6), size.clip(0.4, 1.1)], axis=1
    ).astype(np.float32)
    return now


def _normal(images: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p h w"]:
    """Each of mean 0 and deviation 1."""
    normal: Float[np.ndarray, "p h w"] = images - images.mean(axis=(1, 2), keepdims=True)
    deviation = np.sqrt(_means_of_products(normal, normal)) + np.float32(1e-3)
    normal /= deviation[:, None, None]
    return normal


def _means_of_products(
    a: Float[np.ndarray, "*n h w"], b: Float[np.ndarray, "*n h w"]
) -> Float[np.ndarray, " *n"]:
    """The mean of each image's product with the other."""
    n = a.shape[-2] * a.shape[-1]
    shape = (*a.shape[:-2], 1, n)
    products = a.reshape(shape) @ b.reshape(shape).swapaxes(-1, -2)
    means: Float[np.ndarray, " *n"] = products[..., 0, 0] / np.float32(n)
    return means


class _Reading:
    """Reads images inside their crop at their own number of pixels, bilinear; edges are repeated.

    Reads into the same memory again and again: new memory of this size takes longer to get than
    the reading.

    Args:
        layers: Images of one crop each.
    """

    def __init__(self, layers: Float[np.ndarray, "p k h w"]) -> None:
        p, k, side, _ = layers.shape
        self._layers = layers.reshape(p, k * side, side)
        self._across = np.empty((p, k, side, side), np.float32)
        self._grid = (np.arange(side, dtype=np.float32) + 0.5) / side

    def at(self, crops: Float[np.ndarray, "p 4"], *, out: Float[np.ndarray, "p k h w"]) -> None:
        side = len(self._grid)
        x = _weights((crops[:, 0:1] + crops[:, 2:3] * self._grid) * side - 0.5, side)
        y = _weights((crops[:, 1:2] + crops[:, 3:4] * self._grid) * side - 0.5, side)
        np.matmul(self._layers, x.transpose(0, 2, 1), out=self._across.reshape(self._layers.shape))
        np.matmul(y[:, None], self._across, out=out)


def _weights(at: Float[np.ndarray, "p m"], side: int) -> Float[np.ndarray, "p m w"]:
    """Bilinear weights as matrices: a product with each axis samples all pairs at once."""
    p, m = at.shape
    at = np.clip(at, 0, side - 1).reshape(-1)
    low = np.minimum(at.astype(np.intp), side - 2)
    share = at - low.astype(np.float32)
    weights = np.zeros(p * m * side, np.float32)
    low += np.arange(0, p * m * side, side)
    weights[low] = 1 - share
    low += 1
    weights[low] = share
    matrices: Float[np.ndarray, "p m w"] = weights.reshape(p, m, side)
    return matrices


def _halved(images: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p k k"]:
    rows = images[:, ::2] + images[:, 1::2]
    halves: Float[np.ndarray, "p k k"] = rows[:, :, ::2] + rows[:, :, 1::2]
    halves *= 0.25
    return halves


def _blurred(images: Float[np.ndarray, "p h w"], radius: int) -> Float[np.ndarray, "p h w"]:
    cv2 = opencv()
    blurred, window = np.empty_like(images), (2 * radius + 1, 2 * radius + 1)
    for image, out in zip(images, blurred, strict=True):
        cv2.blur(image, window, dst=out, borderType=cv2.BORDER_REPLICATE)
    return blurred


def compare_blocks(
    first: Float[np.ndarray, "p h w"],
    *,
    second: Float[np.ndarray, "p h w"],
    seen: Bool[np.ndarray, "p h w"] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare the fine structure of aligned images block by block.

    Args:
        first: Images, 64 x 64.
        second: The others, aligned.
        seen: Where both have pixels; blocks that are not whole do not count. All when None.

    Returns:
        `fine`, `covered` and `n_blocks` of `Match`.
    """
    whole = None
    if seen is not None:
        whole = _in_blocks(seen.astype(np.float32), centred=False).min(axis=2) > 0
    return _compare(_blocks_of(first), _blocks_of(second), whole=whole)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Blocks:
    """The fine structure of images in blocks of mean 0, and each block's contrast."""

    values: Float[np.ndarray, "p k m"]
    contrast: Float[np.ndarray, "p k"]


def _blocks_of(images: Float[np.ndarray, "p h w"]) -> _Blocks:
    values = _in_blocks(images - _blurred(images, 3))
    square = np.einsum("pkm,pkm->pk", values, values) / np.float32(values.shape[2])
    return _Blocks(values=values, contrast=np.sqrt(square))


def _compare(
    a: _Blocks, b: _Blocks, *, whole: Bool[np.ndarray, "p k"] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sa, sb = a.contrast, b.contrast
    # Structure in either counts: a block that is smooth in one and busy in the other disagrees.
    busy = np.maximum(sa, sb) > _FLAT
    if whole is not None:
        busy &= whole
    product = np.einsum("pkm,pkm->pk", a.values, b.values) / np.float32(a.values.shape[2])
    r = product / (np.maximum(sa, 0.3) * np.maximum(sb, 0.3))
    n_blocks = busy.sum(axis=1)
    known = n_blocks > 0
    # The median of those that count: sorted, they come first. Ten times as fast as nanmedian.
    ordered = np.sort(np.where(busy, r, np.inf), axis=1)
    low, high = (np.maximum(n_blocks - 1, 0) // 2, n_blocks // 2)
    rows = np.arange(len(r))
    median = np.zeros(len(r))
    median[known] = ((ordered[rows, low] + ordered[rows, high % r.shape[1]]) / 2)[known]
    covered = np.where(busy, r > 0.5, False).sum(axis=1) / np.maximum(n_blocks, 1)
    return median, covered, n_blocks


def _in_blocks(
    images: Float[np.ndarray, "p h w"], *, centred: bool = True
) -> Float[np.ndarray, "p k m"]:
    p, side = len(images), images.shape[1] // _BLOCKS
    cut = images.reshape(p, _BLOCKS, side, _BLOCKS, side).transpose(0, 1, 3, 2, 4)
    flat: Float[np.ndarray, "p k m"] = cut.reshape(p, _BLOCKS * _BLOCKS, -1)
    return flat - (flat @ _evenly(side * side))[:, :, None] if centred else flat


@lru_cache(maxsize=2)
def _evenly(n: int) -> Float[np.ndarray, " n"]:
    """Weights of a mean."""
    return np.full(n, 1 / n, np.float32)
