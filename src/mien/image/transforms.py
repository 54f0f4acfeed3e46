"""What is done to the values of an image of the right size: grey, BGR, mirror, range.

One function a step, each on one image ``(h, w, 3)``; `preprocessing` gives them their printed form.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from mien.records import Pixels


def grey(image: Pixels) -> Pixels:
    """Replace colour by ITU-R BT.601 luma as Pillow's mode ``L`` rounds it, three times.

    ``L = (19595 R + 38470 G + 7471 B + 32768) >> 16``.
    """
    wide = image.astype(np.uint32)
    luma = (wide[..., 0] * 19595 + wide[..., 1] * 38470 + wide[..., 2] * 7471 + 0x8000) >> 16
    return np.repeat(luma.astype(np.uint8)[..., None], 3, axis=-1)


def bgr(image: Pixels) -> Pixels:
    """Swap red and blue."""
    return image[..., ::-1]


def mirror(image: Pixels) -> Pixels:
    """Swap left and right."""
    return image[:, ::-1]


def scale(image: Pixels, *, low: float, high: float) -> Float32[np.ndarray, "h w 3"]:
    """Map 0..255 linearly to `low`..`high`: ``x / (255 / (high - low)) + low`` in float32.

    Written as a division so that -1 to 1 is to the last bit the ``x / 127.5 - 1`` of Teachable
    Machine's script.
    """
    return image.astype(np.float32) / np.float32(255.0 / (high - low)) + np.float32(low)


def divide(image: Pixels, *, divisor: float, minus: float) -> Float32[np.ndarray, "h w 3"]:
    """``x / divisor - minus`` in float32."""
    return image.astype(np.float32) / np.float32(divisor) - np.float32(minus)
