"""Perceptual fingerprints of an image: what finds near copies among many photos in one pass.

A 64-bit pHash (low frequencies of the cosine transform against their median, bit for bit that of
the library imagehash, but all crops in one transform) survives re-encoding, resizing and
brightening, but not a crop. So the hash is taken of several crops, and a crop of one photo is found
by the whole of the other; mirrored photos by the mirrored whole. Hashes only nominate pairs;
`align` decides on the thumbnails.

Law: crops are left, top, width, height in shares of the image; crop 0 is the whole.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import UInt8, UInt64

from mien.records import Pixels

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
_TRANSFORMED_PX: Final = 32
_LOW: Final = 8  # frequencies along each axis: 64 bits
# The cosine transform (DCT-II) as a product: row k holds 2 cos(pi k (2 n + 1) / 2 N).
_WAVES: Final = 2 * np.cos(
    np.pi * np.arange(_LOW)[:, None] * (2 * np.arange(_TRANSFORMED_PX) + 1) / (2 * _TRANSFORMED_PX)
)
_ROUNDING: Final = 1e-6


def thumbnail(image: Pixels) -> UInt8[np.ndarray, "64 64"]:
    """The image's luma, squashed to 64 x 64."""
    from PIL import Image as Pillow

    small = Pillow.fromarray(image).convert("L")
    return np.asarray(small.resize((THUMBNAIL_PX, THUMBNAIL_PX), Pillow.Resampling.BOX))


def fingerprints(image: Pixels) -> UInt64[np.ndarray, " 8"]:
    """Hashes of the crops in `CROPS`, and last that of the mirrored whole."""
    from PIL import Image as Pillow

    side, small = _HASHED_PX, (_TRANSFORMED_PX, _TRANSFORMED_PX)
    whole = Pillow.fromarray(image).convert("L").resize((side, side), Pillow.Resampling.BOX)
    boxes = [
        (left * side, top * side, (left + width) * side, (top + height) * side)
        for left, top, width, height in CROPS
    ]
    parts = [whole.crop((round(a), round(b), round(c), round(d))) for a, b, c, d in boxes]
    parts.append(whole.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT))
    resized = [np.asarray(part.resize(small, Pillow.Resampling.LANCZOS)) for part in parts]
    return _hashes(np.stack(resized))


def _hashes(parts: UInt8[np.ndarray, "k 32 32"]) -> UInt64[np.ndarray, " k"]:
    low = (_WAVES @ parts.astype(np.float64) @ _WAVES.T).reshape(len(parts), -1)
    low[np.abs(low) < _ROUNDING] = 0.0  # an even picture has no waves, only rounding
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view("<u8")[:, 0].astype(np.uint64)
