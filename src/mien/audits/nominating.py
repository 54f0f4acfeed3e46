"""Pairs of photos that may show one picture: the first two sieves for near copies.

Hashes of crops within a Hamming ball (faiss, exhaustive but 64 bits a photo), then the fine
structure of the crop against that of the whole at 24 x 24. Both run over arrays, crop by crop;
nothing here loops over pairs in Python.

Law: the answer does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32, Int, UInt8, UInt64

from mien.audits.perceptual import CROPS, ODD_CROPS
from mien.audits.structure import agreements, structure
from mien.blas import map_in_threads

# Hamming distance, of 64 bits. Of 8,400 changed study and drawn photos 99 % lie within it
# (docs/log.md, "near copies"); each bit more doubles what the next sieve must look at.
NEAR_BITS: Final = 10
# Correlation of fine structure before alignment: a wrong start of a true copy is above it.
SIEVE: Final = 0.35
# Rows that are gathered at once: they stay in a core's own cache.
_GATHERED: Final = 128

Ways = Int[np.ndarray, "p 4"]
"""Rows of first, second, crop of the first, and whether the second is mirrored."""


def nominate(
    hashes: UInt64[np.ndarray, "n 8"],
    *,
    thumbnails: UInt8[np.ndarray, "n 64 64"],
    extra: Sequence[tuple[int, int]] = (),
) -> Ways:
    """Pairs, each with a crop and a way that may make the second of the first.

    Args:
        hashes: As `perceptual.fingerprints` gives them.
        thumbnails: As `perceptual.thumbnail` gives them.
        extra: Pairs of rows that need no hash, in either direction; of each the crop and the way
            that agree best, where they agree at all.
    """
    whole = structure(thumbnails)
    asked = np.asarray(extra, dtype=np.int64).reshape(-1, 2)
    both = np.concatenate([asked, asked[:, ::-1]])

    def look(crop: int) -> tuple[Ways, Float32[np.ndarray, "2 q"]]:
        box = (*CROPS, *ODD_CROPS)[crop]
        part = structure(thumbnails, crop=box) if crop else whole
        found = [_by_hash(hashes, crop, part, whole)] if crop < len(CROPS) else []
        return np.concatenate([*found, _NONE]), _agreements(part, whole, both)

    n_crops = len(CROPS) + (len(ODD_CROPS) if len(both) else 0)
    looked = map_in_threads(look, range(n_crops))
    ways = np.concatenate([way for way, _ in looked])
    if len(both):
        ways = np.concatenate([ways, _best_ways(both, np.stack([a for _, a in looked]))])
    return np.unique(ways, axis=0)


_NONE: Final[Ways] = np.zeros((0, 4), dtype=np.int64)


def _by_hash(
    hashes: UInt64[np.ndarray, "n 8"],
    crop: int,
    part: Float32[np.ndarray, "n 576"],
    whole: Float32[np.ndarray, "n 576"],
) -> Ways:
    """Pairs whose hashes are near, of a crop's and the whole's or the mirrored whole's."""
    found = []
    for mirrored, column in ((0, 0), (1, len(CROPS))):
        i, j = _within(hashes[:, crop], hashes[:, column])
        # Whole against whole is symmetric: one direction is enough.
        pairs = np.stack([i, j], axis=1)[(i < j) if crop == 0 else (i != j)]
        pairs = pairs[_agreements(part, whole, pairs)[mirrored] > SIEVE]
        way = np.broadcast_to((crop, mirrored), pairs.shape)
        found.append(np.concatenate([pairs, way], axis=1))
    return np.concatenate(found)


def _within(
    queries: UInt64[np.ndarray, " n"], index: UInt64[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    import faiss

    search = faiss.IndexBinaryFlat(64)
    search.add(np.ascontiguousarray(index).view(np.uint8).reshape(-1, 8))
    limits, _, found = search.range_search(
        np.ascontiguousarray(queries).view(np.uint8).reshape(-1, 8), NEAR_BITS + 1
    )
    rows = np.repeat(np.arange(len(queries)), np.diff(limits.astype(int)))
    return rows, found.astype(int)


def _agreements(
    part: Float32[np.ndarray, "n 576"],
    whole: Float32[np.ndarray, "n 576"],
    pairs: Int[np.ndarray, "p 2"],
) -> Float32[np.ndarray, "2 p"]:
    """Correlations of the first's crop with the second and with its mirror image."""
    found = np.empty((2, len(pairs)), dtype=np.float32)
    for start in range(0, len(pairs), _GATHERED):
        i, j = pairs[start : start + _GATHERED].T
        found[:, start : start + _GATHERED] = agreements(part[i], whole[j])
    return found


def _best_ways(pairs: Int[np.ndarray, "q 2"], agreed: Float32[np.ndarray, "crops 2 q"]) -> Ways:
    """Each pair with the crop and mirroring that agree best, of those that agree at all."""
    flat = agreed.reshape(-1, len(pairs))
    best = flat.argmax(axis=0)
    ways = np.concatenate([pairs, np.stack([best // 2, best % 2], axis=1)], axis=1)
    score = np.take_along_axis(flat, best[None], axis=0)[0]
    agreeing: Ways = ways[score > SIEVE]
    return agreeing
