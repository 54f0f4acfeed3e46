"""Whether a picture is there already: the same pixels re-encoded, smaller, cropped or mirrored.

The audit's perceptual hashes and fine structure nominate, its alignment decides, so that collecting
and auditing agree on what a copy is. Safe to use from many threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float16, Int, UInt8, UInt64

from mien.audits.align import match
from mien.audits.nominating import NEAR_BITS, SIEVE
from mien.audits.perceptual import (
    CROPS,
    THUMBNAIL_PX,
    Grey,
    fingerprints_of,
    grey_of,
    hashed,
    thumbnail,
)
from mien.audits.structure import LENGTH, structures, turned
from mien.audits.twins import agree
from mien.records import Pixels

# The nearest so many are judged by the audit: a copy is among the very first.
_JUDGED: Final = 2
_GROW: Final = 256


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """What a `Look` is made of.

    Attributes:
        thumb: The picture's luma, 64 x 64.
        hashed: The same at the size that hashes are made of.
    """

    thumb: UInt8[np.ndarray, "64 64"]
    hashed: UInt8[np.ndarray, "128 128"]


def sketch(luma: Grey) -> Sketch:
    """Shrink a picture to what is compared."""
    return Sketch(thumb=thumbnail(luma), hashed=hashed(luma))


def look_at(pixels: Pixels) -> Look:
    """Compute what is compared."""
    return look_at_all([sketch(grey_of(pixels))])[0]


def look_at_all(sketches: Sequence[Sketch]) -> list[Look]:
    """As `look_at`, of several pictures at once: half the time each."""
    if not sketches:
        return []
    thumbs = np.stack([one.thumb for one in sketches])
    parts = structures(thumbs, crops=CROPS)
    parts = np.concatenate([parts, turned(parts[:, :1])], axis=1).astype(np.float16)
    hashes = fingerprints_of(np.stack([one.hashed for one in sketches]))
    return [Look(hashes=hashes[i], parts=parts[i], thumb=thumbs[i]) for i in range(len(thumbs))]


@dataclass(frozen=True, kw_only=True, eq=False)
class Newcomer:
    """A picture that may be taken in.

    Attributes:
        name: Its name.
        look: What is compared.
    """

    name: str
    look: Look


class CopyIndex:
    """All pictures that are there, for asking whether others are among them.

    Several are asked about at once: aligning one pair costs six milliseconds of NumPy's calls,
    aligning twenty a fifth of that each.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._hashes = np.zeros((_GROW, len(CROPS) + 1), np.uint64)
        self._parts = np.zeros((_GROW, len(CROPS) + 1, LENGTH), np.float16)
        self._thumbs = np.zeros((_GROW, THUMBNAIL_PX, THUMBNAIL_PX), np.uint8)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many pictures are there."""
        return len(self._names)

    def add(self, name: str, look: Look) -> None:
        """Take a picture in, whatever it shows."""
        with self._lock:
            self._put(len(self._names), look)
            self._names.append(name)

    def admit(
        self, newcomers: Sequence[Newcomer], *, claim: Callable[[], bool]
    ) -> list[Copy | bool]:
        """Take pictures in, unless they are there already; of two copies the first is taken.

        Args:
            newcomers: In the order in which they came.
            claim: Asked for each that is no copy, in turn; False leaves it out.

        Returns:
            For each the copy that is there; otherwise what `claim` said.
        """
        with self._lock:
            n = len(self._names)
            for i, one in enumerate(newcomers):
                self._put(n + i, one.look)
            rivals = self._agreeing([one.look for one in newcomers], n)
            taken: list[int] = []
            verdicts: list[Copy | bool] = []
            for i, pairs in enumerate(rivals):
                # One that came a moment earlier counts only where it was taken in itself.
                there = [(row, flip) for row, flip in pairs if row < n or row - n in taken]
                if there:
                    row, mirrored = there[0]
                    name = self._names[row] if row < n else newcomers[row - n].name
                    verdicts.append(Copy(of=name, mirrored=mirrored))
                    continue
                verdicts.append(claim())
                if verdicts[-1]:
                    taken.append(i)
            for i in taken:
                self._put(len(self._names), newcomers[i].look)
                self._names.append(newcomers[i].name)
            return verdicts

    def _agreeing(self, looks: Sequence[Look], n: int) -> list[list[tuple[int, bool]]]:
        """For each look, rows below its own that show the same, and whether mirrored."""
        found = [
            _nominate(look, self._hashes[: n + i], self._parts[: n + i])
            for i, look in enumerate(looks)
        ]
        if not found:
            return []
        row, crop, way = (np.concatenate(column) for column in zip(*found, strict=True))
        owners = [i for i, (rows, _, _) in enumerate(found) for _ in rows]
        agreed: list[list[tuple[int, bool]]] = [[] for _ in looks]
        if not len(row):
            return agreed
        mine, theirs = np.stack([looks[i].thumb for i in owners]), self._thumbs[row]
        mirrored, is_inner = way.T == 1
        mine[mirrored] = mine[mirrored][:, :, ::-1]
        flip = is_inner[:, None, None]
        # The first of a pair shows more: theirs where I am the crop of it, mine otherwise.
        first, second = np.where(flip, theirs, mine), np.where(flip, mine, theirs)
        good = agree(match(first, second=second, crops=np.asarray(CROPS)[crop]))
        for k in np.nonzero(good)[0]:
            agreed[owners[k]].append((int(row[k]), bool(mirrored[k])))
        return agreed

    def _put(self, row: int, look: Look) -> None:
        if row == len(self._hashes):
            self._hashes, self._parts, self._thumbs = (
                np.concatenate([array, np.zeros_like(array)])
                for array in (self._hashes, self._parts, self._thumbs)
            )
        self._hashes[row], self._parts[row], self._thumbs[row] = look.hashes, look.parts, look.thumb


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
            near = np.flatnonzero(bits <= NEAR_BITS)
            if not len(near):
                continue
            rows, columns = np.divmod(near, bits.shape[1])
            crops = columns + shift
            a = parts[rows, crops] if is_inner else parts[rows, column]
            b = look.parts[column][None] if is_inner else look.parts[crops]
            alike = np.einsum("pm,pm->p", a.astype(np.float32), b.astype(np.float32)).tolist()
            for row, crop, score in zip(rows.tolist(), crops.tolist(), alike, strict=True):
                if score > max(SIEVE, best.get(row, (0.0,))[0]):
                    best[row] = (score, crop, mirrored, is_inner)
    order = sorted(best, key=lambda row: -best[row][0])[:_JUDGED]
    ways = np.array([best[row][1:] for row in order], dtype=np.int64).reshape(-1, 3)
    return np.array(order, dtype=np.int64), ways[:, 0], ways[:, 1:]
