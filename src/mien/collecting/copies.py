"""Whether a picture is there already: the same pixels re-encoded, smaller, cropped or mirrored.

The audit's perceptual hashes and fine structure nominate, its alignment decides, so that collecting
and auditing agree on what a copy is. Safe to use from many threads.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float16, Int, UInt8, UInt64

from mien.audits.align import match, structure
from mien.audits.perceptual import CROPS, THUMBNAIL_PX, fingerprints, thumbnail
from mien.audits.twins import agree
from mien.records import Pixels

# The audit's own first two sieves (audits/twins.py): bits of 64, and correlation before alignment.
_NEAR_BITS: Final = 10
_SIEVE: Final = 0.35
# The nearest so many are judged by the audit: a copy is among the very first.
_JUDGED: Final = 2
_GROW: Final = 256
_CELLS: Final = 24 * 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What is compared of a picture.

    Attributes:
        hashes: Of the crops in `CROPS` and of the mirrored whole, as `fingerprints` makes them.
        parts: Fine structure of the same, rows of length 1.
        thumb: Its luma, 64 x 64.
    """

    hashes: UInt64[np.ndarray, " 8"]
    parts: Float16[np.ndarray, "8 576"]
    thumb: UInt8[np.ndarray, "64 64"]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A picture that is there already: its name, and whether it is mirrored."""

    of: str
    mirrored: bool


def look_at(pixels: Pixels) -> Look:
    """Compute what is compared."""
    thumb = thumbnail(pixels)
    parts = [structure(thumb[None], crop=crop)[0] for crop in CROPS]
    parts.append(structure(thumb[None, :, ::-1])[0])
    return Look(hashes=fingerprints(pixels), parts=np.stack(parts).astype(np.float16), thumb=thumb)


def in_one_thread() -> AbstractContextManager[object]:
    """Let the numerics of the calling thread use no further threads.

    Collecting has threads of its own. Left alone, BLAS and OpenMP start as many again for matrices
    of 24 x 24 and wait for each other: twenty times slower on a busy machine of two cores.
    """
    from threadpoolctl import threadpool_limits

    side = THUMBNAIL_PX
    some = np.random.default_rng(0).integers(0, 255, (1, side, side), dtype=np.uint8)
    match(some, second=some, crops=np.array([CROPS[0]]))  # loads the libraries to be limited
    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits


class CopyIndex:
    """All pictures that are there, for asking whether another is one of them.

    Rows are only ever added, so that those below a known number can be read without the lock.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._hashes = np.zeros((_GROW, len(CROPS) + 1), np.uint64)
        self._parts = np.zeros((_GROW, len(CROPS) + 1, _CELLS), np.float16)
        self._thumbs = np.zeros((_GROW, THUMBNAIL_PX, THUMBNAIL_PX), np.uint8)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many pictures are there."""
        return len(self._names)

    def find(self, look: Look, *, start: int = 0) -> tuple[Copy | None, int]:
        """Ask for a copy among the rows from `start` on.

        Returns:
            The copy, None where there is none, and how many rows are judged now: what to begin
            with when asking again.
        """
        with self._lock:
            n, hashes, parts, thumbs = len(self._names), self._hashes, self._parts, self._thumbs
        rows, crops, ways = _nominate(look, hashes[start:n], parts[start:n])
        if not len(rows):
            return None, n
        theirs = thumbs[start + rows]
        mine = np.repeat(look.thumb[None], len(rows), axis=0)
        mirrored, is_inner = ways.T == 1
        mine[mirrored] = mine[mirrored][:, :, ::-1]
        flip = is_inner[:, None, None]
        # The first of a pair shows more: theirs where I am the crop of it, mine otherwise.
        first, second = np.where(flip, theirs, mine), np.where(flip, mine, theirs)
        found = agree(match(first, second=second, crops=np.asarray(CROPS)[crops]))
        if not found.any():
            return None, n
        best = int(np.argmax(found))
        of = self._names[start + int(rows[best])]
        return Copy(of=of, mirrored=bool(mirrored[best])), n

    def add(self, name: str, look: Look) -> None:
        """Take a picture in."""
        with self._lock:
            n = len(self._names)
            if n == len(self._hashes):
                self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
                self._parts = np.concatenate([self._parts, np.zeros_like(self._parts)])
                self._thumbs = np.concatenate([self._thumbs, np.zeros_like(self._thumbs)])
            self._hashes[n], self._parts[n], self._thumbs[n] = look.hashes, look.parts, look.thumb
            self._names.append(name)


def _nominate(
    look: Look, hashes: UInt64[np.ndarray, "n 8"], parts: Float16[np.ndarray, "n 8 576"]
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"], Int[np.ndarray, "p 2"]]:
    """Rows that pass the two sieves, the most alike first, each in its best way.

    What I show may be a crop of what is there, or the other way round, mirrored or not.

    Returns:
        Rows; crops; and whether I am mirrored and whether I am the inner one, 0 or 1.
    """
    n_crops, mirror = len(CROPS), len(CROPS)
    best: dict[int, tuple[float, int, int, int]] = {}
    for mirrored, column in ((0, 0), (1, mirror)):
        # Their crops against my whole, and my crops against their whole; the plain whole once.
        inner = np.bitwise_count(hashes[:, :n_crops] ^ look.hashes[column])
        outer = np.bitwise_count(hashes[:, [column]] ^ look.hashes[None, 1:n_crops])
        for is_inner, bits, shift in ((1, inner, 0), (0, outer, 1)):
            rows, columns = np.nonzero(bits <= _NEAR_BITS)
            if not len(rows):
                continue
            crops = columns + shift
            a = parts[rows, crops] if is_inner else parts[rows, column]
            b = look.parts[column][None] if is_inner else look.parts[crops]
            alike = (a.astype(np.float32) * b.astype(np.float32)).sum(axis=1).tolist()
            for row, crop, score in zip(rows.tolist(), crops.tolist(), alike, strict=True):
                if score > max(_SIEVE, best.get(row, (0.0,))[0]):
                    best[row] = (score, crop, mirrored, is_inner)
    order = sorted(best, key=lambda row: -best[row][0])[:_JUDGED]
    ways = np.array([best[row][1:] for row in order], dtype=np.int64).reshape(-1, 3)
    return np.array(order, dtype=np.int64), ways[:, 0], ways[:, 1:]
