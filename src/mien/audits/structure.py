"""The fine structure of thumbnails and faces: rows whose products are correlations.

A picture is read in 24 x 24 cells, and each cell's surroundings are taken from it. Two portraits on
a white wall agree in what is left out, a copy in what is kept. Cells, surroundings and the split
below are linear along each axis, so that two products of matrices do all.

Law: a row is the picture's even half under mirroring, then its odd half. The mirror image's row is
the same with the odd half's sign turned, so one pass over two rows tells how well the pictures
agree both as they are and mirrored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Float32, UInt8

Crop: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height in shares of the picture."""

CELLS: Final = 24
LENGTH: Final = CELLS * CELLS
HALF: Final = LENGTH // 2
WHOLE: Final[Crop] = (0.0, 0.0, 1.0, 1.0)
# Cells on each side that count as a cell's surroundings.
_RADIUS: Final = 2
# Pictures at once: what is worked on then fits into a core's own cache.
_AT_ONCE: Final = 64


def structure(
    thumbnails: UInt8[np.ndarray, "n h w"], *, crop: Crop = WHOLE
) -> Float32[np.ndarray, "n 576"]:
    """The fine structure of one crop of each square picture.

    Returns:
        Rows of mean 0 and length 1.
    """
    rows: Float32[np.ndarray, "n 576"] = structures(thumbnails, crops=(crop,))[:, 0]
    return rows


def structures(
    thumbnails: UInt8[np.ndarray, "n h w"], *, crops: tuple[Crop, ...]
) -> Float32[np.ndarray, "n k 576"]:
    """As `structure`, of several crops of each picture."""
    n, k, side = len(thumbnails), len(crops), thumbnails.shape[1]
    down, across = _weights(crops, side)
    rows = np.empty((n, k, 2, CELLS, CELLS // 2), dtype=np.float32)
    for start in range(0, n, _AT_ONCE):
        some = thumbnails[start : start + _AT_ONCE, None].astype(np.float32)
        some -= some.mean(axis=(2, 3), keepdims=True)  # or bright pictures lose digits
        # Each cell's row beside that of its surroundings: one product then subtracts them.
        lines = (down @ some).reshape(len(some), k, CELLS, 2 * side)
        cells = (lines @ across).reshape(len(some), k, CELLS, 2, CELLS // 2)
        rows[start : start + _AT_ONCE] = cells.swapaxes(2, 3)
    flat = rows.reshape(n, k, LENGTH)
    even = flat[:, :, :HALF]  # all of a picture's mean is here
    even -= even.mean(axis=2, keepdims=True)
    flat /= np.sqrt(np.einsum("nkm,nkm->nk", flat, flat))[:, :, None] + np.float32(1e-3)
    return flat


def turned(rows: Float[np.ndarray, "*n 576"]) -> Float[np.ndarray, "*n 576"]:
    """The rows of the mirror images."""
    mirrored = rows.copy()
    mirrored[..., HALF:] *= -1
    return mirrored


def agreements(
    a: Float32[np.ndarray, "p 576"], b: Float32[np.ndarray, "p 576"]
) -> Float32[np.ndarray, "2 p"]:
    """Correlations of each row of `a` with that of `b`, and with that of b's mirror image."""
    even = np.einsum("pm,pm->p", a[:, :HALF], b[:, :HALF])
    odd = np.einsum("pm,pm->p", a[:, HALF:], b[:, HALF:])
    return np.stack([even + odd, even - odd])


@lru_cache(maxsize=64)  # the crops are few and always the same
def _weights(
    crops: tuple[Crop, ...], side: int
) -> tuple[Float32[np.ndarray, "k 48 side"], Float32[np.ndarray, "k twice 24"]]:
    """Of each crop: what makes cells' rows and their surroundings', what makes halves of those."""
    blur, halves = _running_mean(CELLS, _RADIUS), _halves(CELLS)
    down = np.empty((len(crops), CELLS, 2, side))
    across = np.empty((len(crops), 2, side, CELLS))
    for i, (left, top, width, height) in enumerate(crops):
        y = _cell_weights(top * side, height * side, side)
        x = _cell_weights(left * side, width * side, side)
        down[i, :, 0], down[i, :, 1] = y, -blur @ y
        across[i, 0], across[i, 1] = (halves @ x).T, (halves @ blur @ x).T
    return (
        down.reshape(len(crops), 2 * CELLS, side).astype(np.float32),
        across.reshape(len(crops), 2 * side, CELLS).astype(np.float32),
    )


def _cell_weights(start: float, length: float, side: int) -> Float[np.ndarray, "24 side"]:
    """Area weights of equal cells over a stretch of a row of pixels."""
    edges = start + np.linspace(0, length, CELLS + 1)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = np.maximum(overlap, 0)
    weights: Float[np.ndarray, "24 side"] = overlap / overlap.sum(axis=1, keepdims=True)
    return weights


def _running_mean(n: int, radius: int) -> Float[np.ndarray, "n n"]:
    """The mean over so many neighbours on each side; the outermost are repeated."""
    mean = np.zeros((n, n))
    for shift in range(-radius, radius + 1):
        mean[np.arange(n), np.clip(np.arange(n) + shift, 0, n - 1)] += 1 / (2 * radius + 1)
    return mean


def _halves(n: int) -> Float[np.ndarray, "n n"]:
    """A turn of the axes that leaves lengths: sums of what mirroring swaps, then differences."""
    one = np.eye(n // 2)
    rows = np.block([[one, one[:, ::-1]], [one, -one[:, ::-1]]])
    halves: Float[np.ndarray, "n n"] = rows / np.sqrt(2)
    return halves
