"""Whether a picture is there already: the same pixels re-encoded, smaller, cropped or mirrored.

The audit's perceptual hashes nominate, its alignment of thumbnails decides, so that collecting and
auditing agree on what a copy is. Safe to use from many threads:
`claim` looks and takes in one step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8, UInt64

from mien.audit.align import match
from mien.audit.perceptual import CROPS, THUMBNAIL_PX, fingerprints, thumbnail
from mien.records import Pixels

# Bits of 64 in which the hashes of a re-encoded, resized or brightened copy differ at most; of two
# photos of different people it is 32 on average. Alignment has the last word.
_NEAR_BITS: Final = 12
# Correlation of fine structure after alignment: copies of drawn photos lie above 0.8, the nearest
# pairs of different ones below 0.4 (tests/collect/test_copies.py).
_SAME_FINE: Final = 0.6
_GROW: Final = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What is compared of a picture.

    Attributes:
        hashes: Of the crops in `CROPS` and of the mirrored whole, as `fingerprints` makes them.
        thumb: Its luma, 64 x 64.
    """

    hashes: UInt64[np.ndarray, " 8"]
    thumb: UInt8[np.ndarray, "64 64"]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A picture that is there already: its name, and whether it is mirrored."""

    of: str
    mirrored: bool


def look_at(pixels: Pixels) -> Look:
    """Compute what is compared."""
    return Look(hashes=fingerprints(pixels), thumb=thumbnail(pixels))


class CopyIndex:
    """All pictures that are there, for asking whether another is one of them."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._hashes = np.zeros((_GROW, len(CROPS) + 1), np.uint64)
        self._thumbs = np.zeros((_GROW, THUMBNAIL_PX, THUMBNAIL_PX), np.uint8)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many pictures are there."""
        return len(self._names)

    def claim(self, name: str, look: Look) -> Copy | None:
        """Take a picture in, unless it is a copy of one that is there: then say of which."""
        with self._lock:
            copy = self._find(look)
            if copy is None:
                self._add(name, look)
            return copy

    def add(self, name: str, look: Look) -> None:
        """Take a picture in, whatever else is there."""
        with self._lock:
            self._add(name, look)

    def _add(self, name: str, look: Look) -> None:
        n = len(self._names)
        if n == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._thumbs = np.concatenate([self._thumbs, np.zeros_like(self._thumbs)])
        self._hashes[n], self._thumbs[n] = look.hashes, look.thumb
        self._names.append(name)

    def _find(self, look: Look) -> Copy | None:
        n = len(self._names)
        if n == 0:
            return None
        known, mine = self._hashes[:n], look.hashes
        crops = np.asarray(CROPS, np.float32)
        # What I show may be a crop of what is there, or the other way round; crop 0 is the whole.
        for mirrored, whole in ((False, mine[0]), (True, mine[-1])):
            near = np.bitwise_count(known[:, :-1] ^ whole)
            thumb = look.thumb[:, ::-1] if mirrored else look.thumb
            found = self._confirm(near, crops, inner=thumb)
            if found is None and not mirrored:
                near = np.bitwise_count(known[:, :1] ^ mine[None, 1:-1])
                found = self._confirm(near, crops[1:], outer=thumb)
            if found is not None:
                return Copy(of=self._names[found], mirrored=mirrored)
        return None

    def _confirm(
        self,
        near: UInt8[np.ndarray, "n k"],
        crops: np.ndarray,
        *,
        inner: np.ndarray | None = None,
        outer: np.ndarray | None = None,
    ) -> int | None:
        rows, columns = np.nonzero(near <= _NEAR_BITS)
        if not len(rows):
            return None
        best = np.argsort(near[rows, columns], kind="stable")[:8]
        rows, columns = rows[best], columns[best]
        mine = np.repeat((inner if inner is not None else outer)[None], len(rows), axis=0)  # type: ignore[index]
        theirs = self._thumbs[rows]
        first, second = (theirs, mine) if inner is not None else (mine, theirs)
        agreed = match(first, second=second, crops=crops[columns])
        good = np.nonzero((agreed.fine > _SAME_FINE) & (agreed.n_blocks >= 4))[0]
        return int(rows[good[0]]) if len(good) else None
