"""The golden pictures: what every export is asked after it was written, beside our own answer.

Drawn by code, so that everybody has the same ones: faces of every expression, flat colours,
gradients, extremes. They are images after cropping and resizing, uint8; a consumer scales them as
the model's preprocessing says. Law: same size, same pictures, to the last bit.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

from mien.dataset.drawn import EXPRESSIONS, SKIN_TONES, draw_face
from mien.image.preprocessing import Divide, Preprocessing, Scale
from mien.image.transforms import divide, scale

_SEED: Final = 6


@lru_cache(maxsize=4)
def golden_pictures(size_px: int) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """Draw the golden pictures, by name, each ``(size_px, size_px, 3)``.

    Example:
        >>> pictures = golden_pictures(32)
        >>> len(pictures), int(pictures["black"].max())
        (20, 0)
    """
    rng = np.random.default_rng(_SEED)
    ramp = np.linspace(0, 255, size_px).round().astype(np.uint8)
    across = np.repeat(np.tile(ramp, (size_px, 1))[..., None], 3, axis=2)
    board = (np.indices((size_px, size_px)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8)
    flat = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (127, 127, 127)}
    flat |= {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    pictures = {name: np.full((size_px, size_px, 3), rgb, np.uint8) for name, rgb in flat.items()}
    pictures["across"] = across
    pictures["down"] = np.ascontiguousarray(across.transpose(1, 0, 2))
    pictures["board"] = np.repeat(board[..., None], 3, axis=2)
    pictures["noise"] = rng.integers(0, 256, (size_px, size_px, 3), np.uint8)
    return pictures | _faces(rng, size_px)


@lru_cache(maxsize=4)
def golden_pngs(size_px: int) -> dict[str, bytes]:
    """Give the golden pictures as files: packing them takes longer than drawing them."""
    return {name: png(image) for name, image in golden_pictures(size_px).items()}


def _faces(rng: np.random.Generator, size_px: int) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """Two faces of each expression, of both genders and every skin tone in turn."""
    drawn_px = max(size_px, 64)  # the least at which a face can be drawn
    tones = sorted(SKIN_TONES)
    faces = {}
    for i, expression in enumerate(sorted(EXPRESSIONS)[:5] * 2):
        gender = "woman" if i % 2 else "man"
        face = draw_face(
            rng,
            expression=expression,
            skin=tones[i % len(tones)],
            gender=gender,
            size_px=drawn_px,
        )
        faces[f"face{i}"] = face[:size_px, :size_px]
    return faces


def scaled(
    images: UInt8[np.ndarray, "n h w 3"], *, preprocessing: str
) -> Float32[np.ndarray, "n h w 3"]:
    """Bring images into the range that the last step of `preprocessing` gives.

    Raises:
        RecipeError: The preprocessing cannot be parsed.
    """
    last = Preprocessing.parse(preprocessing).steps[-1]
    if isinstance(last, Scale):
        return scale(images, low=last.low, high=last.high)
    if isinstance(last, Divide):
        return divide(images, divisor=last.divisor, minus=last.minus)
    return images.astype(np.float32)


def unscaled(
    images: Float32[np.ndarray, "n h w 3"], *, preprocessing: str
) -> UInt8[np.ndarray, "n h w 3"]:
    """Undo the last step of `preprocessing`: the inverse of `scaled`."""
    divisor, offset = range_of(preprocessing)
    return np.clip(np.round((images - offset) * divisor), 0, 255).astype(np.uint8)


def range_of(preprocessing: str) -> tuple[float, float]:
    """Give divisor and offset of the last step: the model takes ``x / divisor + offset``."""
    last = Preprocessing.parse(preprocessing).steps[-1]
    if isinstance(last, Scale):
        return 255.0 / (last.high - last.low), last.low
    if isinstance(last, Divide):
        return last.divisor, -last.minus
    return 1.0, 0.0


def png(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Give an image as PNG, without anything that changes from day to day."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
