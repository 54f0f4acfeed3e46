"""Hair and beard of a drawn person: what hangs behind the head, what covers the skull, strands.

Each style is a few outlines in the face frame; its texture is a ring of light across the crown
times strands (a noise along the direction in which hair falls) or curls (a noise in both).
Knows nothing of the face's features but where the chin and the mouth are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32
from PIL import Image

from mien.dataset.drawn.anatomy import Anatomy
from mien.dataset.drawn.frame import Canvas, Grid, Points, finer, mirrored, smooth
from mien.dataset.drawn.skin import Lamp
from mien.dataset.drawn.traits import HairStyle, Person

HAIR_GRID: Final = Grid(left=-1.8, top=-2.0, right=1.8, bottom=2.4, per_unit=42.0)
_CURLY: Final = ("curly", "afro")

# How far hair stands off the skull, in units of the face frame.
_VOLUME: Final[dict[HairStyle, float]] = {
    "bald": 0.0, "buzz": 0.025, "short": 0.10, "parted": 0.13, "curly": 0.19, "afro": 0.44,
    "bob": 0.15, "long": 0.13, "wavy": 0.16, "bun": 0.07,
}  # fmt: skip


def hair_texture(rng: np.random.Generator, *, person: Person, lamp: Lamp) -> Image.Image:
    """Paint hair on `HAIR_GRID`: colour × light × strands."""
    along, ring = _flow()
    if person.style in _CURLY or person.style == "buzz":
        strands = _curls(rng, fine=person.style == "buzz")
    else:
        wave = 3.0 * np.sin(HAIR_GRID.y * 5.0)[:, None] if person.style == "wavy" else 0.0
        noise = np.convolve(rng.normal(0, 1, 512), [0.25, 0.5, 0.25], mode="same")
        strands = noise[np.clip(along + wave, 0, 511).astype(np.int64)]
    x, y = HAIR_GRID.x[None, :], HAIR_GRID.y[:, None]
    lx, ly, _ = lamp.direction
    side = 1 + 0.28 * (x * lx + (y + 0.4) * ly)
    gloss = 0.15 if person.style in _CURLY else 0.55
    light = np.clip(side, 0.45, 1.5) * (0.80 + 0.17 * strands) + gloss * ring * (
        0.55 + 0.35 * strands
    )
    light *= np.clip(1.1 - 0.28 * np.maximum(0, y - 0.2), 0.6, 1.1)
    colours = np.asarray(person.hair, np.float32) * light[..., None] + 16 * gloss * ring[..., None]
    return finer(colours)


@lru_cache(maxsize=1)
def _flow() -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Index of the strand at each point, and the ring of light on the crown."""
    x, y = HAIR_GRID.x[None, :], HAIR_GRID.y[:, None]
    # Strands start at a whorl above the brow and fall: an angle above, nearly x below.
    angle = np.arctan2(x, np.maximum(0.45, 0.15 - y))
    along = 256 + 150 * angle
    radius = np.sqrt(x**2 + (y + 0.2) ** 2)
    ring = np.exp(-(((radius - 0.93) / 0.10) ** 2)) * (y < -0.2)
    return along.astype(np.float32), ring.astype(np.float32)


def _curls(rng: np.random.Generator, *, fine: bool) -> Float32[np.ndarray, "h w"]:
    h, w = len(HAIR_GRID.y), len(HAIR_GRID.x)
    cell = 2 if fine else 4
    coarse = rng.normal(128, 60 if fine else 90, (h // cell, w // cell))
    small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
    curls = np.asarray(small.resize((w, h), Image.Resampling.BICUBIC), np.float32)
    return (curls - 128) / 70


def draw_back(
    rng: np.random.Generator, canvas: Canvas, *, person: Person, texture: Image.Image
) -> None:
    """Draw the hair that lies behind head and neck."""
    for outline in _back(rng, person):
        canvas.texture(canvas.pose.turned(outline, depth=-0.15), texture, HAIR_GRID, soft_px=1.2)


def draw_front(
    rng: np.random.Generator,
    canvas: Canvas,
    *,
    person: Person,
    anatomy: Anatomy,
    texture: Image.Image,
) -> None:
    """Draw the hair that covers the skull, and the beard."""
    if person.style != "bald":
        outer, line = _cap(rng, person)
        turned = np.concatenate(
            [canvas.pose.turned(outer, depth=0.0), canvas.pose.turned(line)], axis=0
        )
        soft = 2.6 if person.style in ("buzz", "curly", "afro") else 1.4
        canvas.texture(turned, texture, HAIR_GRID, soft_px=soft)
    for lock in _locks(person):
        canvas.texture(canvas.pose.turned(lock, depth=0.1), texture, HAIR_GRID, soft_px=1.2)
    for part in _beard(person, anatomy):
        canvas.texture(canvas.pose.turned(part), texture, HAIR_GRID, soft_px=2.0)


def _skull(volume: float, width: float, *, reach: float) -> Points:
    angle = np.radians(np.linspace(-reach, reach, 21))
    x = (0.80 * width + volume * 0.75) * np.sin(angle)
    y = -0.22 - (0.94 + volume) * np.cos(angle)
    return np.stack([x, y], axis=1)


def _cap(rng: np.random.Generator, person: Person) -> tuple[Points, Points]:
    """The outer outline from left to right, and the hairline from right to left."""
    style, w = person.style, person.head_width
    volume = _VOLUME[style] * float(rng.uniform(0.9, 1.1))
    outer = _skull(volume, w, reach=97)
    if style in _CURLY:
        bumps = 0.028 * np.sin(np.linspace(0, 60, 161) + rng.uniform(0, 6)) * (1 + volume)
        fine = smooth(outer)
        middle = np.array([0.0, -0.3])
        away = (fine - middle) / np.linalg.norm(fine - middle, axis=1, keepdims=True)
        outer = fine + away * bumps[: len(fine), None]
    return outer, smooth(_hairline(rng, person), steps=5)


def _hairline(rng: np.random.Generator, person: Person) -> Points:
    w, age = person.head_width, person.age
    high = -0.04 * age + float(rng.uniform(-0.03, 0.03))
    side = 1 if rng.random() < 0.5 else -1
    if person.style in ("bob", "long", "wavy"):
        if rng.random() < 0.25:  # a fringe over the forehead
            half = np.array(
                [(0.76 * w, 0.15), (0.70 * w, -0.20), (0.56, -0.40), (0.30, -0.43), (0.0, -0.42)]
            )
        else:  # a parting near the middle
            part = 0.12 * side
            return np.array([
                (0.78 * w, 0.25), (0.72 * w, -0.15), (0.60 * w, -0.45), (0.34, -0.70),
                (part, -0.90 + high), (-0.34, -0.70), (-0.60 * w, -0.45), (-0.72 * w, -0.15),
                (-0.78 * w, 0.25),
            ])  # fmt: skip
    elif person.style == "parted":
        line = np.array([
            (0.77 * w, 0.02), (0.71 * w, -0.32), (0.60 * w, -0.58), (0.42, -0.74 + high),
            (0.05, -0.64 + high), (-0.30, -0.56 + high), (-0.58 * w, -0.50), (-0.71 * w, -0.30),
            (-0.77 * w, 0.02),
        ])  # fmt: skip
        return line if side == 1 else mirrored(line)
    elif person.gender == "woman":
        half = np.array(
            [
                (0.77 * w, -0.02),
                (0.69 * w, -0.36),
                (0.54, -0.62),
                (0.28, -0.74 + high),
                (0.0, -0.78 + high),
            ]
        )
    else:
        half = np.array([
            (0.77 * w, 0.05), (0.70 * w, -0.18), (0.67 * w, -0.46), (0.54, -0.60 + high),
            (0.28, -0.67 + high), (0.0, -0.66 + high),
        ])  # fmt: skip
    return np.concatenate([half, mirrored(half[:-1])])


def _back(rng: np.random.Generator, person: Person) -> list[Points]:
    w, volume = person.head_width, _VOLUME[person.style]
    top = _skull(volume, w, reach=97)
    if person.style == "bun":
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        ring = np.stack([0.30 * np.cos(angle), -1.33 + 0.26 * np.sin(angle)], axis=1)
        return [ring]
    if person.style == "afro":
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        radius = 1 + 0.025 * np.sin(np.linspace(0, 70, 60)) + 0.015 * rng.normal(size=60)
        return [
            np.stack(
                [1.20 * w * radius * np.sin(angle), -0.32 - 1.05 * radius * np.cos(angle)], axis=1
            )
        ]
    lengths = {
        "bob": 0.98,
        "long": float(rng.uniform(1.6, 2.2)),
        "wavy": float(rng.uniform(1.5, 2.0)),
    }
    if person.style not in lengths:
        return []
    low = lengths[person.style]
    y = np.linspace(-0.1, low, 9)[1:]
    flare = 0.93 * w + 0.10 * np.sin(np.clip((y + 0.1) / (low + 0.1), 0, 1) * np.pi * 0.8)
    if person.style == "wavy":
        flare = flare + 0.045 * np.sin(y * 5.5)
    tail = 0.10 if person.style == "bob" else 0.0
    right = np.stack([flare - tail * np.clip(y - 0.6, 0, 1), y], axis=1)
    bottom = np.array([(0.55, low + 0.06)])
    half = np.concatenate([right, bottom])
    return [np.concatenate([smooth(top), smooth(half), smooth(mirrored(half))])]


def _locks(person: Person) -> list[Points]:
    """Hair that falls in front of the ears."""
    if person.style not in ("bob", "long", "wavy"):
        return []
    w = person.head_width
    low = 0.86 if person.style == "bob" else 1.5
    edge = np.array([
        (0.74 * w, -0.30), (0.78 * w, 0.1), (0.745 * w, 0.45), (0.72 * w, 0.75), (0.70 * w, low),
        (0.92 * w, low), (0.98 * w, 0.45), (0.93 * w, 0.0), (0.88 * w, -0.35),
    ])  # fmt: skip
    right = smooth(edge, closed=True)
    return [right, mirrored(right)]


def _beard(person: Person, anatomy: Anatomy) -> list[Points]:
    if person.beard not in ("moustache", "full"):
        return []
    lip = anatomy.mouth.upper_outer
    left, right = lip[0], lip[-1]
    top = np.array([
        (left[0] - 0.03, left[1] + 0.06), (left[0] * 0.75, lip[4, 1] - 0.05),
        (-0.09, anatomy.nose_y + 0.115), (0.0, anatomy.nose_y + 0.125),
        (0.09, anatomy.nose_y + 0.115), (right[0] * 0.75, lip[-5, 1] - 0.05),
        (right[0] + 0.03, right[1] + 0.06),
    ])  # fmt: skip
    parts = [np.concatenate([smooth(top), lip[::-1] - np.array([0, 0.012])])]
    if person.beard == "full":
        w, j, chin = person.head_width, person.jaw_width, anatomy.chin_y
        low = anatomy.mouth.lower_outer
        outside = np.array([
            (0.76 * w, 0.05), (0.74 * w, 0.38), (0.63 * w * j, 0.72), (0.41 * w * j, chin - 0.10),
            (0.19 * j, chin + 0.06), (0.0, chin + 0.08),
        ])  # fmt: skip
        inside = np.array([
            (0.0, low[12, 1] + 0.075), (0.13, low[12, 1] + 0.05),
            (right[0] + 0.05, right[1] + 0.05),
            (right[0] + 0.10, right[1] - 0.06), (0.56 * w, 0.48), (0.68 * w, 0.22),
            (0.70 * w, 0.04),
        ])  # fmt: skip
        half = np.concatenate([smooth(outside), smooth(inside)])
        parts += [half, half * np.array([-1.0, 1.0])]
    return parts
