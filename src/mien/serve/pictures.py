"""Pictures on their way to a browser: decoded under our verdict, turned upright, encoded by us.

Law: no byte of a stranger's file reaches a browser, only pixels that we encoded; so neither a
script in a picture nor the place where it was taken gets out. Knows nothing of projects.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np

from mien.image.decode import decode
from mien.image.preprocessing import upright_pixels
from mien.records import Pixels

_QUALITY: Final = 85


def upright(data: bytes) -> Pixels:
    """The pixels of a picture as a person sees it.

    Raises:
        PhotoError: The bytes are no whole picture.
    """
    return upright_pixels(decode(data))


def as_jpeg(image: Pixels, *, longest_px: int | None = None) -> bytes:
    """Encode pixels as a JPEG without metadata, scaled down to `longest_px` where it is larger."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    if longest_px is not None:
        picture.thumbnail((longest_px, longest_px), Image.Resampling.BOX, reducing_gap=2.0)
    return _encoded(picture)


def as_square_jpeg(image: Pixels, *, side_px: int) -> bytes:
    """The largest centred square of `image` as a JPEG of `side_px`: what a grid shows."""
    from PIL import Image

    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return _encoded(square.resize((side_px, side_px), Image.Resampling.BOX, reducing_gap=2.0))


def _encoded(picture: object) -> bytes:
    from PIL import Image

    assert isinstance(picture, Image.Image)
    file = BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
