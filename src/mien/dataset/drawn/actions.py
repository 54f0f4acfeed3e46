"""What a drawn face does: action units after the Facial Action Coding System, and expressions.

An action is a number from 0 (at rest) to 1 (as far as it goes); what it moves is decided where
features are drawn. The prototypes follow Ekman & Friesen's table of emotion prediction (FACS
Investigator's Guide, 1978/2002), softened to what people show in everyday photos. Names speak of
the expression in the photo, never of what a person feels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from mien.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Actions:
    """How far each action unit is moved, 0 to 1; all at rest unless said."""

    inner_brow: float = 0.0  # AU1
    outer_brow: float = 0.0  # AU2
    brow_lower: float = 0.0  # AU4, also draws the brows together
    upper_lid: float = 0.0  # AU5, eyes wide
    cheek: float = 0.0  # AU6, crow's feet
    lid_tight: float = 0.0  # AU7, eyes narrowed
    nose_wrinkle: float = 0.0  # AU9
    upper_lip: float = 0.0  # AU10
    corner_up: float = 0.0  # AU12
    corner_down: float = 0.0  # AU15
    chin_raise: float = 0.0  # AU17
    lip_stretch: float = 0.0  # AU20
    lip_tight: float = 0.0  # AU23/24
    lips_part: float = 0.0  # AU25
    jaw_drop: float = 0.0  # AU26/27
    droop: float = 0.0  # AU43, the upper lid hangs


EXPRESSIONS: Final[dict[str, Actions]] = {
    "angry": Actions(brow_lower=1.0, upper_lid=0.1, lid_tight=0.8, lip_tight=1.0, chin_raise=0.4,
                     nose_wrinkle=0.3, corner_down=0.25),
    "expressionless": Actions(),
    "happy": Actions(cheek=0.9, corner_up=1.0, lips_part=0.75, upper_lip=0.15),
    "sad": Actions(inner_brow=1.0, brow_lower=0.25, corner_down=1.0, chin_raise=0.6, droop=0.7),
    "surprise": Actions(inner_brow=0.95, outer_brow=1.0, upper_lid=1.0, jaw_drop=1.0,
                        lips_part=0.4),
    "disgust": Actions(nose_wrinkle=1.0, upper_lip=1.0, brow_lower=0.55, lid_tight=0.7,
                       corner_down=0.45, lips_part=0.25, cheek=0.3),
    "fear": Actions(inner_brow=1.0, outer_brow=0.6, brow_lower=0.5, upper_lid=1.0, lip_stretch=1.0,
                    lips_part=0.55, jaw_drop=0.25),
}  # fmt: skip
"""Expressions that can be drawn, at their fullest."""

CLASSES: Final[tuple[str, ...]] = ("angry", "expressionless", "happy", "sad", "surprise")
"""The five classes of the study, in alphabetical order."""


def perform(
    rng: np.random.Generator, *, expression: str, intensity: float | None = None
) -> Actions:
    """Act an expression, as no two people and no two photos do it alike.

    Args:
        rng: Source of the variation.
        expression: A key of `EXPRESSIONS`.
        intensity: 0 (at rest) to 1 (full); drawn between 0.55 and 1 when None.

    Raises:
        UserError: There is no such expression.

    Example:
        >>> acted = perform(np.random.default_rng(0), expression="surprise", intensity=1.0)
        >>> acted.jaw_drop > 0.5 > acted.corner_up
        True
    """
    if expression not in EXPRESSIONS:
        known = ", ".join(EXPRESSIONS)
        raise UserError(f"cannot draw the expression '{expression}'", f"Choose one of: {known}.")
    full = EXPRESSIONS[expression]
    strength = float(rng.uniform(0.55, 1.0)) if intensity is None else intensity
    names = [f.name for f in fields(Actions)]
    meant = np.array([getattr(full, name) for name in names])
    # Each unit varies on its own (people smile with or without their eyes), and a resting face is
    # never quite at rest: a few hundredths of everything.
    acted = meant * strength * rng.uniform(0.75, 1.1, len(names))
    acted += np.abs(rng.normal(0, 0.03, len(names)))
    return Actions(**dict(zip(names, np.clip(acted, 0, 1).tolist(), strict=True)))
