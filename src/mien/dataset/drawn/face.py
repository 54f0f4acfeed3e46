"""Draw one photo of a face: who, what the face does, how it is lit and held, put together.

Knows nothing of files. Law: the same generator state and arguments give the same pixels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import UInt8

from mien.dataset.drawn import features, hair, scene, skin
from mien.dataset.drawn.actions import Actions, perform
from mien.dataset.drawn.anatomy import build
from mien.dataset.drawn.frame import OVERSAMPLING, Canvas, Points, Pose
from mien.dataset.drawn.scene import BACKGROUNDS, Background
from mien.dataset.drawn.traits import Person, check_look, make_person
from mien.errors import UserError

SMALLEST_PX: Final = 64  # below, brows and lids are less than a pixel


def draw_face(
    rng: np.random.Generator,
    *,
    expression: str,
    skin: str,
    gender: str,
    person: Person | None = None,
    size_px: int = 320,
    background: Background | None = None,
    intensity: float | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a photo of one face.

    Args:
        rng: Source of all variation.
        expression: A key of `EXPRESSIONS`.
        skin: A key of `SKIN_TONES`; must be the person's where a person is given.
        gender: ``"man"`` or ``"woman"``; the presentation that is drawn.
        person: Whom to draw again; someone new when None.
        size_px: Width and height.
        background: A kind of `BACKGROUNDS` or a colour; any kind when None.
        intensity: Of the expression, 0 to 1; drawn between 0.55 and 1 when None.

    Returns:
        uint8 ``(size_px, size_px, 3)``, RGB, 0 to 255.

    Raises:
        UserError: An expression, skin, gender, background or size that cannot be drawn.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> draw_face(rng, expression="happy", skin="white", gender="man", size_px=96).shape
        (96, 96, 3)
    """
    check_look(skin=skin, gender=gender)
    if size_px < SMALLEST_PX:
        raise UserError(f"size_px={size_px} is too small for a face", f"At least {SMALLEST_PX}.")
    if person is None:
        person = make_person(rng, skin=skin, gender=gender)
    elif (person.skin, person.gender) != (skin, gender):
        raise UserError(
            f"person '{person.name}' is {person.skin}, {person.gender}, not {skin}, {gender}", ""
        )
    actions = perform(rng, expression=expression, intensity=intensity)
    kind = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))] if background is None else background
    if isinstance(kind, str) and kind not in BACKGROUNDS:
        known = ", ".join(BACKGROUNDS)
        raise UserError(f"cannot draw the background '{kind}'", f"A colour, or one of: {known}.")
    return _draw(rng, person=person, actions=actions, kind=kind, size_px=size_px)


def _draw(
    rng: np.random.Generator, *, person: Person, actions: Actions, kind: Background, size_px: int
) -> UInt8[np.ndarray, "h w 3"]:
    side = size_px * OVERSAMPLING
    lamp = scene.make_lamp(rng)
    pose = _pose(rng, side)
    anatomy = build(person, actions)
    light = lamp.ambient + (1 - lamp.ambient) * 0.92
    canvas = Canvas(scene.paint_background(rng, kind=kind, side_px=side), pose)
    strands = hair.hair_texture(rng, person=person, lamp=lamp)
    hair.draw_back(rng, canvas, person=person, texture=strands)
    neck = skin.neck_texture(person=person, pose=pose, lamp=lamp, chin_y=anatomy.chin_y)
    canvas.texture(_neck(person, pose), neck, skin.NECK_GRID)
    scene.draw_shoulders(canvas, person=person, rng=rng)
    scene.draw_ears(canvas, person=person, light=light)
    texture = skin.face_texture(
        rng, person=person, actions=actions, anatomy=anatomy, pose=pose, lamp=lamp
    )
    canvas.texture(_head_outline(anatomy.head, pose), texture, skin.FACE_GRID, soft_px=0.7)
    features.draw_features(rng, canvas, person=person, anatomy=anatomy, light=light)
    hair.draw_front(rng, canvas, person=person, anatomy=anatomy, texture=strands)
    return scene.develop(rng, canvas.image, lamp=lamp, size_px=size_px)


def _pose(rng: np.random.Generator, side: int) -> Pose:
    return Pose(
        unit_px=side * float(rng.uniform(0.245, 0.315)),
        centre_px=(side * float(rng.uniform(0.44, 0.56)), side * float(rng.uniform(0.44, 0.52))),
        roll=float(np.clip(rng.normal(0, 0.07), -0.2, 0.2)),
        yaw=float(np.clip(rng.normal(0, 0.12), -0.3, 0.3)),
    )


def _neck(person: Person, pose: Pose) -> Points:
    half = 0.43 if person.gender == "man" else 0.35
    shift = 0.10 * np.sin(pose.yaw)
    return np.array([
        (-half + shift, 0.6), (half + shift, 0.6), (half, 1.25), (half + 0.14, 1.52), (0.3, 2.15),
        (-0.3, 2.15), (-half - 0.14, 1.52), (-half, 1.25),
    ])  # fmt: skip


def _head_outline(head: Points, pose: Pose) -> Points:
    # Turning shows the far cheek's curve: the outline moves a little with the jaw's front.
    turned = pose.turned(head, depth=0.0)
    low = np.clip((head[:, 1] - 0.3) / 0.8, 0, 1)
    shift = 0.30 * np.sin(pose.yaw) * low * (1 - (head[:, 0] / 0.8) ** 2)
    outline: Points = turned + np.stack([shift, np.zeros_like(shift)], axis=1)
    return outline
