"""Perceptual fingerprints of an image: what finds near copies among many photos in one pass.

A 64-bit pHash (low frequencies of the cosine transform against their median, bit for bit that of
the library imagehash, but all crops in one transform) survives re-encoding, resizing and
brightening, but not a crop. So the hash is taken of several crops, and a crop of one photo is found
by the whole of the other; mirrored photos by the mirrored whole. Hashes only nominate pairs;
`align` decides on the thumbnails.

Law: crops are left, top, width, height in shares of the image; crop 0 is the whole.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float64, Int, UInt8, UInt64

from mien.records import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

Grey = UInt8[np.ndarray, "h w"]
"""An image's luma, 0 to 255; see `grey_of`."""

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
_LOBES: Final = 3
_ONE: Final = float(1 << 22)  # Pillow keeps weights as whole numbers of this part


def grey_of(image: Pixels) -> Grey:
    """The image's luma as Pillow weighs it (ITU-R 601-2): what all comparing starts from."""
    from PIL import Image as Pillow

    return as_grey(Pillow.fromarray(image))


def as_grey(opened: Image) -> Grey:
    """As `grey_of`, of what Pillow has open."""
    return np.asarray(opened.convert("L"))


def thumbnail(grey: Grey) -> UInt8[np.ndarray, "64 64"]:
    """The picture, squashed to 64 x 64."""
    from PIL import Image as Pillow

    side = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.asarray(Pillow.fromarray(grey).resize(side, Pillow.Resampling.BOX))


def hashed(grey: Grey) -> UInt8[np.ndarray, "128 128"]:
    """The picture, squashed to the size that its hashes are made of."""
    from PIL import Image as Pillow

    side = (_HASHED_PX, _HASHED_PX)
    return np.asarray(Pillow.fromarray(grey).resize(side, Pillow.Resampling.BOX))


def fingerprints(grey: Grey) -> UInt64[np.ndarray, " 8"]:
    """Hashes of the crops in `CROPS`, and last that of the mirrored whole."""
    hashes: UInt64[np.ndarray, " 8"] = fingerprints_of(hashed(grey)[None])[0]
    return hashes


def fingerprints_of(wholes: UInt8[np.ndarray, "n 128 128"]) -> UInt64[np.ndarray, "n 8"]:
    """As `fingerprints`, of several as `hashed` makes them: two thirds of the time each."""
    crops = _resized_crops(wholes)
    low = _low_frequencies(np.concatenate([crops, crops[:, :1, :, ::-1]], axis=1))
    return _hashes(low.reshape(-1, _LOW * _LOW)).reshape(len(wholes), -1)


def _resized_crops(wholes: UInt8[np.ndarray, "n 128 128"]) -> Float64[np.ndarray, "n 7 32 32"]:
    """Each crop at 32 x 32, as Pillow's Lanczos makes it bit for bit, all in two products.

    Pillow works in whole numbers: columns first, rounded to 8 bits, then rows. Products of these
    numbers are below 2 to the 53rd, so that they are exact in any order.
    """
    across, which, down = _crop_taps()
    rows = wholes.reshape(-1, _HASHED_PX).astype(np.float64)
    columns = _to_8_bits(rows @ across)  # of different stretches, beside each other
    by_stretch = columns.reshape(len(wholes), _HASHED_PX, -1, _TRANSFORMED_PX)
    return _to_8_bits(down @ by_stretch.transpose(0, 2, 1, 3)[:, which])


def _to_8_bits(sums: Float64[np.ndarray, "*axes"]) -> Float64[np.ndarray, "*axes"]:
    sums += 0.5 * _ONE
    sums *= 1 / _ONE
    np.floor(sums, out=sums)
    np.maximum(sums, 0, out=sums)
    np.minimum(sums, 255, out=sums)
    return sums


@cache
def _crop_taps() -> tuple[
    Float64[np.ndarray, "128 k"], Int[np.ndarray, " 7"], Float64[np.ndarray, "7 32 128"]
]:
    """Taps of each stretch of columns, beside each other; each crop's stretch; taps of its rows."""
    across = [(round(_HASHED_PX * x), round(_HASHED_PX * (x + w))) for x, _, w, _ in CROPS]
    down = [(round(_HASHED_PX * y), round(_HASHED_PX * (y + h))) for _, y, _, h in CROPS]
    stretches = list(dict.fromkeys(across))
    return (
        np.concatenate([_taps(start, end).T for start, end in stretches], axis=1),
        np.array([stretches.index(one) for one in across]),
        np.stack([_taps(start, end) for start, end in down]),
    )


def _taps(start: int, end: int) -> Float64[np.ndarray, "32 128"]:
    """Lanczos's weights from a stretch of 128 pixels to 32, as Pillow rounds them."""
    scale = (end - start) / _TRANSFORMED_PX
    taps = np.zeros((_TRANSFORMED_PX, _HASHED_PX))
    for row, taken in enumerate(taps):
        middle, reach = (row + 0.5) * scale, _LOBES * scale
        low = max(0, int(middle - reach + 0.5))
        high = min(end - start, int(middle + reach + 0.5))
        x = (np.arange(low, high) - middle + 0.5) / scale
        weights = np.where(np.abs(x) < _LOBES, np.sinc(x) * np.sinc(x / _LOBES), 0.0)
        taken[start + low : start + high] = weights / weights.sum()
    return np.trunc(taps * _ONE + np.copysign(0.5, taps))


def _low_frequencies(
    parts: Float64[np.ndarray, "n k 32 32"],
) -> Float64[np.ndarray, "n k 8 8"]:
    low: Float64[np.ndarray, "n k 8 8"] = _WAVES @ (parts @ _WAVES.T)
    return low


def _hashes(low: Float64[np.ndarray, "k 64"]) -> UInt64[np.ndarray, " k"]:
    low[np.abs(low) < _ROUNDING] = 0.0  # an even picture has no waves, only rounding
    ordered = np.sort(low, axis=1)  # for these few a quarter of the time of np.median
    middle = low.shape[1] // 2
    bits = low > (ordered[:, [middle - 1]] + ordered[:, [middle]]) / 2
    return np.packbits(bits, axis=1).view("<u8")[:, 0].astype(np.uint64)
