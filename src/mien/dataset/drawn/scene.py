"""What surrounds a drawn face, and the camera: background, clothes, light, noise.

Knows nothing of who is drawn but the colours of clothes and skin.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageDraw

from mien.dataset.drawn.frame import OVERSAMPLING, Canvas
from mien.dataset.drawn.skin import Lamp, ear, shade
from mien.dataset.drawn.traits import Person, Rgb

Background: TypeAlias = Literal["plain", "studio", "room", "street", "nature"] | Rgb
BACKGROUNDS: Final = ("plain", "studio", "room", "street", "nature")

_PALE: Final[tuple[Rgb, ...]] = (
    (206, 214, 222), (222, 212, 198), (190, 204, 196), (216, 200, 206), (176, 190, 206),
    (232, 230, 224),
)  # fmt: skip


def make_lamp(rng: np.random.Generator) -> Lamp:
    """Choose the photo's light: from the front and above, more or less from a side."""
    x = float(rng.uniform(-0.62, 0.62))
    y = float(rng.uniform(-0.55, -0.1))
    z = float(np.sqrt(1 - x**2 - y**2))
    warm = float(rng.normal(0, 0.025))
    colour = (1 + warm, 1.0, 1 - 1.2 * warm)
    return Lamp(direction=(x, y, z), ambient=float(rng.uniform(0.36, 0.58)), colour=colour)


def paint_background(rng: np.random.Generator, *, kind: Background, side_px: int) -> Image.Image:
    """Paint what is behind the person, out of focus, `side_px` square.

    Args:
        rng: Source of the choice of colours and things.
        kind: One of `BACKGROUNDS`, or a colour, which makes an even wall of it.
        side_px: Width and height of the canvas.
    """
    small = Image.new("RGB", (64, 64))
    draw = ImageDraw.Draw(small)
    if isinstance(kind, tuple):
        draw.rectangle((0, 0, 64, 64), fill=kind)
    elif kind in ("plain", "studio"):
        _wall(rng, small, spot=kind == "studio")
    elif kind == "room":
        _room(rng, small, draw)
    elif kind == "street":
        _street(rng, small, draw)
    else:
        _nature(rng, small, draw)
    # Enlarging 64 pixels is the blur of a lens wide open.
    soft = small.resize((24, 24), Image.Resampling.BOX) if kind == "nature" else small
    focus = soft.resize((32, 32), Image.Resampling.BILINEAR).resize(
        (128, 128), Image.Resampling.BICUBIC
    )
    return focus.resize((side_px, side_px), Image.Resampling.BILINEAR)


def _wall(rng: np.random.Generator, image: Image.Image, *, spot: bool) -> None:
    base = np.asarray(_PALE[int(rng.integers(len(_PALE)))], np.float32) + rng.normal(0, 8, 3)
    y, x = np.mgrid[0:64, 0:64].astype(np.float32) / 63 - 0.5
    if spot:
        base = base * rng.uniform(0.3, 0.95)
        light = 1.25 - 1.1 * ((x - rng.uniform(-0.15, 0.15)) ** 2 + (y + 0.1) ** 2)
    else:
        light = 1 + x * rng.uniform(-0.3, 0.3) + y * rng.uniform(-0.25, 0.1)
    pixels = np.clip(base * light[..., None], 0, 255).astype(np.uint8)
    image.paste(Image.fromarray(pixels))


def _room(rng: np.random.Generator, image: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    _wall(rng, image, spot=False)
    if rng.random() < 0.6:  # a bright window
        left = int(rng.integers(0, 44))
        draw.rectangle((left, 4, left + 16, 40), fill=(248, 250, 252))
        draw.line((left + 8, 4, left + 8, 40), fill=(170, 168, 160), width=2)
    shelf = int(rng.integers(8, 34))
    left = int(rng.integers(0, 40))
    for book in range(left, left + 24, 3):
        colour = tuple(int(v) for v in rng.integers(60, 210, 3))
        draw.rectangle((book, shelf - int(rng.integers(6, 11)), book + 2, shelf), fill=colour)
    draw.rectangle((left - 1, shelf, left + 25, shelf + 1), fill=(112, 84, 60))


def _street(rng: np.random.Generator, image: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    image.paste((198, 210, 224), (0, 0, 64, 64))
    for left in range(-4, 64, 14):
        level = int(rng.integers(90, 180))
        colour = (level, level - 6, level - 12)
        top = int(rng.integers(0, 26))
        draw.rectangle((left, top, left + 13, 64), fill=colour)
        for y in range(top + 4, 60, 8):
            draw.rectangle(
                (left + 3, y, left + 9, y + 3), fill=(level + 50, level + 46, level + 30)
            )
    draw.rectangle((0, 52, 64, 64), fill=(112, 112, 118))


def _nature(rng: np.random.Generator, image: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    image.paste((176, 206, 226), (0, 0, 64, 28))
    image.paste((104, 140, 84), (0, 28, 64, 64))
    for _ in range(26):
        x, y = rng.integers(0, 64, 2)
        r = int(rng.integers(3, 9))
        green = int(rng.integers(90, 190))
        leaf = (green - int(rng.integers(10, 60)), green, int(green * 0.45))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=leaf)


def draw_shoulders(canvas: Canvas, *, person: Person, rng: np.random.Generator) -> None:
    """Draw the clothes, over the neck: crew neck, V-neck or collar."""
    wide = 1.75 if person.gender == "man" else 1.5
    slope = 0.03 * float(rng.normal())
    body = np.array([
        (-wide - 0.2, 3.4), (-wide, 2.1 + slope), (-wide * 0.78, 1.78 + slope), (-0.52, 1.47),
        (-0.38, 1.40), (0.0, 1.66), (0.38, 1.40), (0.52, 1.47), (wide * 0.78, 1.78 - slope),
        (wide, 2.1 - slope), (wide + 0.2, 3.4),
    ])  # fmt: skip
    neckline = int(rng.integers(3))
    if neckline == 1:
        body[5] = (0.0, 2.15)
    r, g, b = person.clothes
    canvas.polygon(body, person.clothes)
    fold = (max(0, r - 34), max(0, g - 34), max(0, b - 34), 150)
    glow = (min(255, r + 26), min(255, g + 26), min(255, b + 26), 90)
    for side in (-1, 1):
        edge = np.array([(-wide * 0.78, 1.80), (-0.55, 1.50), (-0.8, 1.72), (-wide * 0.8, 1.95)])
        canvas.polygon(edge * (side, 1), glow)
        arm = np.array([(wide * 0.72, 2.2), (wide * 0.80, 2.6), (wide * 0.78, 3.2)])
        canvas.line(arm * (side, 1), fold, width=0.045)
    rim = body[4:7]
    canvas.line(rim, fold, width=0.06)
    if neckline == 2:
        for side in (-1, 1):
            flap = np.array([(0.40, 1.34), (0.56, 1.52), (0.40, 1.92), (0.05, 1.68)])
            canvas.polygon(flap * (side, 1), (min(255, r + 18), min(255, g + 18), min(255, b + 18)))
            canvas.line((flap * (side, 1))[1:], fold, width=0.025)


def draw_ears(canvas: Canvas, *, person: Person, light: float) -> None:
    """Draw the ears; the head is painted over their inner part."""
    for side in (-1, 1):
        outline = canvas.pose.turned(ear(side), depth=-0.12)
        canvas.polygon(outline, shade(person.tone, 0.80 * light))
        inner = (outline - outline.mean(axis=0)) * 0.55 + outline.mean(axis=0)
        canvas.polygon(inner, shade(person.tone, 0.58 * light))
        if person.earrings:
            lobe = outline[5]
            canvas.disc((float(lobe[0]), float(lobe[1]) + 0.02), 0.035, (226, 196, 110))


def develop(
    rng: np.random.Generator, canvas: Image.Image, *, lamp: Lamp, size_px: int
) -> UInt8[np.ndarray, "h w 3"]:
    """Turn the canvas into a photo: smaller, in the colour of the light, a little noisy."""
    small = canvas.reduce(OVERSAMPLING)
    pixels = np.asarray(small, np.float32)
    exposure = float(rng.normal(1.0, 0.06))
    gain = np.asarray(lamp.colour, np.float32) * np.float32(np.clip(exposure, 0.85, 1.12))
    grain = _grain(rng, size_px) * np.float32(rng.uniform(0.5, 2.2))
    lit = pixels * (gain * _vignette(size_px)) + grain[..., None]
    photo: UInt8[np.ndarray, "h w 3"] = np.clip(lit, 0, 255).astype(np.uint8)
    return photo


def _grain(rng: np.random.Generator, size_px: int) -> Float32[np.ndarray, "h w"]:
    return rng.standard_normal((size_px, size_px), dtype=np.float32)


@lru_cache(maxsize=4)
def _vignette(size_px: int) -> Float32[np.ndarray, "h w 1"]:
    axis = np.linspace(-1, 1, size_px, dtype=np.float32)
    far = axis[None, :] ** 2 + axis[:, None] ** 2
    fall: Float32[np.ndarray, "h w 1"] = (1 - 0.07 * far)[..., None]
    return fall
