"""Who is drawn: the lasting traits of a drawn person, chosen by a seeded generator.

Knows nothing of expressions, light or pixels. Lengths are fractions of, or factors on, the
average face; colours are sRGB, 0 to 255. The tones, hair and clothes are choices of an
illustrator, not measurements of anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np

from mien.errors import UserError

T = TypeVar("T")
Rgb: TypeAlias = tuple[int, int, int]
Gender: TypeAlias = Literal["man", "woman"]
HairStyle: TypeAlias = Literal[
    "bald", "buzz", "short", "parted", "curly", "afro", "bob", "long", "wavy", "bun"
]
Beard: TypeAlias = Literal["none", "stubble", "moustache", "full"]

SKIN_TONES: Final[dict[str, tuple[Rgb, ...]]] = {
    "white": ((247, 222, 203), (241, 208, 184), (234, 195, 168), (226, 184, 155)),
    "brown": ((226, 182, 146), (211, 162, 122), (194, 143, 102), (176, 125, 87)),
    "black": ((146, 98, 70), (123, 81, 57), (101, 66, 48), (82, 54, 41)),
}
"""The tones of each skin group, light to dark; a person's tone lies between two neighbours."""

GENDERS: Final[tuple[Gender, ...]] = ("man", "woman")

_DARK_HAIR: Final[tuple[Rgb, ...]] = ((24, 20, 20), (38, 28, 24), (52, 36, 28))
_HAIR: Final[dict[str, tuple[Rgb, ...]]] = {
    "white": (*_DARK_HAIR, (92, 60, 38), (134, 88, 50), (196, 152, 92), (222, 186, 126),
              (146, 84, 50)),
    "brown": (*_DARK_HAIR, *_DARK_HAIR, (74, 48, 32), (98, 62, 40)),
    "black": (*_DARK_HAIR, *_DARK_HAIR, (60, 40, 30)),
}  # fmt: skip
_GREY_HAIR: Final[tuple[Rgb, ...]] = ((128, 126, 124), (186, 184, 180))
_EYES: Final[dict[str, tuple[Rgb, ...]]] = {
    "white": ((70, 110, 150), (96, 126, 92), (112, 78, 46), (88, 58, 36), (104, 132, 146)),
    "brown": ((74, 48, 30), (58, 38, 26), (92, 62, 38)),
    "black": ((60, 40, 28), (48, 32, 24), (76, 50, 32)),
}
_STYLES: Final[dict[tuple[str, str], tuple[HairStyle, ...]]] = {
    ("man", "white"): ("short", "short", "parted", "parted", "buzz", "curly", "bald"),
    ("man", "brown"): ("short", "short", "parted", "parted", "buzz", "curly"),
    ("man", "black"): ("buzz", "buzz", "afro", "curly", "bald", "short"),
    ("woman", "white"): ("long", "long", "wavy", "wavy", "bob", "bun"),
    ("woman", "brown"): ("long", "long", "wavy", "bob", "bun"),
    ("woman", "black"): ("afro", "afro", "wavy", "long", "bun", "bob"),
}
_CLOTHES: Final[tuple[Rgb, ...]] = (
    (44, 62, 92), (150, 52, 56), (58, 108, 98), (214, 206, 192), (66, 66, 72), (202, 150, 64),
    (112, 84, 132), (90, 128, 168), (232, 232, 228), (126, 146, 96), (196, 112, 110), (36, 38, 44),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Person:
    """What stays the same from one drawn photo of a person to the next.

    Attributes:
        name: Goes to the ``person`` column of ``groups.csv``.
        tone: Colour of the skin in even light.
        age: 0 young to 1 old; deepens folds and greys hair.
        lashes: 0 to 1, how strongly the rim of the eye is drawn.
        lip_colour: Of the lips; lipstick or a little redder than the skin.
    """

    name: str
    skin: str
    gender: str
    tone: Rgb
    hair: Rgb
    style: HairStyle
    beard: Beard
    eyes: Rgb
    clothes: Rgb
    lip_colour: Rgb
    age: float
    lashes: float
    head_width: float
    jaw_width: float
    chin_length: float
    eye_size: float
    eye_spacing: float
    eye_tilt: float
    brow_thickness: float
    brow_arch: float
    nose_width: float
    nose_length: float
    lip_fullness: float
    mouth_width: float
    glasses: bool
    earrings: bool


def make_person(
    rng: np.random.Generator, *, skin: str, gender: str, name: str = "someone"
) -> Person:
    """Choose a person of a skin group and a gender presentation.

    Raises:
        UserError: There is no such skin group or gender.

    Example:
        >>> make_person(np.random.default_rng(1), skin="brown", gender="woman").beard
        'none'
    """
    check_look(skin=skin, gender=gender)
    man = gender == "man"
    age = float(rng.beta(1.4, 2.2))
    tone = _tone(rng, skin)
    hair = _pick(rng, _HAIR[skin])
    if age > 0.62 and rng.random() < 0.7:
        hair = _pick(rng, _GREY_HAIR)
    return Person(
        name=name,
        skin=skin,
        gender=gender,
        tone=tone,
        hair=_brighter(rng, hair, spread=0.12),
        style=_pick(rng, _STYLES[gender, skin]),
        beard=_beard(rng) if man else "none",
        eyes=_vary(rng, _pick(rng, _EYES[skin]), spread=8),
        clothes=_vary(rng, _pick(rng, _CLOTHES), spread=12),
        lip_colour=_lips(rng, tone, painted=not man and rng.random() < 0.55),
        age=age,
        lashes=float(rng.uniform(0.1, 0.35) if man else rng.uniform(0.55, 1.0)),
        head_width=_around(rng, 1.0 if man else 0.96, 0.035),
        jaw_width=_around(rng, 1.06 if man else 0.92, 0.05),
        chin_length=_around(rng, 1.02 if man else 0.97, 0.035),
        eye_size=_around(rng, 0.97 if man else 1.1, 0.05),
        eye_spacing=_around(rng, 1.0, 0.035),
        eye_tilt=_around(rng, 0.012, 0.01),
        brow_thickness=_around(rng, 1.2 if man else 0.78, 0.14),
        brow_arch=_around(rng, 0.75 if man else 1.2, 0.15),
        nose_width=_around(rng, {"white": 0.92, "brown": 1.04, "black": 1.2}[skin], 0.07),
        nose_length=_around(rng, 1.0, 0.05),
        lip_fullness=_around(rng, {"white": 0.9, "brown": 1.02, "black": 1.28}[skin], 0.1)
        * (0.88 if man else 1.08),
        mouth_width=_around(rng, 1.03 if man else 0.97, 0.05),
        glasses=bool(rng.random() < 0.1),
        earrings=bool(not man and rng.random() < 0.35),
    )


def check_look(*, skin: str, gender: str) -> None:
    """Refuse a skin group or gender that cannot be drawn.

    Raises:
        UserError: It is none of `SKIN_TONES`, or none of `GENDERS`.
    """
    for word, value, known in (("skin", skin, tuple(SKIN_TONES)), ("gender", gender, GENDERS)):
        if value not in known:
            raise UserError(f"cannot draw {word} '{value}'", f"Choose one of: {', '.join(known)}.")


def _tone(rng: np.random.Generator, skin: str) -> Rgb:
    tones = np.asarray(SKIN_TONES[skin], float)
    at = rng.uniform(0, len(tones) - 1)
    low = int(at)
    mixed = tones[low] + (at - low) * (tones[low + 1] - tones[low])
    return _rgb(mixed + rng.normal(0, 2.0, 3))


def _lips(rng: np.random.Generator, tone: Rgb, *, painted: bool) -> Rgb:
    skin = np.asarray(tone, float)
    if painted:
        red = np.array([178.0, 52.0, 66.0]) + rng.normal(0, 14, 3)
        return _rgb(0.25 * skin + 0.75 * red)
    return _rgb(skin * np.array([0.88, 0.66, 0.66]))


def _beard(rng: np.random.Generator) -> Beard:
    kinds: tuple[Beard, ...] = ("none", "none", "stubble", "stubble", "moustache", "full")
    return _pick(rng, kinds)


def _pick(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _around(rng: np.random.Generator, centre: float, spread: float) -> float:
    # Two spreads at most: a face beyond that looks like a mistake, not like a person.
    return float(centre + spread * np.clip(rng.normal(), -2, 2))


def _vary(rng: np.random.Generator, colour: Rgb, *, spread: float) -> Rgb:
    return _rgb(np.asarray(colour, float) + rng.normal(0, spread, 3))


def _brighter(rng: np.random.Generator, colour: Rgb, *, spread: float) -> Rgb:
    # All three together: hair of another brightness is hair, of another hue it is dye.
    return _rgb(np.asarray(colour, float) * rng.uniform(1 - spread, 1 + spread))


def _rgb(values: np.ndarray) -> Rgb:
    red, green, blue = (int(v) for v in np.clip(np.round(values), 0, 255))
    return red, green, blue
