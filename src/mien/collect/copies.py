"""Whether a picture is there already: the same pixels re-encoded, smaller, cropped or mirrored.

The audit's perceptual hashes nominate and its search for twins decides, so that collecting and
auditing agree on what a copy is. Safe to use from many threads:
`claim` looks and takes in one step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8, UInt64

from mien.audit.perceptual import CROPS, THUMBNAIL_PX, fingerprints, thumbnail
from mien.audit.twins import find_twins
from mien.records import Pixels

# Bits of 64: a little wider than the audit's own first sieve, which follows.
_NEAR_BITS: Final = 12
# The nearest so many are judged by the audit: a copy is among the very first.
_JUDGED: Final = 8
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
        """The nearest by any hash, judged by the audit's own search for twins."""
        n = len(self._names)
        known, mine = self._hashes[:n], look.hashes
        # What I show may be a crop of what is there, or the other way round; mirrored or not.
        bits = np.minimum.reduce(
            [
                np.bitwise_count(known ^ mine[0]).min(axis=1, initial=64),
                np.bitwise_count(known[:, :1] ^ mine).min(axis=1, initial=64),
            ]
        )
        rows = np.flatnonzero(bits <= _NEAR_BITS)
        if not len(rows):
            return None
        rows = rows[np.argsort(bits[rows], kind="stable")[:_JUDGED]]
        twins = find_twins(
            np.concatenate([mine[None], known[rows]]),
            thumbnails=np.concatenate([look.thumb[None], self._thumbs[rows]]),
        )
        for twin in twins:
            if twin.first == 0:
                return Copy(of=self._names[int(rows[twin.second - 1])], mirrored=twin.mirrored)
        return None
