"""Preprocessing as one printable string, such as ``orient | crop:centre | resize:224:lanczos``.

The string is parsed once, stands in every model file and run record, and is part of the cache key:
two models that print the same string see the same numbers. The order of steps is fixed, so that
one meaning has one string. `geometry` and `transforms` do the work; this module only reads,
orders and prints.

Steps, in order, each at most once, ``resize`` exactly once:

``orient``                        turn the picture upright as its EXIF says
``crop:centre``                   the largest centred square
``crop:face(FACTOR,DETECTOR)``    the square around the face, FACTOR x the longer side of its box
``crop:face(FACTOR,DETECTOR,centre)``  the same, and the centre crop where there is no face
``resize:SIZE:FILTER``            to SIZE x SIZE; without a crop the picture is squashed
``grey`` ``bgr`` ``mirror``       luma three times; red and blue swapped; left and right swapped
``scale:LOW:HIGH``                0..255 linearly to LOW..HIGH
``divide:D:minus:S``              x / D - S
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float32

from mien.errors import PhotoError, RecipeError
from mien.image import geometry, transforms
from mien.image.decode import Decoded
from mien.records import Face, Pixels

NO_FACE: Final = "no face found"
SIZES_PX: Final = (8, 1024)
FACTORS: Final = (0.1, 10.0)

_STEPS: Final = (
    "orient",
    "crop:centre",
    "crop:face(FACTOR,DETECTOR[,centre])",
    "resize:SIZE:FILTER",
    "grey",
    "bgr",
    "mirror",
    "scale:LOW:HIGH",
    "divide:D:minus:S",
)
_DETECTOR: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Orient:
    """Turn the picture upright."""

    def __str__(self) -> str:
        return "orient"


@dataclass(frozen=True, kw_only=True)
class CropCentre:
    """Keep the largest centred square."""

    def __str__(self) -> str:
        return "crop:centre"


@dataclass(frozen=True, kw_only=True)
class CropFace:
    """Keep the square around the face that `detector` finds.

    Attributes:
        factor: Side of the square in longer sides of the face's box.
        detector: Its name in the catalogue of detectors.
        or_centre: Whether a picture without a face is cropped to its centre instead of refused.
    """

    factor: float
    detector: str
    or_centre: bool = False

    def __str__(self) -> str:
        words = f"{_number_text(self.factor)},{self.detector}"
        return f"crop:face({words},centre)" if self.or_centre else f"crop:face({words})"


@dataclass(frozen=True, kw_only=True)
class Resize:
    """Bring to ``size_px x size_px``."""

    size_px: int
    filter: geometry.Filter

    def __str__(self) -> str:
        return f"resize:{self.size_px}:{self.filter}"


@dataclass(frozen=True, kw_only=True)
class Grey:
    """Replace colour by luma."""

    def __str__(self) -> str:
        return "grey"


@dataclass(frozen=True, kw_only=True)
class Bgr:
    """Swap red and blue."""

    def __str__(self) -> str:
        return "bgr"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Swap left and right."""

    def __str__(self) -> str:
        return "mirror"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Map 0..255 to ``low..high``."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"scale:{_number_text(self.low)}:{_number_text(self.high)}"


@dataclass(frozen=True, kw_only=True)
class Divide:
    """``x / divisor - minus``."""

    divisor: float
    minus: float

    def __str__(self) -> str:
        return f"divide:{_number_text(self.divisor)}:minus:{_number_text(self.minus)}"


Step: TypeAlias = Orient | CropCentre | CropFace | Resize | Grey | Bgr | Mirror | Scale | Divide

# A step may follow steps of its own rank (grey, bgr and mirror commute) or lower.
_RANK: Final[Mapping[type[Step], int]] = {
    Orient: 0,
    CropCentre: 1,
    CropFace: 1,
    Resize: 2,
    Grey: 3,
    Bgr: 4,
    Mirror: 5,
    Scale: 6,
    Divide: 6,
}


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What is done to a decoded picture before a backbone sees it.

    Attributes:
        steps: In the order of the module's table, `Resize` exactly once.

    Example:
        >>> p = Preprocessing.parse("orient|crop:centre | resize:224:lanczos | scale:-1.0:1")
        >>> str(p)
        'orient | crop:centre | resize:224:lanczos | scale:-1:1'
        >>> p.size_px, p.needs_face
        (224, False)
    """

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Preprocessing:
        """Read the printed form.

        Raises:
            RecipeError: A step is unknown, has a wrong value or stands in the wrong place; the
                message names the step, its position from 1, and what is allowed.
        """
        steps = tuple(_parse_step(word.strip(), i + 1) for i, word in enumerate(text.split("|")))
        _check_order(steps)
        return cls(steps=steps)

    def __str__(self) -> str:
        return " | ".join(str(step) for step in self.steps)

    @property
    def size_px(self) -> int:
        """Side of the square that the backbone sees."""
        return next(step.size_px for step in self.steps if isinstance(step, Resize))

    @property
    def face_step(self) -> CropFace | None:
        """The crop to a face, where there is one."""
        return next((step for step in self.steps if isinstance(step, CropFace)), None)

    @property
    def detector(self) -> str | None:
        """Name of the face detector that must be asked, None where no face is needed."""
        return self.face_step.detector if self.face_step else None

    @property
    def needs_face(self) -> bool:
        """Whether a detector must be asked before `apply`."""
        return self.face_step is not None

    def apply(self, decoded: Decoded, *, face: Face | None = None) -> Float32[np.ndarray, "h w 3"]:
        """Prepare one picture.

        Args:
            decoded: As `mien.image.decode.decode` gives it.
            face: The face in the upright picture, where a detector was asked and found one.

        Returns:
            float32 ``(size_px, size_px, 3)``, in the range of the last step, 0 to 255 without one.

        Raises:
            PhotoError: The crop needs a face and there is none.
        """
        image = decoded.pixels
        box = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
        values: Float32[np.ndarray, "h w 3"] | None = None
        crop: CropFace | None = None
        for step in self.steps:
            match step:
                case Orient():
                    image = geometry.upright(image, orientation=decoded.orientation)
                    box = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
                case CropCentre():
                    box = geometry.centre_box(image.shape[1], image.shape[0])
                case CropFace():
                    crop, box = _crop_for(step, image, face, box)
                case Resize():
                    image = _resize(image, box, crop, face, step)
                case Scale():
                    values = transforms.scale(image, low=step.low, high=step.high)
                case Divide():
                    values = transforms.divide(image, divisor=step.divisor, minus=step.minus)
                case Grey():
                    image = transforms.grey(image)
                case Bgr():
                    image = transforms.bgr(image)
                case Mirror():
                    image = transforms.mirror(image)
        return image.astype(np.float32) if values is None else np.ascontiguousarray(values)


def upright_pixels(decoded: Decoded) -> Pixels:
    """The picture as a person sees it: what face detectors and thumbnails take.

    Returns:
        uint8 ``(h, w, 3)``, contiguous.
    """
    turned = geometry.upright(decoded.pixels, orientation=decoded.orientation)
    return np.ascontiguousarray(turned)


def _crop_for(
    step: CropFace, image: Pixels, face: Face | None, box: geometry.Box
) -> tuple[CropFace | None, geometry.Box]:
    if face is not None:
        return step, box
    if step.or_centre:
        return None, geometry.centre_box(image.shape[1], image.shape[0])
    raise PhotoError(NO_FACE)


def _resize(
    image: Pixels, box: geometry.Box, crop: CropFace | None, face: Face | None, step: Resize
) -> Pixels:
    if crop is None or face is None:
        return geometry.resample(image, box=box, size=step.size_px, filter=step.filter)
    return geometry.face_crop(
        image,
        xyxy_px=face.xyxy_px,
        factor=crop.factor,
        size=step.size_px,
        filter=step.filter,
    )


def _check_order(steps: tuple[Step, ...]) -> None:
    for i, (before, after) in enumerate(itertools.pairwise(steps)):
        if _RANK[type(after)] <= _RANK[type(before)]:
            raise RecipeError(
                f"preprocessing step {i + 2} '{after}' cannot follow '{before}'",
                f"Each kind of step stands once, in this order: {_ALLOWED}.",
            )
    if not any(isinstance(step, Resize) for step in steps):
        raise RecipeError(
            f"preprocessing '{' | '.join(map(str, steps))}' has no resize step",
            "Add one, such as 'resize:224:lanczos'.",
        )
    face = any(isinstance(step, CropFace) for step in steps)
    if face and not isinstance(steps[0], Orient):
        raise RecipeError(
            "preprocessing step 1 must be 'orient' where there is a 'crop:face'",
            "Faces are found in the upright picture: write 'orient | crop:face(…) | …'.",
        )


def _parse_step(word: str, position: int) -> Step:
    name = re.split(r"[:(]", word, maxsplit=1)[0]
    if word in _PLAIN:
        return _PLAIN[word]
    if name in _READERS:
        return _READERS[name](word, position)
    raise _refuse(word, position, f"it is not a step; allowed are {_ALLOWED}")


def _parse_crop(word: str, position: int) -> Step:
    match = re.fullmatch(r"crop:face\(([^,()]+),([^,()]+)(?:,([^,()]+))?\)", word)
    if match is None:
        raise _refuse(
            word, position, "allowed are crop:centre, crop:face(FACTOR,DETECTOR[,centre])"
        )
    factor_text, detector, fallback = (part.strip() if part else None for part in match.groups())
    factor = _number(factor_text or "", word, position, "FACTOR")
    if not FACTORS[0] <= factor <= FACTORS[1]:
        raise _refuse(word, position, f"FACTOR must be from {FACTORS[0]:g} to {FACTORS[1]:g}")
    if detector is None or not _DETECTOR.fullmatch(detector):
        raise _refuse(word, position, "DETECTOR must be a detector's name, such as 'yunet'")
    if fallback not in (None, "centre"):
        raise _refuse(word, position, "the third word can only be 'centre'")
    return CropFace(factor=factor, detector=detector, or_centre=fallback is not None)


def _parse_resize(word: str, position: int) -> Step:
    parts = word.split(":")
    if len(parts) != 3:
        raise _refuse(word, position, "expected resize:SIZE:FILTER")
    low, high = SIZES_PX
    if not re.fullmatch(r"[0-9]{1,5}", parts[1]) or not low <= int(parts[1]) <= high:
        raise _refuse(word, position, f"SIZE must be a whole number from {low} to {high}")
    if parts[2] not in geometry.FILTERS:
        raise _refuse(word, position, f"FILTER must be one of {', '.join(geometry.FILTERS)}")
    return Resize(size_px=int(parts[1]), filter=parts[2])


def _parse_scale(word: str, position: int) -> Step:
    parts = word.split(":")
    if len(parts) != 3:
        raise _refuse(word, position, "expected scale:LOW:HIGH")
    low = _number(parts[1], word, position, "LOW")
    high = _number(parts[2], word, position, "HIGH")
    if not low < high:
        raise _refuse(word, position, "LOW must be less than HIGH")
    return Scale(low=low, high=high)


def _parse_divide(word: str, position: int) -> Step:
    parts = word.split(":")
    if len(parts) != 4 or parts[2] != "minus":
        raise _refuse(word, position, "expected divide:D:minus:S")
    divisor = _number(parts[1], word, position, "D")
    if not divisor > 0:
        raise _refuse(word, position, "D must be more than 0")
    return Divide(divisor=divisor, minus=_number(parts[3], word, position, "S"))


_ALLOWED: Final = ", ".join(_STEPS)
_PLAIN: Final[Mapping[str, Step]] = {
    str(step): step for step in (Orient(), CropCentre(), Grey(), Bgr(), Mirror())
}
_READERS: Final[Mapping[str, Callable[[str, int], Step]]] = {
    "crop": _parse_crop,
    "resize": _parse_resize,
    "scale": _parse_scale,
    "divide": _parse_divide,
}


def _number(text: str, word: str, position: int, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and abs(value) <= 1e6):
        raise _refuse(word, position, f"{name} must be a number, '{text}' is none")
    return value + 0.0  # -0.0 prints as 0


def _number_text(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _refuse(word: str, position: int, why: str) -> RecipeError:
    return RecipeError(
        f"preprocessing step {position} '{word}' cannot be used: {why}",
        "Steps are separated by ' | '; docs/formats.md has them all.",
    )
