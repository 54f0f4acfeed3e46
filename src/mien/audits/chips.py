"""A photo's face, cut out upright and at one size: what a crop, a border or a turn leaves alone.

Somebody who trims a photo, frames it, turns it a little or makes it square leaves the face in it.
So copies that no hash of the picture finds are found by their faces: each is brought to the same
place by its landmarks, and what agrees in fine structure is nominated. Faces of two photos have
eyes, nose and mouth in common and agree to some 0.3; `overlap` decides on whole pictures.

Law: a chip is uint8 ``(32, 32)``, upright; the chip of a mirrored photo is the mirrored chip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Complex, Int, UInt8

from mien.audits.alike import most_alike
from mien.audits.perceptual import Grey
from mien.audits.structure import structure
from mien.records import Face

CHIP_PX: Final = 32
# Right eye, left eye, nose, mouth's corners as they lie in a chip: the common five points of face
# recognition (Deng et al., ArcFace, CVPR 2019), made symmetric and drawn in by a tenth.
_TEMPLATE: Final = np.array(
    [0.36 + 0.46j, 0.64 + 0.46j, 0.5 + 0.62j, 0.385 + 0.785j, 0.615 + 0.785j]
)
# A detector that gives a box alone: its middle and a side of 1.2 boxes.
_BOX: Final = 1.2
# What a chip's correlation must reach to be looked at closer; see docs/log.md for what it misses.
SIEVE: Final = 0.3
K: Final = 3


def chip(grey: Grey, *, face: Face) -> UInt8[np.ndarray, "32 32"]:
    """Cut a face out of an upright picture.

    Args:
        grey: The picture that the face was found in.
        face: With landmarks, where the detector gives them.
    """
    from PIL import Image

    turn, shift = _placing(face)
    picture = Image.fromarray(grey)
    # Many pixels for one of the chip's: shrink first, or fine structure is an accident of sampling.
    step = max(1, int(abs(turn) / CHIP_PX))
    if step > 1:
        picture = picture.reduce(step)
    a, b = turn / CHIP_PX / step, shift / step
    rows = (a.real, -a.imag, b.real, a.imag, a.real, b.imag)
    cut = picture.transform(
        (CHIP_PX, CHIP_PX), Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR
    )
    return np.asarray(cut)


@dataclass(frozen=True, kw_only=True)
class Nomination:
    """Why a pair is worth a closer look.

    Attributes:
        agreed: Correlation of the faces' fine structure, 0 where something else speaks for it.
        ways: Whether to mirror one of the two: ``False``, ``True`` or both are to be tried.
    """

    agreed: float
    ways: tuple[bool, ...]


def nominate(
    chips: UInt8[np.ndarray, "m 32 32"], *, rows: Int[np.ndarray, " m"]
) -> dict[tuple[int, int], Nomination]:
    """Pairs of faces that agree, mirrored or not: each with its `K` best, by matrix products.

    Returns:
        The pairs whose correlation is above `SIEVE`.

    Args:
        chips: Of the photos that show a face.
        rows: How the answer should number them.
    """
    found: dict[tuple[int, int], Nomination] = {}
    for mirrored, pairs in enumerate(most_alike(structure(chips), k=K, least=SIEVE)):
        numbers = np.sort(rows[pairs.rows], axis=1).tolist()
        for (a, b), agreed in zip(numbers, pairs.agreed.tolist(), strict=True):
            before = found.get((a, b), Nomination(agreed=0.0, ways=()))
            found[a, b] = Nomination(
                agreed=max(agreed, before.agreed), ways=(*before.ways, bool(mirrored))
            )
    return found


def landmarks_in(face: Face | None, *, width_px: int, height_px: int) -> Complex[np.ndarray, " 5"]:
    """A face's five points in shares of the picture's longer side; NaN where they are not known."""
    if face is None or len(face.landmarks_px) != len(_TEMPLATE):
        return np.full(len(_TEMPLATE), np.nan + 0j)
    return np.array([x + 1j * y for x, y in face.landmarks_px]) / max(width_px, height_px)


def similarity(
    source: Complex[np.ndarray, " 5"], target: Complex[np.ndarray, " 5"]
) -> tuple[complex, complex]:
    """Turn-and-scale a and shift b of the least squares ``a * source + b = target``."""
    x, y = source - source.mean(), target - target.mean()
    a = complex(np.vdot(x, y) / np.vdot(x, x).real)
    return a, complex(target.mean() - a * source.mean())


def _placing(face: Face) -> tuple[complex, complex]:
    """Where in the image a chip's unit square lies: its side as a complex number, its corner."""
    if len(face.landmarks_px) == len(_TEMPLATE):
        return similarity(_TEMPLATE, np.array([x + 1j * y for x, y in face.landmarks_px]))
    left, top, right, bottom = face.xyxy_px
    side = _BOX * max(right - left, bottom - top)
    middle = complex((left + right) / 2, (top + bottom) / 2)
    return complex(side), middle - side * (0.5 + 0.5j)
