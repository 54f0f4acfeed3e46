"""Whether a picture is there already: the same pixels re-encoded, smaller, cropped or mirrored.

The audit's perceptual hashes and fine structure nominate, its search for twins decides, so that
collecting and auditing agree on what a copy is. Safe to use from many threads.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float16, UInt8, UInt64

from mien.audit.align import structure
from mien.audit.perceptual import CROPS, THUMBNAIL_PX, fingerprints, thumbnail
from mien.audit.twins import find_twins
from mien.records import Pixels

# The audit's own first two sieves (audit/twins.py): bits of 64, and correlation before alignment.
_NEAR_BITS: Final = 10
_SIEVE: Final = 0.35
# The nearest so many are judged by the audit: a copy is among the very first.
_JUDGED: Final = 4
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

    find_twins(np.zeros((2, 8), np.uint64), thumbnails=np.zeros((2, 64, 64), np.uint8))  # loads it
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
        rows = start + _nominate(look, hashes[start:n], parts[start:n])
        if not len(rows):
            return None, n
        twins = find_twins(
            np.concatenate([look.hashes[None], hashes[rows]]),
            thumbnails=np.concatenate([look.thumb[None], thumbs[rows]]),
        )
        for twin in twins:
            if twin.first == 0:
                of = self._names[int(rows[twin.second - 1])]
                return Copy(of=of, mirrored=twin.mirrored), n
        return None, n

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
) -> np.ndarray:
    """Rows that pass the two sieves, the most alike first.

    What I show may be a crop of what is there, or the other way round, mirrored or not.
    """
    mine, n_crops = look.hashes, len(CROPS)
    best: dict[int, float] = {}
    for theirs, own in (
        (slice(0, n_crops), slice(0, 1)),  # their crops, my whole
        (slice(0, n_crops), slice(n_crops, None)),  # their crops, my mirror image
        (slice(0, 1), slice(1, n_crops)),  # their whole, my crops
        (slice(n_crops, None), slice(1, n_crops)),  # their mirror image, my crops
    ):
        bits = np.bitwise_count(hashes[:, theirs] ^ mine[own])
        rows, columns = np.nonzero(bits <= _NEAR_BITS)
        if not len(rows):
            continue
        a = parts[:, theirs][rows, columns if theirs.stop == n_crops else 0]
        b = look.parts[own][columns if own.start == 1 else 0]
        alike = (a.astype(np.float32) * b.astype(np.float32)).sum(axis=-1)
        for row, score in zip(rows.tolist(), np.atleast_1d(alike).tolist(), strict=True):
            if score > _SIEVE:
                best[row] = max(score, best.get(row, 0.0))
    order = sorted(best, key=lambda row: -best[row])
    return np.array(order[:_JUDGED], dtype=np.int64)
