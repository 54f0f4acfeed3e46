"""The lines of a drawn face: where head, eyes, brows, nose and mouth run, given who acts what.

Knows nothing of pose, light or colour: everything is in the face frame, looking straight ahead.
Features of the two sides are made for `side` = -1 (left in the picture) and +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from mien.dataset.drawn.actions import Actions
from mien.dataset.drawn.frame import Points, mirrored, smooth
from mien.dataset.drawn.traits import Person

NOSE_Y: Final = 0.4
MOUTH_Y: Final = 0.67
_T = np.linspace(-1, 1, 25)


@dataclass(frozen=True, kw_only=True)
class Eye:
    """One eye: its middle, the rim from inner to outer corner, the crease above, the iris."""

    side: int
    centre: tuple[float, float]
    upper: Points
    lower: Points
    crease: Points
    iris_radius: float


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """The mouth's four lines from left to right, corner to corner.

    `gap` is the height of the opening in the middle.
    """

    upper_outer: Points
    upper_inner: Points
    lower_inner: Points
    lower_outer: Points
    gap: float


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """All lines of one face."""

    head: Points
    eyes: tuple[Eye, Eye]
    brows: tuple[Points, Points]
    mouth: Mouth
    chin_y: float
    nose_half: float
    nose_y: float


def build(person: Person, actions: Actions) -> Anatomy:
    """Lay out a person's face while it acts."""
    chin_y = 1.08 * person.chin_length + 0.17 * actions.jaw_drop - 0.02 * actions.chin_raise
    return Anatomy(
        head=_head(person, actions, chin_y),
        eyes=(_eye(person, actions, -1), _eye(person, actions, 1)),
        brows=(_brow(person, actions, -1), _brow(person, actions, 1)),
        mouth=_mouth(person, actions),
        chin_y=chin_y,
        nose_half=0.125 * person.nose_width * (1 + 0.12 * actions.corner_up),
        nose_y=NOSE_Y * person.nose_length - 0.05 * actions.nose_wrinkle,
    )


def _head(person: Person, actions: Actions, chin_y: float) -> Points:
    w, jaw = person.head_width, person.jaw_width
    cheeks = 1 + 0.03 * actions.corner_up - 0.02 * actions.jaw_drop
    right = np.array([
        (0.0, -1.15), (0.40 * w, -1.07), (0.69 * w, -0.78), (0.79 * w, -0.36), (0.775 * w, 0.02),
        (0.73 * w * cheeks, 0.36), (0.60 * w * jaw, 0.70 + 0.05 * actions.jaw_drop),
        (0.37 * w * jaw, chin_y - 0.15), (0.17 * jaw, chin_y - 0.02),
    ])  # fmt: skip
    chin = np.array([(0.0, chin_y)])
    return smooth(np.concatenate([right, chin, mirrored(right[1:])]), closed=True, steps=6)


def _eye(person: Person, actions: Actions, side: int) -> Eye:
    half = 0.172 * person.eye_size
    up = 0.082 * person.eye_size * (
        1 + 0.62 * actions.upper_lid - 0.30 * actions.lid_tight - 0.32 * actions.cheek
        - 0.45 * actions.droop - 0.12 * person.age - 0.3 * actions.brow_lower * actions.lid_tight
    )  # fmt: skip
    low = 0.058 * person.eye_size * (
        1 + 0.3 * actions.upper_lid - 0.42 * actions.lid_tight - 0.5 * actions.cheek
    )  # fmt: skip
    cx, cy = 0.345 * person.eye_spacing, 0.0
    tilt = person.eye_tilt * 0.8 - 0.022 * actions.droop - 0.012 * actions.inner_brow
    # t runs from the inner corner (-1) to the outer one (+1); the lid peaks a little inside.
    x = side * (cx + half * _T)
    slope = -tilt * _T
    arch = (1 - _T**2) ** 0.72
    upper = np.stack([x, cy + slope - up * arch * (1 - 0.1 * _T)], axis=1)
    lower = np.stack([x, cy + slope + low * arch * (1 + 0.16 * _T)], axis=1)
    lift = 0.042 + 0.02 * actions.upper_lid - 0.016 * actions.droop
    crease = upper[2:-1] - np.array([0.0, 1.0]) * lift
    return Eye(
        side=side, centre=(side * cx, cy - 0.006), upper=upper, lower=lower, crease=crease,
        iris_radius=0.083 * person.eye_size ** 0.5,
    )  # fmt: skip


def _brow(person: Person, actions: Actions, side: int) -> Points:
    a = actions
    arch = 0.05 * person.brow_arch
    spine = np.array([
        (0.15 - 0.055 * a.brow_lower, -0.268 - 0.14 * a.inner_brow + 0.145 * a.brow_lower),
        (0.27 - 0.02 * a.brow_lower, -0.285 - arch * 0.45 - 0.085 * a.inner_brow
         - 0.07 * a.outer_brow + 0.075 * a.brow_lower),
        (0.42, -0.285 - arch * 0.8 - 0.015 * a.inner_brow - 0.13 * a.outer_brow
         + 0.02 * a.brow_lower),
        (0.575, -0.225 - 0.11 * a.outer_brow + 0.04 * a.inner_brow - 0.01 * a.brow_lower),
    ])  # fmt: skip
    line = smooth(spine, steps=6)
    s = np.linspace(0, 1, len(line))
    # Full at the inner end, tapering to the tail.
    half = 0.034 * person.brow_thickness * (0.72 + 0.5 * s - 1.15 * s**2.2)
    offset = np.stack([np.zeros_like(half), np.maximum(half, 0.002)], axis=1)
    outline = np.concatenate([line - offset, (line + offset)[::-1]])
    brow: Points = outline * np.array([side, 1.0])
    return brow


def _mouth(person: Person, actions: Actions) -> Mouth:
    a = actions
    half = 0.30 * person.mouth_width * (
        1 + 0.30 * a.corner_up + 0.20 * a.lip_stretch - 0.10 * a.lip_tight - 0.36 * a.jaw_drop
        - 0.04 * a.corner_down
    )  # fmt: skip
    gap = 0.34 * a.jaw_drop + 0.05 * a.lips_part * (1 + 1.6 * a.corner_up + a.lip_stretch)
    middle = MOUTH_Y + 0.05 * a.corner_up - 0.02 * a.corner_down - 0.025 * a.chin_raise
    corner = MOUTH_Y - 0.012 - 0.105 * a.corner_up + 0.095 * a.corner_down + 0.11 * a.jaw_drop
    top = middle - 0.28 * gap - 0.05 * a.upper_lip
    bottom = top + gap
    full = person.lip_fullness * (1 - 0.55 * a.lip_tight) * (1 - 0.22 * a.corner_up)
    x = half * _T
    # |t|**p: an open jaw rounds the mouth (p = 2), a smile draws a flat bow with upturned ends.
    power = 1.9 + 0.5 * a.corner_up
    bend = np.abs(_T) ** power
    round_off = (1 - _T**2) ** 0.62
    taper = (1 - np.abs(_T) ** 2.6) ** 0.8
    oval = min(1.0, 1.4 * a.jaw_drop)
    bow = (
        0.075
        - 0.02 * np.exp(-((_T / 0.13) ** 2))
        + 0.012 * np.exp(-(((np.abs(_T) - 0.3) / 0.16) ** 2))
    )
    upper_inner = _blend(oval, corner + (top - corner) * round_off, top + (corner - top) * bend)
    lower_inner = _blend(
        oval, corner + (bottom - corner) * round_off, bottom + (corner - bottom) * bend
    )
    upper_outer = upper_inner - full * bow * taper
    lower_outer = lower_inner + full * 0.098 * (1 - _T**2) ** 0.9
    lines = [np.stack([x, y], axis=1) for y in (upper_outer, upper_inner, lower_inner, lower_outer)]
    return Mouth(
        upper_outer=lines[0], upper_inner=lines[1], lower_inner=lines[2], lower_outer=lines[3],
        gap=float(gap),
    )  # fmt: skip


def _blend(
    share: float, first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    mixed: Float[np.ndarray, " n"] = share * first + (1 - share) * second
    return mixed
