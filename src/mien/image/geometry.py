"""Which part of an image is looked at, and how it is brought to size.

A box is left, top, right, bottom in pixels, as floats; pixel 0 covers 0.0 to 1.0. There is one
resampler: `resample` calls Pillow's `Image.resize` once with the float box, so that a centre crop
with LANCZOS is byte for byte Pillow's `ImageOps.fit`, which Teachable Machine's own script uses.
Knows nothing of the printed form of a step, nor of detectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from mien.records import Pixels

Box: TypeAlias = tuple[float, float, float, float]
Filter: TypeAlias = Literal["lanczos", "bicubic", "bilinear", "area"]
FILTERS: Final[tuple[Filter, ...]] = get_args(Filter)
_PILLOW_FILTERS: Final[Mapping[Filter, str]] = {
    "lanczos": "LANCZOS",
    "bicubic": "BICUBIC",
    "bilinear": "BILINEAR",
    "area": "BOX",
}

# EXIF orientation -> (axes swapped, rows reversed, columns reversed), in that order.
# TIFF 6.0, section 8, "Orientation": the visual place of the stored row 0 and column 0.
_UPRIGHT: Final[Mapping[int, tuple[bool, bool, bool]]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def upright(image: Pixels, *, orientation: int) -> Pixels:
    """Turn an image as its EXIF orientation asks.

    Args:
        image: uint8 ``(h, w, 3)`` as stored in the file.
        orientation: 1 to 8.

    Returns:
        A view of `image` where possible.
    """
    swapped, rows, columns = _UPRIGHT[orientation]
    turned = image.swapaxes(0, 1) if swapped else image
    return turned[:: -1 if rows else 1, :: -1 if columns else 1]


def centre_box(width: int, height: int) -> Box:
    """The largest centred square, with the half pixels that Pillow's `ImageOps.fit` keeps.

    Example:
        >>> centre_box(5, 2)
        (1.5, 0.0, 3.5, 2.0)
    """
    side = float(min(width, height))
    left, top = (width - side) * 0.5, (height - side) * 0.5
    return left, top, left + side, top + side


def face_square(xyxy_px: Box, *, factor: float) -> Box:
    """The square around a face: same centre, side `factor` times the longer side of its box.

    Example:
        >>> face_square((10.0, 10.0, 20.0, 30.0), factor=1.5)
        (0.0, 5.0, 30.0, 35.0)
    """
    left, top, right, bottom = xyxy_px
    half = 0.5 * factor * max(right - left, bottom - top)
    x, y = 0.5 * (left + right), 0.5 * (top + bottom)
    return x - half, y - half, x + half, y + half


def resample(image: Pixels, *, box: Box, size: int, filter: Filter) -> Pixels:
    """Bring the part of an image inside `box` to ``size x size`` pixels.

    Args:
        image: uint8 ``(h, w, 3)``.
        box: Inside the image.
        size: Side of the result.
        filter: With its support widened for shrinking, as Pillow does (no aliasing).

    Returns:
        uint8 ``(size, size, 3)``.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    method = Image.Resampling[_PILLOW_FILTERS[filter]]
    return np.asarray(picture.resize((size, size), method, box=box))


def face_crop(
    image: Pixels,
    *,
    xyxy_px: Box,
    factor: float,
    size: int,
    filter: Filter = "area",
) -> Pixels:
    """Cut the square around a face out of an upright image and bring it to size.

    Where the square reaches beyond the image, the image's edge is repeated. Pixels outside the
    square's hull are never looked at.

    Args:
        image: uint8 ``(h, w, 3)``, upright.
        xyxy_px: The face's box as the detector gives it; it must overlap the image.
        factor: Side of the square in longer sides of the box.
        size: Side of the result in pixels.
        filter: As in `resample`.

    Returns:
        uint8 ``(size, size, 3)``.

    Raises:
        ValueError: The box is empty or does not touch the image.
    """
    left, top, right, bottom = face_square(xyxy_px, factor=factor)
    height, width = image.shape[:2]
    if not (right > left and bottom > top and right > 0 and bottom > 0):
        raise ValueError(f"the face's box {xyxy_px} is empty or outside the image")
    if left >= width or top >= height:
        raise ValueError(f"the face's box {xyxy_px} is outside the image of {width} x {height}")
    x0, y0 = math.floor(left), math.floor(top)
    x1, y1 = max(x0 + 1, math.ceil(right)), max(y0 + 1, math.ceil(bottom))
    hull = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    beyond = ((max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)), (0, 0))
    if any(side for axis in beyond for side in axis):
        hull = np.pad(hull, beyond, mode="edge")
    box = (left - x0, top - y0, right - x0, bottom - y0)
    return resample(hull, box=box, size=size, filter=filter)
