"""Apparent skin tone: the individual typology angle of a face's pixels.

A help to balance light and dark photos, measured only when asked for. It says what colour the
camera recorded under that light. It says nothing of who a person is: mien
never guesses race or gender.

Source: A. Chardon, I. Cretois, C. Hourseau, "Skin colour typology and suntanning pathways",
International Journal of Cosmetic Science 13 (1991) 191-208: ITA = arctan((L* - 50) / b*) in CIELAB
(D65), in degrees, with its six classes of light and dark.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float

from mien.records import Face, Pixels

# Lower bound of the angle in degrees and the class's name, from light to dark (Chardon et al.).
CLASSES: Final[tuple[tuple[float, str], ...]] = (
    (55.0, "very light"),
    (41.0, "light"),
    (28.0, "intermediate"),
    (10.0, "tan"),
    (-30.0, "brown"),
    (-90.0, "dark"),
)
# sRGB to XYZ under D65, and its white point (IEC 61966-2-1).
_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_WHITE: Final = np.array([0.95047, 1.0, 1.08883])


def typology_angle(image: Pixels, *, face: Face) -> float | None:
    """The median angle over the cheeks and nose of a face, in degrees from -90 to 90.

    Args:
        image: uint8 ``(h, w, 3)``, upright.
        face: Its box; the middle part is taken, where neither hair nor background is.

    Returns:
        None where the box shows too little.
    """
    left, top, right, bottom = face.xyxy_px
    width, height = right - left, bottom - top
    rows = slice(max(0, int(top + 0.45 * height)), max(0, int(top + 0.7 * height)))
    columns = slice(max(0, int(left + 0.25 * width)), max(0, int(left + 0.75 * width)))
    part = image[rows, columns]
    if part.shape[0] < 4 or part.shape[1] < 4:
        return None
    step = max(1, min(part.shape[:2]) // 32)
    lab = _lab(part[::step, ::step].reshape(-1, 3))
    angle = np.degrees(np.arctan2(np.median(lab[:, 0]) - 50, max(1e-6, np.median(lab[:, 2]))))
    return round(float(angle), 1)


def skin_class(angle: float) -> str:
    """The class of an angle.

    Example:
        >>> skin_class(60.0), skin_class(0.0), skin_class(-60.0)
        ('very light', 'brown', 'dark')
    """
    return next(name for least, name in CLASSES if angle > least or name == "dark")


def _lab(rgb: np.ndarray) -> Float[np.ndarray, "p 3"]:
    """CIELAB of sRGB pixels (CIE 15:2004)."""
    values = rgb / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    lab: Float[np.ndarray, "p 3"] = np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )
    return lab
