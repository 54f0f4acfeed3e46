"""What is measured of one photo's pixels, once in the life of a cache.

Everything a check wants to know of a picture stands here as plain numbers, so that the second
audit of a folder decodes nothing. Knows nothing of labels, folders or other photos.

Laws: measured on the upright picture, brought to at most 256 px, so that a figure does not depend
on the camera; luma and shares are 0 to 1. A change to any figure needs a new `VERSION`.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jaxtyping import Float, Float64, Int, UInt8, UInt64

from mien.audits.chips import CHIP_PX, chip
from mien.audits.packing import pack
from mien.audits.perceptual import THUMBNAIL_PX, as_grey, fingerprints, thumbnail
from mien.audits.skin import typology_angle
from mien.face.resize import opencv
from mien.image.decode import Decoded, Format
from mien.image.preprocessing import upright_pixels
from mien.records import Face, Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

VERSION: Final = "4"
_WORK_PX: Final = 256
# Border cells: this many along each axis; those that touch the face are left out.
N_CELLS: Final = 6
# How far the face's box is grown before cells that touch it count as face: hair and ears.
_FACE_GROWTH: Final = 1.5

# Kept as bytes behind the figures.
_PICTURES: Final = frozenset({"thumbnail", "picture", "chip"})

Luma = Float[np.ndarray, "h w"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """The figures of one photo.

    Attributes:
        format: By magic bytes.
        width_px: Of the upright picture.
        height_px: Of the upright picture.
        size_bytes: Of the file.
        brightness: Median luma.
        dark_share: Share of pixels with luma below 0.1.
        bright_share: Share of pixels with luma above 0.95, edges of the picture left out.
        darkest: 5th percentile of luma.
        face_brightness: Median luma inside the face's box, where there is a face.
        contrast: 95th less 5th percentile of luma.
        chroma: 95th percentile of the difference between a pixel's largest and smallest channel.
        blur: Perceptual blur, 0 sharp to 1 blurred (Crete et al. 2007).
        flat_share: Share of neighbouring pixels that are equal to the last bit in all channels.
        n_colours: Different colours at 5 bits a channel, as a share of the pixels.
        bars: Straight edges across the whole width or height, such as a banner or a frame makes.
        page_share: Share of the picture in the one most frequent colour.
        background: Mean RGB of each border cell that shows no face, 0 to 1; NaN where hidden.
        skin_angle: Individual typology angle of the face's skin in degrees, where there is a face.
        hashes: As `perceptual.fingerprints`.
        thumbnail: As `perceptual.thumbnail`.
        picture: As `packing.pack`.
        chip: As `chips.chip`, where there is a face.
    """

    format: Format
    width_px: int
    height_px: int
    size_bytes: int
    brightness: float
    dark_share: float
    bright_share: float
    darkest: float
    face_brightness: float | None
    contrast: float
    chroma: float
    blur: float
    flat_share: float
    n_colours: float
    bars: int
    page_share: float
    background: Float[np.ndarray, " k"]
    skin_angle: float | None
    hashes: UInt64[np.ndarray, " 8"]
    thumbnail: UInt8[np.ndarray, "64 64"]
    picture: bytes
    chip: UInt8[np.ndarray, "32 32"] | None

    @property
    def shorter_px(self) -> int:
        """The picture's shorter side."""
        return min(self.width_px, self.height_px)

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width_px / self.height_px


@dataclass(frozen=True, kw_only=True)
class Tones:
    """How light a picture is; see `Facts`."""

    brightness: float
    darkest: float
    contrast: float
    face_brightness: float | None


def tones(image: Pixels, *, face: Face | None) -> Tones:
    """Measure how light an upright picture is."""
    small = _shrunk(_opened(image))
    return _tones(_luma(small), face, scale=small.shape[1] / image.shape[1])


def face_brightness(image: Pixels, *, face: Face) -> float | None:
    """What `tones` says of the face alone, in a tenth of the time; None where it is outside."""
    small = _shrunk(_opened(image)) if max(image.shape[:2]) > _WORK_PX else image
    part = _part(small, face, scale=small.shape[1] / image.shape[1])
    return _brightness(_luma(part)) if part.size else None


def measure(decoded: Decoded, *, size_bytes: int, face: Face | None) -> Facts:
    """Measure one decoded picture.

    Args:
        decoded: As `mien.image.decode.decode` gives it.
        size_bytes: Of the file.
        face: In the upright picture, None where there is none or nobody looked.
    """
    whole = upright_pixels(decoded)
    opened = _opened(whole)
    small, grey = _shrunk(opened), as_grey(opened)
    luma, colours = _luma(small), _counted(small)
    red, green, blue = (small[:, :, i] for i in range(3))
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    light = _tones(luma, face, scale=small.shape[1] / whole.shape[1])
    return Facts(
        format=decoded.format,
        width_px=int(whole.shape[1]),
        height_px=int(whole.shape[0]),
        size_bytes=size_bytes,
        brightness=light.brightness,
        dark_share=round(float(np.mean(luma < 0.1)), 4),
        bright_share=round(float(np.mean(luma > 0.95)), 4),
        darkest=light.darkest,
        face_brightness=light.face_brightness,
        contrast=light.contrast,
        chroma=round(float(np.percentile(chroma.astype(float), 95)) / 255, 4),
        blur=round(blur(luma), 4),
        flat_share=round(_flat_share(whole), 4),
        n_colours=round(np.count_nonzero(colours) / luma.size, 5),
        bars=_bars(luma),
        page_share=round(float(colours.max() / luma.size), 4),
        background=_background(small, face, scale=small.shape[1] / whole.shape[1]),
        skin_angle=typology_angle(whole, face=face) if face else None,
        hashes=fingerprints(grey),
        thumbnail=thumbnail(grey),
        picture=pack(grey),
        chip=chip(grey, face=face) if face else None,
    )


def to_bytes(facts: Facts) -> bytes:
    """Facts as the cache keeps them: the length of the figures, the figures, the pictures."""
    values: dict[str, Any] = {
        field.name: getattr(facts, field.name)
        for field in dataclasses.fields(facts)
        if field.name not in _PICTURES
    }
    values["background"] = [None if np.isnan(v) else round(float(v), 4) for v in facts.background]
    values["hashes"] = [int(bits) for bits in facts.hashes]
    figures = json.dumps(values).encode()
    face = b"" if facts.chip is None else facts.chip.tobytes()
    ends = struct.pack("<II", len(figures), len(face))
    return ends + figures + facts.thumbnail.tobytes() + face + facts.picture


def from_bytes(data: bytes) -> Facts:
    """Facts from the cache."""
    n_figures, n_face = struct.unpack_from("<II", data)
    cuts = np.cumsum([8, n_figures, THUMBNAIL_PX**2, n_face]).tolist()
    figures, small, face = (data[a:b] for a, b in pairwise(cuts))
    values = json.loads(figures)
    values["background"] = np.array(
        [np.nan if v is None else v for v in values["background"]], dtype=np.float32
    )
    values["hashes"] = np.array(values["hashes"], dtype=np.uint64)
    return Facts(
        thumbnail=np.frombuffer(small, dtype=np.uint8).reshape(THUMBNAIL_PX, THUMBNAIL_PX),
        chip=np.frombuffer(face, dtype=np.uint8).reshape(CHIP_PX, CHIP_PX) if n_face else None,
        picture=data[cuts[-1] :],
        **values,
    )


def blur(luma: Luma) -> float:
    """Perceptual blur: how little a picture loses by being blurred once more, 0 sharp, 1 blurred.

    Source: F. Crete, T. Dolmiere, P. Ladret, M. Nicolas, "The blur effect", SPIE 6492 (2007).

    Args:
        luma: 0 to 1.
    """
    return float(blurs(luma[None])[0])


def blurs(lumas: Float[np.ndarray, "n h w"]) -> Float64[np.ndarray, " n"]:
    """As `blur`, of several pictures of one size at once."""
    n, height, width = lumas.shape
    cv2 = opencv()
    # Below each other for windows across, beside each other for windows down.
    beside = lumas.transpose(1, 0, 2).reshape(height, n * width)
    down = cv2.blur(beside, (1, 9), borderType=cv2.BORDER_REFLECT)
    below = lumas.reshape(n * height, width)
    across = cv2.blur(below, (9, 1), borderType=cv2.BORDER_REFLECT)
    of_down = [_steps(one, axis=0).reshape(height - 1, n, width) for one in (beside, down)]
    of_across = [_steps(one, axis=1).reshape(n, height, width - 1) for one in (below, across)]
    worst: Float64[np.ndarray, " n"] = np.maximum(
        _lost(*of_down, axes=(0, 2)), _lost(*of_across, axes=(1, 2))
    )
    return worst


def _lost(
    before: np.ndarray, after: np.ndarray, *, axes: tuple[int, int]
) -> Float64[np.ndarray, " n"]:
    """The share of each picture's steps that is gone already."""
    total = before.sum(axis=axes).astype(np.float64)
    before -= after
    kept = np.maximum(before, 0, out=before).sum(axis=axes).astype(np.float64)
    lost: Float64[np.ndarray, " n"] = np.ones_like(total)
    np.divide(total - kept, total, out=lost, where=total > 0)
    return lost


def _steps(luma: Luma, *, axis: int) -> Luma:
    steps: Luma = luma[1:] - luma[:-1] if axis == 0 else luma[:, 1:] - luma[:, :-1]
    np.abs(steps, out=steps)
    return steps


def _opened(image: Pixels) -> Image:
    from PIL import Image

    return Image.fromarray(image)


def _shrunk(opened: Image) -> Pixels:
    from PIL import Image

    width, height = opened.size
    factor = _WORK_PX / max(width, height)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        opened = opened.resize(size, Image.Resampling.BOX)
    return np.asarray(opened)


def _luma(image: Pixels) -> Luma:
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
    luma: Luma = image.astype(np.float32) @ weights
    return luma


def _tones(luma: Luma, face: Face | None, *, scale: float) -> Tones:
    low, middle, high = np.percentile(luma, (5, 50, 95))
    return Tones(
        brightness=round(float(middle), 4),
        darkest=round(float(low), 4),
        contrast=round(float(high - low), 4),
        face_brightness=_face_brightness(luma, face, scale=scale),
    )


def _face_brightness(luma: Luma, face: Face | None, *, scale: float) -> float | None:
    if face is None:
        return None
    part = _part(luma, face, scale=scale)
    return _brightness(part) if part.size else None


def _part(image: np.ndarray, face: Face, *, scale: float) -> np.ndarray:
    left, top, right, bottom = (max(0, int(scale * v)) for v in face.xyxy_px)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]


def _brightness(part: Luma) -> float:
    return round(float(np.median(part)), 4)


def _flat_share(image: Pixels) -> float:
    # On the picture's own pixels, as shrinking blends: a photo's noise never repeats a colour
    # exactly, a drawing's and a web page's surfaces do. The middle says enough of a large one.
    height, width = image.shape[:2]
    top, left = max(0, (height - 1024) // 2), max(0, (width - 1024) // 2)
    part = image[top : top + 1024, left : left + 1024]
    if part.shape[1] < 2:
        return 0.0
    # All channels in one number: one comparison a pixel instead of three and their joining.
    cv2 = opencv()
    colours = cv2.cvtColor(part, cv2.COLOR_RGB2RGBA).view(np.uint32)[:, :, 0]
    return float(np.mean(colours[:, 1:] == colours[:, :-1]))


def _counted(image: Pixels) -> Int[np.ndarray, " 32768"]:
    """How many pixels have each colour, at 5 bits a channel."""
    codes = (image >> 3).astype(np.uint32) @ np.array([1024, 32, 1], dtype=np.uint32)
    return np.bincount(codes.ravel(), minlength=1 << 15)


def _bars(luma: Luma) -> int:
    """Rows and columns at which the whole width or height changes at once."""
    count = 0
    for picture in (luma, luma.T):
        steps = np.diff(picture, axis=0)
        # Most of the line takes the same step, and it is a step: no slope that goes on.
        median = np.median(steps, axis=1)
        typical = np.abs(median)
        same = np.mean(np.sign(steps) == np.sign(median)[:, None], axis=1)
        around = np.minimum(np.roll(typical, 2), np.roll(typical, -2))
        count += int(np.sum((typical > 0.06) & (same > 0.9) & (around < 0.3 * typical)))
    return count


def _background(image: Pixels, face: Face | None, *, scale: float) -> Float[np.ndarray, " k"]:
    height, width = image.shape[:2]
    hidden = np.zeros((height, width), dtype=bool)
    if face is not None:
        left, top, right, bottom = (scale * v for v in face.xyxy_px)
        x, y = (left + right) / 2, (top + bottom) / 2
        half_x, half_y = (right - left) / 2 * _FACE_GROWTH, (bottom - top) / 2 * _FACE_GROWTH
        # What is below a face is neck and clothes, not background.
        rows = slice(max(0, int(y - half_y)), height)
        hidden[rows, max(0, int(x - half_x)) : max(0, int(np.ceil(x + half_x)))] = True
    rows, columns = (np.arange(n) * N_CELLS // n for n in (height, width))
    cells = rows[:, None] * N_CELLS + columns[None]
    seen = ~hidden
    n = np.bincount(cells[seen], minlength=N_CELLS**2)
    means = np.stack(
        [
            np.bincount(cells[seen], weights=image[..., c][seen] / 255.0, minlength=N_CELLS**2)
            for c in range(3)
        ],
        axis=1,
    )
    whole = np.bincount(cells.ravel(), minlength=N_CELLS**2)
    kept = n > 0.7 * np.maximum(whole, 1)
    out = np.where(kept[:, None], means / np.maximum(n, 1)[:, None], np.nan)
    border = np.ones((N_CELLS, N_CELLS), dtype=bool)
    border[1:, 1:-1] = False  # the lower edge shows clothes
    border[-2:] = False
    chosen: Float[np.ndarray, " k"] = out[border.ravel()].ravel().astype(np.float32)
    return chosen
