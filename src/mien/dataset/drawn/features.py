"""The crisp lines of a drawn face: eyes, brows, nostrils, lips, teeth, glasses.

Draws on a canvas whose skin is already painted. Knows nothing of the light but one number, how
bright the face is.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mien.dataset.drawn.anatomy import Anatomy, Eye, Mouth
from mien.dataset.drawn.frame import Canvas, Points
from mien.dataset.drawn.skin import shade
from mien.dataset.drawn.traits import Person, Rgb


def draw_features(
    rng: np.random.Generator, canvas: Canvas, *, person: Person, anatomy: Anatomy, light: float
) -> None:
    """Draw everything inside the outline of the face.

    Args:
        rng: Source of gaze and of hairs in the brows.
        canvas: Painted skin.
        person: Whose face.
        anatomy: Its lines.
        light: Brightness of the face's lit side, 0 to about 1.2.
    """
    gaze = (float(rng.normal(0, 0.012)), float(rng.normal(0, 0.006)))
    for eye in anatomy.eyes:
        _eye(canvas, eye, person=person, gaze=gaze, light=light)
    for brow in anatomy.brows:
        _brow(rng, canvas, brow, person=person, light=light)
    _nose(canvas, person=person, anatomy=anatomy, light=light)
    _mouth(canvas, anatomy.mouth, person=person, light=light)
    if person.glasses:
        _glasses(canvas, anatomy)


def _eye(
    canvas: Canvas, eye: Eye, *, person: Person, gaze: tuple[float, float], light: float
) -> None:
    turned = canvas.pose.turned
    upper, lower = turned(eye.upper), turned(eye.lower)
    opening = np.concatenate([upper, lower[::-1]])
    white = _grey(0.97, light, tint=(1.0, 0.975, 0.955))
    canvas.polygon(opening, white)
    middle = turned(np.array([eye.centre]))[0] + gaze
    # The iris is cut by the lids: clamp its circle between the two rims.
    for radius, colour in (
        (eye.iris_radius, _scaled(person.eyes, 0.45 * light)),
        (eye.iris_radius * 0.86, _scaled(person.eyes, 1.05 * light)),
        (eye.iris_radius * 0.45, (12, 10, 12)),
    ):
        canvas.polygon(_cut(_circle(middle, radius), upper, lower), colour)
    glow = _circle(middle + np.array([0.0, 0.035]), eye.iris_radius * 0.42)
    canvas.polygon(_cut(glow, upper, lower), (*_scaled(person.eyes, 1.9), 70))
    lid_shadow = np.concatenate([upper, (upper + np.array([0, 0.03]))[::-1]])
    canvas.polygon(_cut(lid_shadow, upper, lower), (30, 20, 24, 80))
    canvas.disc((float(middle[0]) - 0.026, float(middle[1]) - 0.028), 0.019, (255, 255, 255, 235))
    rim = shade(person.tone, 0.32 * light)
    dark = tuple(int(v * (1 - 0.75 * person.lashes)) for v in rim)
    canvas.line(lower, (*shade(person.tone, 0.5 * light), 170), width=0.014)
    canvas.line(turned(eye.crease), (*shade(person.tone, 0.5 * light), 150), width=0.016)
    thick = 0.021 + 0.016 * person.lashes
    lash = np.concatenate([upper - np.array([0, thick]) * _belly(len(upper)), upper[::-1]])
    canvas.polygon(lash, (dark[0], dark[1], dark[2]))
    canvas.line(upper, (dark[0], dark[1], dark[2]), width=0.016)
    if person.lashes > 0.5:
        flick = np.array([upper[-3], upper[-1] + (eye.side * 0.03, -0.022)])
        canvas.line(flick, (dark[0], dark[1], dark[2]), width=0.02)
    inner = turned(np.array([(eye.upper[0, 0] + eye.side * 0.012, eye.upper[0, 1])]))[0]
    canvas.disc((float(inner[0]), float(inner[1])), 0.013, (*_scaled((205, 130, 120), light), 200))


def _brow(
    rng: np.random.Generator, canvas: Canvas, outline: Points, *, person: Person, light: float
) -> None:
    turned = canvas.pose.turned(outline)
    hair = _brow_colour(person, light)
    canvas.polygon(turned, (*hair, 190))
    half = len(outline) // 2
    top, bottom = turned[:half], turned[half:][::-1]
    for i in range(0, half - 2, 2):
        root = bottom[i] + (top[i] - bottom[i]) * rng.uniform(0.0, 0.3)
        tip = top[i + 2] + (top[i] - bottom[i]) * rng.uniform(0.0, 0.25)
        canvas.line(np.array([root, tip]), (*_scaled(hair, 0.75), 150), width=0.013)


def _nose(canvas: Canvas, *, person: Person, anatomy: Anatomy, light: float) -> None:
    n, y = anatomy.nose_half, anatomy.nose_y
    hole = shade(person.tone, 0.22 * light)
    wing = shade(person.tone, 0.45 * light)
    for side in (-1, 1):
        nostril = _circle(np.array([0.0, 0.0]), 1.0) * (0.036 * person.nose_width, 0.017)
        nostril = nostril + np.array([side * n * 0.52, y + 0.055])
        canvas.polygon(canvas.pose.turned(nostril, depth=0.98), (*hole, 215))
        curve = np.array(
            [
                (n * 0.98, y - 0.045),
                (n * 1.12, y + 0.0),
                (n * 1.02, y + 0.05),
                (n * 0.78, y + 0.062),
            ]
        )
        canvas.line(canvas.pose.turned(curve * (side, 1), depth=0.9), (*wing, 150), width=0.017)


def _mouth(canvas: Canvas, mouth: Mouth, *, person: Person, light: float) -> None:
    turned = canvas.pose.turned
    upper_outer, upper_inner = turned(mouth.upper_outer), turned(mouth.upper_inner)
    lower_inner, lower_outer = turned(mouth.lower_inner), turned(mouth.lower_outer)
    lip = _scaled(person.lip_colour, 0.98 * light)
    if mouth.gap > 0.01:
        canvas.polygon(
            np.concatenate([upper_inner, lower_inner[::-1]]), _scaled((74, 26, 30), light)
        )
        _inside(canvas, upper_inner, lower_inner, gap=mouth.gap, light=light)
    canvas.polygon(np.concatenate([upper_outer, upper_inner[::-1]]), _scaled(lip, 0.84))
    canvas.polygon(np.concatenate([lower_inner, lower_outer[::-1]]), lip)
    shine = lower_inner + (lower_outer - lower_inner) * 0.42
    canvas.line(shine[8:17], (255, 236, 228, 62), width=0.026)
    if mouth.gap < 0.03:
        canvas.line(upper_inner, (*_scaled(lip, 0.42), 235), width=0.019)
    else:
        canvas.line(upper_inner, (*_scaled(lip, 0.5), 160), width=0.012)
    ends = _scaled(lip, 0.4)
    for corner in (upper_inner[0], upper_inner[-1]):
        canvas.disc((float(corner[0]), float(corner[1])), 0.016, (*ends, 150))


def _inside(canvas: Canvas, top: Points, bottom: Points, *, gap: float, light: float) -> None:
    room = bottom[:, 1] - top[:, 1]
    if gap > 0.14:
        tongue = _circle((top[12] + bottom[12]) / 2 + (0, gap * 0.36), 0.15)
        canvas.polygon(_cut(tongue, top, bottom), _scaled((168, 78, 82), light))
    height = np.minimum(room, 0.10 - 0.16 * max(0.0, gap - 0.14))
    edge = top + np.stack([np.zeros_like(height), height], axis=1)
    teeth = np.concatenate([top[2:-2], edge[2:-2][::-1]])
    canvas.polygon(teeth, _grey(0.95, light, tint=(1.0, 0.985, 0.95)))
    for i in (6, 8, 10, 12, 14, 16, 18):
        canvas.line(np.array([top[i], edge[i]]), (120, 104, 100, 70), width=0.008)


def _glasses(canvas: Canvas, anatomy: Anatomy) -> None:
    frame = (34, 32, 36, 235)
    for eye in anatomy.eyes:
        ring = _circle(np.array([eye.centre[0] * 1.02, eye.centre[1] + 0.015]), 1.0, n=28)
        ring = (ring - ring.mean(axis=0)) * (0.255, 0.205) + ring.mean(axis=0)
        ring = canvas.pose.turned(ring, depth=0.86)
        canvas.polygon(ring, (220, 232, 244, 16))
        canvas.line(np.concatenate([ring, ring[:2]]), frame, width=0.026)
        temple = np.array([(eye.side * 0.60, -0.02), (eye.side * 0.78, -0.07)])
        canvas.line(canvas.pose.turned(temple, depth=0.4), frame, width=0.024)
    bridge = np.array([(-0.10, 0.0), (0.0, -0.03), (0.10, 0.0)])
    canvas.line(canvas.pose.turned(bridge, depth=0.9), frame, width=0.024)


def _circle(centre: Float[np.ndarray, " 2"], radius: float, n: int = 24) -> Points:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    ring: Points = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return ring


def _cut(points: Points, upper: Points, lower: Points) -> Points:
    """Clamp points between two lines that run over the same x, and within their ends."""
    order = np.argsort(upper[:, 0])
    xs = upper[order, 0]
    x = np.clip(points[:, 0], xs[0], xs[-1])
    y = np.clip(points[:, 1], np.interp(x, xs, upper[order, 1]), np.interp(x, xs, lower[order, 1]))
    return np.stack([x, y], axis=1)


def _belly(n: int) -> Float[np.ndarray, "n 1"]:
    t = np.linspace(-1, 1, n)
    shape: Float[np.ndarray, "n 1"] = ((1 - t**2) ** 0.5 * (0.6 + 0.4 * t))[:, None]
    return shape


def _brow_colour(person: Person, light: float) -> Rgb:
    # Brows are darker than fair or grey hair.
    hair = np.asarray(person.hair, float)
    dark = hair * (0.55 if hair.mean() > 90 else 0.9) * max(0.55, min(1.0, light))
    return int(dark[0]), int(dark[1]), int(dark[2])


def _grey(level: float, light: float, *, tint: tuple[float, float, float]) -> Rgb:
    bright = 255 * level * min(1.0, 0.35 + 0.65 * light)
    return int(bright * tint[0]), int(bright * tint[1]), int(bright * tint[2])


def _scaled(colour: tuple[int, ...], factor: float) -> Rgb:
    red, green, blue = (int(min(255, max(0, v * factor))) for v in colour[:3])
    return red, green, blue
