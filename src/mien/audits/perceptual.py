"""Perceptual fingerprints of an image: what finds near copies among many photos in one pass.

A 64-bit pHash (imagehash: low frequencies of the cosine transform against their median) survives
re-encoding, resizing and brightening, but not a crop. So the hash is taken of several crops, and
a crop of one photo is found by the whole of the other; mirrored photos by the mirrored whole.
Hashes only nominate pairs; `align` decides on the thumbnails.

Law: crops are left, top, width, height in shares of the image; crop 0 is the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import UInt8, UInt64

from mien.records import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

# The whole, centred crops that keep 90 and 80 %, and the four corners of 85 %: what is left when
# somebody trims a border, or one corner with a logo. Finer steps gain nothing: the hash itself
# forgives some 5 % of shift.
CROPS: Final[tuple[tuple[float, float, float, float], ...]] = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.9, 0.9),
    (0.1, 0.1, 0.8, 0.8),
    (0.0, 0.0, 0.85, 0.85),
    (0.15, 0.0, 0.85, 0.85),
    (0.0, 0.15, 0.85, 0.85),
    (0.15, 0.15, 0.85, 0.85),
)
# Further crops, tried only for pairs that embeddings nominate: one side cut away, and what is left
# when somebody makes a portrait or a landscape square.
ODD_CROPS: Final[tuple[tuple[float, float, float, float], ...]] = (
    (0.0, 0.0, 0.8, 1.0),
    (0.2, 0.0, 0.8, 1.0),
    (0.1, 0.0, 0.8, 1.0),
    (0.0, 0.0, 1.0, 0.8),
    (0.0, 0.2, 1.0, 0.8),
    (0.0, 0.1, 1.0, 0.8),
    (0.165, 0.0, 0.67, 1.0),
    (0.0, 0.165, 1.0, 0.67),
    (0.0, 0.0, 1.0, 0.9),
    (0.0, 0.1, 1.0, 0.9),
)
THUMBNAIL_PX: Final = 64
_HASHED_PX: Final = 128


def thumbnail(image: Pixels) -> UInt8[np.ndarray, "64 64"]:
    """The image's luma, squashed to 64 x 64."""
    from PIL import Image as Pillow

    small = Pillow.fromarray(image).convert("L")
    return np.asarray(small.resize((THUMBNAIL_PX, THUMBNAIL_PX), Pillow.Resampling.BOX))


def fingerprints(image: Pixels) -> UInt64[np.ndarray, " 8"]:
    """Hashes of the crops in `CROPS`, and last that of the mirrored whole."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    whole = Pillow.fromarray(image).convert("L")
    side = _HASHED_PX
    whole = whole.resize((side, side), Pillow.Resampling.BOX)
    parts = [
        whole.crop(
            (
                round(left * side),
                round(top * side),
                round((left + width) * side),
                round((top + height) * side),
            )
        )
        for left, top, width, height in CROPS
    ]
    return np.array([_hash(part) for part in [*parts, ImageOps.mirror(whole)]], dtype=np.uint64)


def _hash(part: Image) -> int:
    import imagehash

    bits = imagehash.phash(part).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "little")
