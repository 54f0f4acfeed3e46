"""Whether a fetched picture is a photo of one face that can be used: the first reason why not.

Looks at pixels and face boxes only. The order is from the cheapest and surest question to the
finest: face, faces, size, text, drawing, blur. Thresholds carry what they were measured on; they
refuse what a person would refuse at a glance and leave doubt to the audit and to the person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Float32

from mien.collecting.records import Unusable
from mien.records import Face, Pixels

FindFaces: TypeAlias = Callable[[Pixels], Sequence[Face]]
"""An upright image to every face in it, the largest first."""

# Side of a face's box. Backbones see a face at 112 px; less than half of that is mostly guessed.
MIN_FACE_PX: Final = 56
# A second face counts where its box has this share of the largest one's area: people in the
# background do not make a group portrait.
SECOND_FACE: Final = 0.25
# See `sharpness`. Faces of the study's 276 photos have 0.109 and more, drawn photos 0.17 and more,
# those blurred by 6 of 256 px at most 0.065.
MIN_SHARPNESS: Final = 0.085
# See `flatness`. Faces of the study's photos have at most 0.55, darkened ones up to 0.70.
MAX_FLATNESS: Final = 0.72
# See `text_rows`. Photos have at most 1 such row of 96, a banner over the face 4 and more.
MAX_TEXT_ROWS: Final = 2

_SIDE: Final = 96
_STROKE: Final = 48.0  # grey levels of an edge of a letter
_STROKES_A_ROW: Final = 16


def triage(pixels: Pixels, *, find_faces: FindFaces) -> Face:
    """The one face that the photo is about.

    Args:
        pixels: Upright RGB.
        find_faces: Names every face, the largest first.

    Raises:
        Unusable: With the reason.
    """
    faces = list(find_faces(pixels))
    if not faces:
        raise Unusable("no face", "no face is found")
    face = faces[0]
    others = [one for one in faces[1:] if _area(one) > SECOND_FACE * _area(face)]
    if others:
        raise Unusable("several faces", f"{1 + len(others)} faces are found")
    left, top, right, bottom = face.xyxy_px
    side = min(right - left, bottom - top)
    if side < MIN_FACE_PX:
        raise Unusable("small", f"the face is {side:.0f} px wide, at least {MIN_FACE_PX}")
    patch = _patch(pixels, face)
    if patch.size == 0:
        raise Unusable("no face", "the face lies outside the picture")
    if flatness(patch) > MAX_FLATNESS:
        raise Unusable("drawn", "the face is made of even areas, as drawings are")
    grey = _scaled(patch)
    if text_rows(grey) > MAX_TEXT_ROWS:
        raise Unusable("text over the face", "there is text over the face")
    if sharpness(grey) < MIN_SHARPNESS:
        raise Unusable("blurred", "the face is blurred")
    return face


def sharpness(grey: Float32[np.ndarray, "96 96"]) -> float:
    """Mean absolute Laplacian over standard deviation: fine structure over all structure."""
    middle = grey[1:-1, 1:-1]
    laplacian = 4 * middle - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(np.abs(laplacian).mean() / (grey.std() + 4.0))


def flatness(patch: Pixels) -> float:
    """Share of pixels that equal their right neighbour in every channel, 0 to 1.

    Sensors make noise everywhere; drawings and logos have areas of one colour. Dark and burnt out
    areas are left out: photos have those too.
    """
    same = (patch[:, 1:] == patch[:, :-1]).all(axis=2)
    level = patch[:, 1:].max(axis=2)
    counts = (level > 16) & (patch[:, 1:].min(axis=2) < 250)
    n = int(counts.sum())
    return float((same & counts).sum() / n) if n > 100 else 0.0


def text_rows(grey: Float32[np.ndarray, "96 96"]) -> int:
    """The longest run of rows that are crossed by as many strokes as letters have.

    A row of a face has some strong edges (brows, lids, lips); a row of a banner alternates between
    ink and paper all along.
    """
    steps = np.diff(grey, axis=1)
    strong = np.where(np.abs(steps) > _STROKE, np.sign(steps), 0)
    n_strokes = np.array([_alternations(row[row != 0]) for row in strong])
    longest = run = 0
    for full in n_strokes >= _STROKES_A_ROW:
        run = run + 1 if full else 0
        longest = max(longest, run)
    return longest


def _alternations(signs: Float[np.ndarray, " n"]) -> int:
    return int((signs[1:] != signs[:-1]).sum()) + 1 if len(signs) else 0


def _patch(pixels: Pixels, face: Face) -> Pixels:
    h, w = pixels.shape[:2]
    left, top, right, bottom = (round(v) for v in face.xyxy_px)
    return pixels[max(0, top) : min(h, bottom), max(0, left) : min(w, right)]


def _scaled(patch: Pixels) -> Float32[np.ndarray, "96 96"]:
    from PIL import Image

    small = Image.fromarray(np.ascontiguousarray(patch)).convert("L")
    return np.asarray(small.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), np.float32)


def _area(face: Face) -> float:
    left, top, right, bottom = face.xyxy_px
    return max(0.0, right - left) * max(0.0, bottom - top)
