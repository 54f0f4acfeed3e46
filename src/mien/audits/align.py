"""Whether one thumbnail shows a part of the other: aligned first, then compared where it matters.

Two portraits on a white wall agree in their low frequencies although nobody copied anything; a
copy agrees in its fine structure, once the crop between the two is undone. So the crop is fitted
(Gauss-Newton on the enhanced correlation of Evangelidis and Psarakis, IEEE TPAMI 30 (2008)
1858-1865, with shift and scale as its four parameters), and the correlation of what is left after
blurring is judged block by block: a banner or a logo spoils some blocks, another photo all.

Knows nothing of files. Law: thumbnails are uint8 ``(64, 64)``, as `perceptual` makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

# Coarse steps at 32 x 32, then fine ones at 64 x 64; measured: more change no verdict.
_STEPS: Final = (8, 3)
# Pairs at once: 256 pairs of 64 x 64 floats with four derivatives are 21 MB.
_BATCH: Final = 256
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
    parts = [
        _match(
            first[i : i + _BATCH].astype(np.float32),
            second[i : i + _BATCH].astype(np.float32),
            crops[i : i + _BATCH].astype(np.float32),
        )
        for i in range(0, len(first), _BATCH)
    ]
    if not parts:
        none = np.zeros(0)
        return Match(fine=none, covered=none, n_blocks=none.astype(int), whole=none, kept=none)
    fine, covered, n_blocks, whole, kept = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Match(fine=fine, covered=covered, n_blocks=n_blocks, whole=whole, kept=kept)


def structure(
    thumbnails: UInt8[np.ndarray, "n 64 64"],
    *,
    crop: tuple[float, float, float, float] | None = None,
) -> Float[np.ndarray, "n 576"]:
    """The fine structure of each thumbnail, or of one crop of all of them, at 24 x 24.

    Returns:
        Rows of mean 0 and length 1: their products are correlations.
    """
    left, top, width, height = crop or (0.0, 0.0, 1.0, 1.0)
    side, n_cells = thumbnails.shape[1], 24
    x = _cell_weights(left * side, width * side, n_cells, side)
    y = _cell_weights(top * side, height * side, n_cells, side)
    parts = [
        _fine(y @ thumbnails[start : start + 4096].astype(np.float32) @ x.T)
        for start in range(0, len(thumbnails), 4096)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, n_cells * n_cells), dtype=np.float32)


def structures(
    thumbnail: UInt8[np.ndarray, "64 64"], *, crops: tuple[tuple[float, float, float, float], ...]
) -> Float[np.ndarray, "k 576"]:
    """As `structure`, of several crops of one thumbnail at once."""
    x, y = _crop_weights(crops, thumbnail.shape[0], 24)
    return _fine(y @ thumbnail.astype(np.float32) @ x.transpose(0, 2, 1))


def _fine(cells: Float[np.ndarray, "k h w"]) -> Float[np.ndarray, "k m"]:
    fine = (cells - _blurred(cells, 2)).reshape(len(cells), -1)
    fine -= fine.mean(axis=1, keepdims=True)
    rows: Float[np.ndarray, "k m"] = fine / (np.linalg.norm(fine, axis=1, keepdims=True) + 1e-3)
    return rows


@lru_cache(maxsize=4)
def _crop_weights(
    crops: tuple[tuple[float, float, float, float], ...], side: int, n_cells: int
) -> tuple[Float[np.ndarray, "k h w"], Float[np.ndarray, "k h w"]]:
    """The weights of each crop's columns and of its rows."""
    across = [_cell_weights(left * side, w * side, n_cells, side) for left, _, w, _ in crops]
    down = [_cell_weights(top * side, h * side, n_cells, side) for _, top, _, h in crops]
    return np.stack(across), np.stack(down)


@lru_cache(maxsize=64)  # the crops are few and always the same
def _cell_weights(start: float, length: float, n_cells: int, side: int) -> Float[np.ndarray, "k w"]:
    """Area weights of `n_cells` equal cells over a stretch of a row of pixels."""
    edges = start + np.linspace(0, length, n_cells + 1)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = np.maximum(overlap, 0)
    weights: Float[np.ndarray, "k w"] = (overlap / overlap.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return weights


def _match(
    first: Float[np.ndarray, "p 64 64"],
    second: Float[np.ndarray, "p 64 64"],
    crops: Float[np.ndarray, "p 4"],
) -> tuple[np.ndarray, ...]:
    fitted = _fit(_halved(first), _halved(second), crops, steps=_STEPS[0])
    fitted = _fit(first, second, fitted, steps=_STEPS[1])
    # A banner in one of the two pulls the fit its way: where the start was better, it stands.
    blocks, normal = _blocks_of(second), _normal(second.reshape(len(second), -1))[0]
    tries = [_agreement(first, blocks, normal, start) for start in (fitted, crops)]
    better = tries[1][0] > tries[0][0]
    return tuple(np.where(better, b, a) for a, b in zip(*tries, strict=True))


def _agreement(
    first: Float[np.ndarray, "p 64 64"],
    second: _Blocks,
    normal: Float[np.ndarray, "p m"],
    crops: Float[np.ndarray, "p 4"],
) -> tuple[np.ndarray, ...]:
    seen = _Sampling(crops, first.shape[1]).of(first)
    fine, covered, n_blocks = _compare(_blocks_of(seen), second)
    whole = np.mean(_normal(seen.reshape(len(seen), -1))[0] * normal, axis=1)
    return fine, covered, n_blocks, whole, crops[:, 2] * crops[:, 3]


def _fit(
    first: Float[np.ndarray, "p h w"],
    second: Float[np.ndarray, "p h w"],
    crops: Float[np.ndarray, "p 4"],
    *,
    steps: int,
) -> Float[np.ndarray, "p 4"]:
    """Improve crops: least squares of gain * first(crop) + offset - second, linearised."""
    side = first.shape[1]
    slopes = [slope * side for slope in np.gradient(first, axis=(2, 1))]
    target, _ = _normal(second.reshape(len(second), -1))
    now, at = crops, _Sampling(crops, side)
    normal, deviation = _normal(at.of(first).reshape(len(first), -1))
    best, best_score = crops.copy(), np.mean(normal * target, axis=1)
    for _ in range(steps):
        now = now + _move(at, slopes, error=target - normal, deviation=deviation)
        now[:, 2:] = np.clip(now[:, 2:], 0.4, 1.1)
        now[:, :2] = np.clip(now[:, :2], -0.05, 0.6)
        at = _Sampling(now, side)
        normal, deviation = _normal(at.of(first).reshape(len(first), -1))
        score = np.mean(normal * target, axis=1)
        better = score > best_score
        best[better], best_score = now[better], np.maximum(score, best_score)
    return best


def _move(
    at: _Sampling,
    slopes: Sequence[Float[np.ndarray, "p h w"]],
    *,
    error: Float[np.ndarray, "p m"],
    deviation: Float[np.ndarray, "p 1"],
) -> Float[np.ndarray, "p 4"]:
    """One step of Gauss-Newton; slopes are along x and y, in grey levels a picture's width."""
    p, side, _ = slopes[0].shape
    grid = ((np.arange(side, dtype=np.float32) + 0.5) / side)[None]
    steep = np.empty((p, 4, side, side), np.float32)
    steep[:, 0], steep[:, 1] = at.of(slopes[0]), at.of(slopes[1])
    np.multiply(steep[:, 0], grid[:, None, :], out=steep[:, 2])
    np.multiply(steep[:, 1], grid[:, :, None], out=steep[:, 3])
    rows = steep.reshape(p, 4, -1)
    # Gain and offset are free: rows count by what they differ from their mean. `error` has mean 0.
    mean = rows.mean(axis=2, keepdims=True)
    hessian = rows @ rows.transpose(0, 2, 1) - side * side * (mean @ mean.transpose(0, 2, 1))
    hessian /= (deviation**2)[:, None]
    trace = np.trace(hessian, axis1=1, axis2=2)
    hessian += np.eye(4, dtype=np.float32) * (1e-3 * trace / 4 + 1e-3)[:, None, None]
    pull = (rows @ error[:, :, None]) / deviation[:, None]
    move: Float[np.ndarray, "p 4"] = np.linalg.solve(hessian, pull)[:, :, 0]
    return move.clip(-0.03, 0.03)


def _normal(
    rows: Float[np.ndarray, "p m"],
) -> tuple[Float[np.ndarray, "p m"], Float[np.ndarray, "p 1"]]:
    """Rows of mean 0 and deviation 1, and what they deviated by."""
    normal = rows - rows.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.mean(normal * normal, axis=1, keepdims=True)) + np.float32(1e-3)
    normal /= deviation
    return normal, deviation


class _Sampling:
    """Reads each image inside its crop at the image's own number of pixels, bilinear.

    The weights are made once for the image and its derivatives; edges are repeated.
    """

    def __init__(self, crops: Float[np.ndarray, "p 4"], side: int) -> None:
        at = (np.arange(side, dtype=np.float32) + 0.5) / side
        self._x = _weights((crops[:, 0:1] + crops[:, 2:3] * at) * side - 0.5, side)
        self._y = _weights((crops[:, 1:2] + crops[:, 3:4] * at) * side - 0.5, side)

    def of(self, images: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p h w"]:
        seen: Float[np.ndarray, "p h w"] = self._y @ images @ self._x.transpose(0, 2, 1)
        return seen


def _weights(at: Float[np.ndarray, "p m"], side: int) -> Float[np.ndarray, "p m w"]:
    """Bilinear weights as matrices: a product with each axis samples all pairs at once."""
    at = np.clip(at, 0, side - 1)
    weights: Float[np.ndarray, "p m w"] = at[:, :, None] - np.arange(side, dtype=np.float32)
    # In place: at this size fetching memory takes longer than reckoning.
    np.abs(weights, out=weights)
    np.subtract(1, weights, out=weights)
    np.maximum(0, weights, out=weights)
    return weights


def _halved(images: Float[np.ndarray, "p h w"]) -> Float[np.ndarray, "p k k"]:
    p, side = len(images), images.shape[1] // 2
    halves: Float[np.ndarray, "p k k"] = images.reshape(p, side, 2, side, 2).mean(axis=(2, 4))
    return halves


def _blurred(images: Float[np.ndarray, "p h w"], radius: int) -> Float[np.ndarray, "p h w"]:
    from scipy.ndimage import uniform_filter

    blurred: Float[np.ndarray, "p h w"] = uniform_filter(
        images, size=(1, 2 * radius + 1, 2 * radius + 1), mode="nearest"
    )
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
    return _Blocks(values=values, contrast=values.std(axis=2))


def _compare(
    a: _Blocks, b: _Blocks, *, whole: Bool[np.ndarray, "p k"] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sa, sb = a.contrast, b.contrast
    # Structure in either counts: a block that is smooth in one and busy in the other disagrees.
    busy = np.maximum(sa, sb) > _FLAT
    if whole is not None:
        busy &= whole
    r = np.mean(a.values * b.values, axis=2) / (np.maximum(sa, 0.3) * np.maximum(sb, 0.3))
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
    return flat - flat.mean(axis=2, keepdims=True) if centred else flat
