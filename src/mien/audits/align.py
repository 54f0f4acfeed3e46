"""Whether one thumbnail shows a part of the other: aligned first, then compared where it matters.

Two portraits on a white wall agree in their low frequencies although nobody copied anything; a
copy agrees in its fine structure, once the crop between the two is undone. So the crop is fitted
(Gauss-Newton on the enhanced correlation of Evangelidis and Psarakis, IEEE TPAMI 30 (2008)
1858-1865, with shift and scale as its four parameters), and the correlation of what is left after
blurring is judged block by block: a banner or a logo spoils some blocks, another photo all.

Knows nothing of files. Law: thumbnails are uint8 ``(64, 64)``, as `perceptual` makes them.
"""

from __future__ import annotations

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
    tries = [_agreement(first, second, start) for start in (fitted, crops)]
    better = tries[1][0] > tries[0][0]
    return tuple(np.where(better, b, a) for a, b in zip(*tries, strict=True))


def _agreement(
    first: Float[np.ndarray, "p 64 64"],
    second: Float[np.ndarray, "p 64 64"],
    crops: Float[np.ndarray, "p 4"],
) -> tuple[np.ndarray, ...]:
    seen = _sample(first, crops)
    fine, covered, n_blocks = compare_blocks(seen, second=second)
    whole = _correlation(seen.reshape(len(seen), -1), second.reshape(len(second), -1))
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
    grid = ((np.arange(side, dtype=np.float32) + 0.5) / side)[None]
    down, right = np.gradient(first, axis=(1, 2))
    target = _normal(second.reshape(len(second), -1))
    best, best_score = crops.copy(), _score(first, target, crops)
    now = crops.copy()
    for _ in range(steps):
        seen = _sample(first, now)
        flat = seen.reshape(len(seen), -1)
        deviation = flat.std(axis=1, keepdims=True) + 1e-3
        error = target - (flat - flat.mean(axis=1, keepdims=True)) / deviation
        x, y = _sample(right, now) * side, _sample(down, now) * side
        u, v = grid[:, None, :], grid[:, :, None]
        steep = np.stack([x, y, x * u, y * v], axis=1).reshape(len(seen), 4, -1)
        steep = steep / deviation[:, None]
        steep -= steep.mean(axis=2, keepdims=True)
        hessian = steep @ steep.transpose(0, 2, 1)
        hessian += (
            np.eye(4, dtype=np.float32)
            * (1e-3 * np.trace(hessian, axis1=1, axis2=2) / 4 + 1e-3)[:, None, None]
        )
        move = np.linalg.solve(hessian, (steep @ error[:, :, None]))[:, :, 0]
        now = now + np.clip(move, -0.03, 0.03)
        now[:, 2:] = np.clip(now[:, 2:], 0.4, 1.1)
        now[:, :2] = np.clip(now[:, :2], -0.05, 0.6)
        score = _score(first, target, now)
        better = score > best_score
        best[better], best_score = now[better], np.maximum(score, best_score)
    return best


def _score(first: np.ndarray, target: np.ndarray, crops: np.ndarray) -> Float[np.ndarray, " p"]:
    seen = _sample(first, crops)
    score: Float[np.ndarray, " p"] = np.mean(_normal(seen.reshape(len(seen), -1)) * target, axis=1)
    return score


def _normal(rows: Float[np.ndarray, "p m"]) -> Float[np.ndarray, "p m"]:
    centred = rows - rows.mean(axis=1, keepdims=True)
    normal: Float[np.ndarray, "p m"] = centred / (centred.std(axis=1, keepdims=True) + 1e-3)
    return normal


def _sample(
    images: Float[np.ndarray, "p h w"], crops: Float[np.ndarray, "p 4"]
) -> Float[np.ndarray, "p h w"]:
    """Each image inside its crop at the image's own number of pixels, bilinear, edges repeated."""
    side = images.shape[1]
    at = (np.arange(side, dtype=np.float32) + 0.5) / side
    x = _weights((crops[:, 0:1] + crops[:, 2:3] * at) * side - 0.5, side)
    y = _weights((crops[:, 1:2] + crops[:, 3:4] * at) * side - 0.5, side)
    seen: Float[np.ndarray, "p h w"] = y @ images @ x.transpose(0, 2, 1)
    return seen


def _weights(at: Float[np.ndarray, "p m"], side: int) -> Float[np.ndarray, "p m w"]:
    """Bilinear weights as matrices: a product with each axis samples all pairs at once."""
    at = np.clip(at, 0, side - 1)
    columns = np.arange(side, dtype=np.float32)
    weights: Float[np.ndarray, "p m w"] = np.maximum(
        0, 1 - np.abs(at[:, :, None] - columns)
    ).astype(np.float32)
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
    a, b = first - _blurred(first, 3), second - _blurred(second, 3)
    x, y = _in_blocks(a), _in_blocks(b)
    sx, sy = x.std(axis=2), y.std(axis=2)
    # Structure in either counts: a block that is smooth in one and busy in the other disagrees.
    busy = np.maximum(sx, sy) > _FLAT
    if seen is not None:
        busy &= _in_blocks(seen.astype(np.float32), centred=False).min(axis=2) > 0
    r = np.mean(x * y, axis=2) / (np.maximum(sx, 0.3) * np.maximum(sy, 0.3))
    n_blocks = busy.sum(axis=1)
    known = n_blocks > 0
    median = np.zeros(len(a))
    median[known] = np.nanmedian(np.where(busy, r, np.nan)[known], axis=1)
    covered = np.where(busy, r > 0.5, False).sum(axis=1) / np.maximum(n_blocks, 1)
    return median, covered, n_blocks


def _in_blocks(
    images: Float[np.ndarray, "p h w"], *, centred: bool = True
) -> Float[np.ndarray, "p k m"]:
    p, side = len(images), images.shape[1] // _BLOCKS
    cut = images.reshape(p, _BLOCKS, side, _BLOCKS, side).transpose(0, 1, 3, 2, 4)
    flat: Float[np.ndarray, "p k m"] = cut.reshape(p, _BLOCKS * _BLOCKS, -1)
    return flat - flat.mean(axis=2, keepdims=True) if centred else flat


def _correlation(a: Float[np.ndarray, "p m"], b: Float[np.ndarray, "p m"]) -> np.ndarray:
    r: np.ndarray = np.mean(_normal(a) * _normal(b), axis=1)
    return r
