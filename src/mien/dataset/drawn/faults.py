"""Faults that are planted in drawn photos on purpose, so that checks can be tested on the truth.

Each function changes one image or its encoded bytes the way people and web sites do. Knows
nothing of folders: `folder.py` decides which photos are hit, and reports them as `Planted`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFilter

Pixels = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How many photos to hit with what; nothing unless said.

    Twins (`copies` to `mirrored`) and `leaks` add a photo of the same class; all others change
    photos in place, so that counts of classes and groups stay as asked.

    Attributes:
        copies: Exact copies under another name.
        reencoded: Copies saved again at JPEG quality 40.
        resized: Copies of half the width and height.
        cropped: Copies with a tenth of each side cut away.
        brightened: Copies a fifth brighter.
        mirrored: Copies flipped left to right.
        leaks: Test photos copied among the training photos.
        swapped_labels: Photos moved to another class.
        blurred, dark, overexposed, tiny: Photos of bad quality.
        no_face, several_faces, banners, screenshots: Photos of the wrong kind.
        starve: Group values of a cell that gets only `starve_to` photos a class.
        starve_to: See `starve`.
        shortcut: Share of training photos whose background colour gives the class away, 0 to 1.
    """

    copies: int = 0
    reencoded: int = 0
    resized: int = 0
    cropped: int = 0
    brightened: int = 0
    mirrored: int = 0
    leaks: int = 0
    swapped_labels: int = 0
    blurred: int = 0
    dark: int = 0
    overexposed: int = 0
    tiny: int = 0
    no_face: int = 0
    several_faces: int = 0
    banners: int = 0
    screenshots: int = 0
    starve: Mapping[str, str] = field(default_factory=dict)
    starve_to: int = 1
    shortcut: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A fault and where it is.

    Attributes:
        kind: Its name: a field of `Faults`, or a kind of bad file.
        paths: The photo or photos; of a twin or leak, the original first.
        truth: What a check should find out, such as the true class of a swapped label.
    """

    kind: str
    paths: tuple[Path, ...]
    truth: str


def encode_jpeg(image: Pixels, *, quality: int) -> bytes:
    """Encode an image as JPEG bytes, the same bytes for the same pixels."""
    out = BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _decoded(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def _half(image: Pixels) -> Pixels:
    picture = Image.fromarray(image)
    return np.asarray(
        picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    )


def _cropped(image: Pixels) -> Pixels:
    h, w = image.shape[:2]
    return image[h // 10 : h - h // 10, w // 10 : w - w // 10]


def _brighter(image: Pixels) -> Pixels:
    return np.clip(image * 1.2, 0, 255).astype(np.uint8)


def _identity(image: Pixels) -> Pixels:
    return image


_TWINS: Final[dict[str, tuple[Callable[[Pixels], Pixels], int]]] = {
    "reencoded": (_identity, 40),
    "resized": (_half, 88),
    "cropped": (_cropped, 88),
    "brightened": (_brighter, 88),
    "mirrored": (lambda image: image[:, ::-1], 88),
}
TWIN_KINDS: Final = ("copies", *_TWINS)
SPOILED_KINDS: Final = ("blurred", "dark", "overexposed", "tiny", "banners", "screenshots")


def twin(data: bytes, *, kind: str) -> bytes:
    """Make a twin of an encoded photo; `kind` is one of `TWIN_KINDS`."""
    if kind == "copies":
        return data
    change, quality = _TWINS[kind]
    return encode_jpeg(np.ascontiguousarray(change(_decoded(data))), quality=quality)


def spoil(rng: np.random.Generator, data: bytes, *, kind: str) -> bytes:
    """Spoil an encoded photo; `kind` is one of `SPOILED_KINDS`."""
    image = _decoded(data)
    if kind == "blurred":
        picture = Image.fromarray(image).filter(ImageFilter.GaussianBlur(image.shape[0] / 42))
        return encode_jpeg(np.asarray(picture), quality=88)
    if kind == "dark":
        return encode_jpeg((image * 0.13).astype(np.uint8), quality=88)
    if kind == "overexposed":
        return encode_jpeg(np.clip(image * 1.7 + 95.0, 0, 255).astype(np.uint8), quality=88)
    if kind == "tiny":
        return encode_jpeg(np.asarray(Image.fromarray(image).resize((40, 40))), quality=88)
    if kind == "banners":
        return encode_jpeg(_banner(rng, image), quality=88)
    return encode_jpeg(_screenshot(image), quality=92)


def _banner(rng: np.random.Generator, image: Pixels) -> Pixels:
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture, "RGBA")
    h, w = image.shape[:2]
    top = int(h * rng.uniform(0.42, 0.56))  # across the face, as stock-photo sites do
    draw.rectangle((0, top, w, top + h // 9), fill=(255, 255, 255, 210))
    _write(
        draw, "SAMPLE PHOTO  SAMPLE PHOTO", at=(4, top + 2), height=h // 9 - 4, fill=(20, 20, 20)
    )
    return np.asarray(picture)


def _screenshot(image: Pixels) -> Pixels:
    h, w = image.shape[:2]
    page = Image.new("RGB", (w, h), (250, 250, 252))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, w, h // 8), fill=(58, 96, 164))
    _write(draw, "photos.example", at=(8, h // 40), height=h // 12, fill=(255, 255, 255))
    page.paste(Image.fromarray(image).resize((w // 2, h // 2)), (w // 4, h // 6))
    for line in range(5):
        y = int(h * 0.72) + line * h // 20
        draw.rectangle(
            (w // 10, y, w - w // 10 - line * w // 14, y + h // 60), fill=(150, 150, 156)
        )
    return np.asarray(page)


def _write(
    draw: ImageDraw.ImageDraw,
    text: str,
    *,
    at: tuple[int, int],
    height: int,
    fill: tuple[int, int, int],
) -> None:
    draw.text(at, text, fill=fill, font_size=max(6, int(height * 0.9)))
