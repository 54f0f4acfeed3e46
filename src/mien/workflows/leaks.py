"""Whether test photos are among the training photos, in any form: what `train --test` asks first.

The same bytes are found by digest, near copies by the audit's hashes and alignment. Looks are
cached, so that the question costs a photo's decoding once. Law: a leak is named with both photos.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8

from mien.audits.perceptual import CROPS, fingerprints, thumbnail
from mien.audits.twins import find_twins
from mien.cache import Cache
from mien.digest import digest_text
from mien.errors import PhotoError
from mien.image.decode import decode, read_photo_bytes
from mien.image.preprocessing import upright_pixels
from mien.records import Dataset, Photo, Progress, Say, no_progress, say_nothing

_VERSION: Final = "1"
_HASH_BYTES: Final = 8 * (len(CROPS) + 1)
_SIDE: Final = 64


@dataclass(frozen=True, kw_only=True)
class LeakedPhoto:
    """A test photo and the training photo that it is.

    Attributes:
        test: Name of the test photo.
        train: Name of the training photo.
        how: ``same bytes`` or ``near copy``.
    """

    test: str
    train: str
    how: str


def find_leaks(
    train: Dataset,
    *,
    test: Dataset,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> tuple[LeakedPhoto, ...]:
    """Find test photos that are training photos, in any form, each once.

    Args:
        train: Training photos.
        test: Test photos.
        progress: Told photos, under the stage ``comparing``.
        say: Told where the cache went.
    """
    sides = (_looks(train, progress, say), _looks(test, progress, say))
    photos = [(side, p) for side, one in enumerate((train, test)) for p in one.photos]
    known = [(side, p) for side, p in photos if p.sha256 in sides[side]]
    rows = [sides[side][p.sha256] for side, p in known]
    found: dict[str, LeakedPhoto] = {}
    trained = {p.sha256: p.name for p in train.photos}
    for photo in test.photos:
        if photo.sha256 in trained:
            found[photo.name] = LeakedPhoto(
                test=photo.name, train=trained[photo.sha256], how="same bytes"
            )
    if rows:
        hashes = np.stack([np.frombuffer(row[:_HASH_BYTES], dtype="<u8") for row in rows])
        thumbnails = np.stack([_thumbnail(row) for row in rows])
        for twin in find_twins(hashes.astype(np.uint64), thumbnails=thumbnails):
            (side_a, a), (side_b, b) = known[twin.first], known[twin.second]
            if side_a != side_b:
                leak = LeakedPhoto(test=b.name, train=a.name, how="near copy")
                found.setdefault(b.name, leak)
    return tuple(found[name] for name in sorted(found))


def _thumbnail(row: bytes) -> UInt8[np.ndarray, "64 64"]:
    return np.frombuffer(row[_HASH_BYTES:], dtype=np.uint8).reshape(_SIDE, _SIDE)


def _looks(dataset: Dataset, progress: Progress, say: Say) -> dict[str, bytes]:
    """Hashes and thumbnail of each photo that can be decoded, by digest."""
    unique = {photo.sha256: photo for photo in dataset.photos}
    keys = {sha256: "look:" + digest_text(_VERSION, sha256) for sha256 in unique}
    with Cache.open(dataset.root, say=say) as cache:
        stored = cache.get_many(list(keys.values()))
        looks = {sha256: stored[key] for sha256, key in keys.items() if key in stored}
        missing = [photo for sha256, photo in unique.items() if sha256 not in looks]
        new = _look_at(missing, progress)
        cache.put_many({keys[sha256]: row for sha256, row in new.items()})
    return looks | new


def _look_at(photos: Sequence[Photo], progress: Progress) -> dict[str, bytes]:
    def look(photo: Photo) -> bytes:
        try:
            pixels = upright_pixels(decode(read_photo_bytes(photo.path)))
        except PhotoError:
            return b""  # embedding will name it among the rejects
        return fingerprints(pixels).astype("<u8").tobytes() + thumbnail(pixels).tobytes()

    done: dict[str, bytes] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for number, (photo, row) in enumerate(
            zip(photos, pool.map(look, photos), strict=True), start=1
        ):
            if row:
                done[photo.sha256] = row
            progress("comparing", number, len(photos))
    return done
