"""The lit surface of a drawn face: a height field, a lamp, and the colours that skin takes.

The face is a smooth hill: an ellipsoid with a nose, brow ridges, cheeks, lips and a chin, less
the sockets of the eyes. Its slopes give normals, a lamp gives light by Lambert's law with a soft
highlight (Blinn-Phong), and darker skin shade goes to red before it goes to black.
Everything is separable in x and y on a grid in the (turned) face frame, which is what makes a
photo take milliseconds. Knows nothing of outlines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw, ImageFilter

from mien.dataset.drawn.actions import Actions
from mien.dataset.drawn.anatomy import Anatomy
from mien.dataset.drawn.frame import HEAD_HALF, Grid, Points, Pose, finer
from mien.dataset.drawn.traits import Person, Rgb

FACE_GRID: Final = Grid(left=-1.2, top=-1.3, right=1.2, bottom=1.5, per_unit=60.0)
NECK_GRID: Final = Grid(left=-1.0, top=0.3, right=1.0, bottom=2.2, per_unit=30.0)

Field = Float32[np.ndarray, "h w"]


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """The light of the photo.

    Attributes:
        direction: Where it comes from: right, down, towards the camera; length 1.
        ambient: Share of light that comes from everywhere, 0 to 1.
        colour: Factors on red, green and blue.
    """

    direction: tuple[float, float, float]
    ambient: float
    colour: tuple[float, float, float]


def face_texture(
    rng: np.random.Generator, *, person: Person, actions: Actions, anatomy: Anatomy, pose: Pose,
    lamp: Lamp,
) -> Image.Image:  # fmt: skip
    """Paint the skin of the face on `FACE_GRID`."""
    height = _relief(person, actions, anatomy, pose)
    light = _lit(height, lamp, FACE_GRID.per_unit)
    light *= 1 - _socket_shade(anatomy, pose, actions)
    light *= 1 - _folds(person, actions, anatomy, pose)
    light += rng.normal(0, 0.012, light.shape).astype(np.float32)
    colours = _ramp(person.tone)[np.clip(light * 200, 0, 255).astype(np.uint8)]
    colours = _flush(colours, person, actions, anatomy, pose)
    return finer(colours)


def neck_texture(*, person: Person, pose: Pose, lamp: Lamp, chin_y: float) -> Image.Image:
    """Paint the neck on `NECK_GRID`: a cylinder in the shadow of the chin."""
    x = NECK_GRID.x[None, :]
    y = NECK_GRID.y[:, None]
    centre = 0.25 * np.sin(pose.yaw)
    side = np.clip((x - centre) / 0.62, -0.95, 0.95)
    toward = np.sqrt(1 - side**2)
    lit = np.clip(lamp.direction[0] * side + lamp.direction[2] * toward, 0, 1)
    light = lamp.ambient + (1 - lamp.ambient) * lit
    below = 0.52 * np.exp(-((np.maximum(0, y - chin_y + 0.06) / 0.30) ** 2))
    light = light * (0.96 - below) * np.ones_like(y)
    colours = _ramp(person.tone)[np.clip(light * 200, 0, 255).astype(np.uint8)]
    return finer(colours)


def shade(colour: Rgb, light: float) -> Rgb:
    """A skin colour in more (above 1) or less light, as the face itself takes it."""
    red, green, blue = (
        int(v) for v in np.clip(_ramp(colour)[int(np.clip(light * 200, 0, 255))], 0, 255)
    )
    return red, green, blue


@lru_cache(maxsize=64)
def _ramp(tone: Rgb) -> Float32[np.ndarray, "256 3"]:
    # Entry 200 is the tone itself. In shade red falls slowest (light scatters inside skin), above
    # it the colour runs to a warm white.
    level = (np.arange(256, dtype=np.float32) / 200.0)[:, None]
    base = np.asarray(tone, np.float32)
    dark = base * np.minimum(level, 1) ** np.array([0.80, 1.06, 1.14], np.float32)
    over = np.clip(level - 1, 0, None)
    ramp: Float32[np.ndarray, "256 3"] = (
        dark + over * (np.array([255, 244, 232], np.float32) - base) * 1.1
    )
    return ramp


@lru_cache(maxsize=1)
def _ellipsoid() -> Field:
    a, b, c = HEAD_HALF
    # Boxier than an ellipsoid (power 2.5), as skulls are, and never flat at the rim.
    across, down = FACE_GRID.x[None, :] / (a * 1.10), FACE_GRID.y[:, None] / (b * 1.10)
    inside = 1 - np.abs(across) ** 2.5 - np.abs(down) ** 2.5
    dome: Field = (c * np.sqrt(np.maximum(0.03, inside))).astype(np.float32)
    return dome


def _bump(at: tuple[float, float], sx: float, sy: float) -> Field:
    gx = np.exp(-(((FACE_GRID.x - at[0]) / sx) ** 2))
    gy = np.exp(-(((FACE_GRID.y - at[1]) / sy) ** 2))
    return np.outer(gy, gx)


def _placed(pose: Pose, x: float, y: float) -> tuple[float, float]:
    turned = pose.turned(np.array([(x, y)]))[0]
    return float(turned[0]), float(turned[1])


def _relief(person: Person, actions: Actions, anatomy: Anatomy, pose: Pose) -> Field:
    z = _ellipsoid().copy()
    nose_y = anatomy.nose_y
    z += 0.125 * _bump(_placed(pose, 0, nose_y * 0.5), 0.105, 0.25)
    z += 0.15 * _bump(_placed(pose, 0, nose_y - 0.02), 0.115 * person.nose_width, 0.09)
    z += 0.035 * _bump(_placed(pose, 0, 0.56), 0.16, 0.10)  # the upper lip's cushion
    z += 0.07 * _bump(_placed(pose, 0, anatomy.chin_y - 0.13), 0.20, 0.12)
    z -= 0.03 * _bump(_placed(pose, 0, anatomy.chin_y - 0.27), 0.20, 0.05)
    z += 0.03 * _bump(_placed(pose, 0, -0.62), 0.45, 0.25)
    lift = 0.05 * actions.corner_up + 0.04 * actions.cheek
    for side in (-1, 1):
        z += 0.05 * _bump(_placed(pose, side * anatomy.nose_half, nose_y + 0.01), 0.055, 0.06)
        z -= 0.075 * _bump(_placed(pose, side * 0.33, -0.02), 0.20, 0.12)
        z += 0.035 * _bump(_placed(pose, side * 0.36, -0.25), 0.24, 0.07)
        z += (0.045 + 1.1 * lift) * _bump(_placed(pose, side * 0.44, 0.34 - lift), 0.17, 0.15)
    return z


def _lit(height: Field, lamp: Lamp, per_unit: float) -> Field:
    down, right = np.gradient(height, np.float32(1 / per_unit))
    scale = 1 / np.sqrt(right**2 + down**2 + 1)
    lx, ly, lz = lamp.direction
    facing = (-right * lx - down * ly + lz) * scale
    # Wrapped Lambert: light creeps round soft things.
    diffuse = np.clip((facing + 0.25) / 1.25, 0, 1)
    half = np.array([lx, ly, lz + 1.0])
    hx, hy, hz = half / np.linalg.norm(half)
    shine = np.clip((-right * hx - down * hy + hz) * scale, 0, 1) ** 24
    light: Field = lamp.ambient + (1 - lamp.ambient) * diffuse + 0.10 * shine
    return light


def _socket_shade(anatomy: Anatomy, pose: Pose, actions: Actions) -> Field:
    dark = np.zeros_like(_ellipsoid())
    for eye in anatomy.eyes:
        x, y = eye.centre
        dark += 0.13 * _bump(_placed(pose, x * 0.86, y - 0.10), 0.19, 0.075)
        dark += 0.07 * _bump(_placed(pose, x * 0.9, y + 0.13), 0.15, 0.05)
    nose_x, nose_y = _placed(pose, 0, anatomy.nose_y + 0.11)
    dark += 0.20 * _bump((nose_x, nose_y), anatomy.nose_half * 1.05, 0.04)
    low = float(anatomy.mouth.lower_outer[12, 1])
    dark += (0.12 + 0.05 * actions.chin_raise) * _bump(_placed(pose, 0, low + 0.05), 0.16, 0.035)
    return dark


def _folds(person: Person, actions: Actions, anatomy: Anatomy, pose: Pose) -> Field:
    """Darkness of the lines that actions and age draw in the skin, 0 to 1."""
    a, age = actions, person.age
    h, w = _ellipsoid().shape
    mask = Image.new("L", (w, h))
    draw = ImageDraw.Draw(mask)

    def crease(points: list[tuple[float, float]], strength: float, width: int = 2) -> None:
        if strength < 0.06:
            return
        turned = pose.turned(np.array(points, float))
        flat = (turned - (FACE_GRID.left, FACE_GRID.top)) * FACE_GRID.per_unit
        draw.line(
            list(flat.ravel()), fill=int(255 * min(1.0, strength)), width=width, joint="curve"
        )

    corner = anatomy.mouth.upper_inner[-1]
    n = anatomy.nose_half
    smile = max(a.corner_up, 0.8 * a.nose_wrinkle, 0.5 * a.lip_stretch)
    for s in (-1, 1):
        crease(
            [
                (s * (n + 0.03), anatomy.nose_y - 0.03),
                (s * (n + 0.13), anatomy.nose_y + 0.08),
                (s * (corner[0] + 0.075), corner[1] - 0.06),
                (s * (corner[0] + 0.085), corner[1] + 0.05),
            ],
            0.55 * smile + 0.4 * max(0.0, age - 0.25),
            3,
        )
        crease(
            [(s * (corner[0] + 0.01), corner[1]), (s * (corner[0] + 0.03), corner[1] + 0.11)],
            0.5 * a.corner_down + 0.25 * max(0.0, age - 0.4),
        )
        for i in (-1, 0, 1):
            crease(
                [(s * 0.555, 0.03 + 0.02 * i), (s * 0.66, 0.03 + 0.07 * i)],
                0.42 * a.cheek * (0.4 + age) + 0.2 * max(0.0, age - 0.5),
                1,
            )
        crease([(s * 0.055, -0.20), (s * 0.048, -0.34)], 0.6 * a.brow_lower, 2)
        crease([(s * 0.10, 0.02), (s * 0.04, 0.10)], 0.6 * a.nose_wrinkle, 2)
        crease(
            [(s * 0.22, 0.15), (s * 0.36, 0.185), (s * 0.46, 0.15)],
            0.35 * a.cheek + 0.3 * a.lid_tight + 0.3 * max(0.0, age - 0.35),
        )
    raised = 0.5 * a.inner_brow + 0.5 * a.outer_brow
    for y in (-0.50, -0.60, -0.70):
        dip = 0.05 * (a.inner_brow - a.outer_brow)
        crease(
            [(-0.40, y), (-0.2, y - 0.02), (0, y + dip), (0.2, y - 0.02), (0.40, y)],
            0.45 * raised + 0.25 * max(0.0, age - 0.5),
        )
    soft = mask.filter(ImageFilter.GaussianBlur(1.1))
    folds: Field = np.asarray(soft, np.float32) * np.float32(0.42 / 255)
    return folds


def _flush(
    colours: Float[np.ndarray, "h w 3"],
    person: Person,
    actions: Actions,
    anatomy: Anatomy,
    pose: Pose,
) -> Float[np.ndarray, "h w 3"]:
    """Redden cheeks and nose, darken the beard's shadow."""
    red = 0.35 * _bump(_placed(pose, 0, anatomy.nose_y), 0.14, 0.12)
    for side in (-1, 1):
        red += (0.55 + 0.3 * actions.corner_up) * _bump(_placed(pose, side * 0.46, 0.32), 0.2, 0.15)
    warm = np.array([0.02, -0.085, -0.075], np.float32) * (0.7 if person.gender == "man" else 1.0)
    tinted: Float[np.ndarray, "h w 3"] = colours * (1 + red[..., None] * warm)
    if person.beard in ("stubble", "full"):
        x, y = FACE_GRID.x[None, :] - _placed(pose, 0, 0.7)[0], FACE_GRID.y[:, None]
        edge = 0.36 + 0.30 * np.clip((np.abs(x) - 0.25) / 0.5, 0, 1) * -1.1 + 0.18
        jaw = np.clip((y - edge) / 0.12, 0, 1)
        grain = 0.16 if person.beard == "stubble" else 0.3
        tinted = tinted * (1 - grain * jaw[..., None] * np.array([1.1, 0.95, 0.8], np.float32))
    return tinted


def ear(side: int) -> Points:
    """The outline of an ear on the side, in the face frame."""
    right = np.array([
        (0.72, -0.10), (0.82, -0.17), (0.91, -0.12), (0.90, 0.06), (0.85, 0.20), (0.79, 0.27),
        (0.72, 0.22),
    ])  # fmt: skip
    outline: Points = right * np.array([side, 1.0])
    return outline
