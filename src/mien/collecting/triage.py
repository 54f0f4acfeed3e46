"""Whether a fetched picture is a photo of one face that can be used: the first reason why not.

Looks at pixels and face boxes only, measured as the audit measures them, so that the first audit of
what was collected names nothing new. The order is from the cheapest and surest question to the
finest: face, faces, size, light, drawing, text, blur. Thresholds carry what they were measured on;
they refuse what a person would refuse at a glance and leave doubt to the audit and to the person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt8

from mien.audits.facts import blurs, face_brightness, tones
from mien.audits.light import BURNT_FACE, DARKEST_FACE, is_dark, is_overexposed
from mien.audits.perceptual import Grey, grey_of
from mien.collecting.records import Unusable
from mien.face.resize import opencv
from mien.records import Face, Pixels

FindFaces: TypeAlias = Callable[[Pixels], Sequence[Face]]
"""An upright image to every face in it, the largest first."""

FindMany: TypeAlias = Callable[[Sequence[Pixels]], Sequence[Sequence[Face]]]
"""As `FindFaces`, of several images."""

# Side of a face's box. Backbones see a face at 112 px; less than half of that is mostly guessed.
MIN_FACE_PX: Final = 56
# A second face counts where its box has this share of the largest one's area: people in the
# background do not make a group portrait.
SECOND_FACE: Final = 0.25
# The audit's blur, of the face at 96 px. Faces of the study's 276 photos have at most 0.644, drawn
# ones 0.455; blurred by 6 of 256 px the study's have 0.711 and more, drawn ones 0.678.
MAX_BLUR: Final = 0.66
# The same at half that size. A dark face has little contrast, and the grain of a JPEG passes for
# sharpness in it: eight of 100 blurred drawings passed by the measure above, all of dark skin. Half
# as large, the grain is gone: the study's faces have at most 0.542, drawn ones 0.384, drawn and
# blurred ones 0.564 and more.
MAX_HALVED_BLUR: Final = 0.55
# A picture in which hardly anything (1 % of it) is darker than this grey, and so much of which is
# burnt out, is veiled by light: a face of this grey or more in it is burnt, though dark skin stays
# below the audit's bound. The study's photos have a black point of at most 0.33; burnt drawings
# have 0.41 and more, with 7 % burnt out; of 2,000 clean ones one has 0.41, with 0.2 %.
VEILED: Final = 0.41
BURNT_OUT: Final = 0.03
VEILED_FACE: Final = 0.65
# See `flatness`. Faces of the study's photos have at most 0.55, darkened ones up to 0.70.
MAX_FLATNESS: Final = 0.72
# See `text_rows`. Photos have at most 1 such row of 96, a banner over the face 4 and more.
MAX_TEXT_ROWS: Final = 2

# Median grey of a face, of 255: the audit calls it dark below 0.12 and burnt above 0.8.
_CLEARLY_LIT: Final = (60.0, 255 * VEILED_FACE)

_SIDE: Final = 96
_STROKE: Final = 48.0  # grey levels of an edge of a letter
_STROKES_A_ROW: Final = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """A picture and what was found in it.

    Attributes:
        pixels: Upright RGB.
        luma: Of these.
        faces: Every face in it, the largest first.
    """

    pixels: Pixels
    luma: Grey
    faces: Sequence[Face]


def triage(pixels: Pixels, *, faces: Sequence[Face]) -> Face:
    """The one face that the photo is about.

    Args:
        pixels: Upright RGB.
        faces: Every face in it, the largest first.

    Raises:
        Unusable: With the reason.
    """
    (answer,) = triage_all([Sight(pixels=pixels, luma=grey_of(pixels), faces=faces)])
    if isinstance(answer, Unusable):
        raise answer
    return answer


def triage_all(sights: Sequence[Sight]) -> list[Face | Unusable]:
    """As `triage`, of several pictures: of each its face, or the reason why it is refused.

    What is measured of faces at 96 px is measured of all at once, which takes half the time.
    """
    found = [_unless_unusable(partial(_framed, one)) for one in sights]
    framed = [i for i, face in enumerate(found) if not isinstance(face, Unusable)]
    if not framed:
        return found
    greys = np.stack([_scaled(_patch(sights[i].luma, sights[i].faces[0])) for i in framed])
    measured = zip(framed, greys, _text_rows(greys), _is_blurred(greys), strict=True)
    for i, grey, n_rows, is_blurred in measured:
        judge = partial(_judged, sights[i], grey=grey, text_rows=n_rows, is_blurred=is_blurred)
        found[i] = _unless_unusable(judge)
    return found


def _unless_unusable(step: Callable[[], Face]) -> Face | Unusable:
    try:
        return step()
    except Unusable as error:
        return error


def _framed(sight: Sight) -> Face:
    """The one face that can be measured."""
    faces = sight.faces
    if not faces:
        raise Unusable("no face", "no face is found")
    face = faces[0]
    others = [one for one in faces[1:] if _area(one) > SECOND_FACE * _area(face)]
    if others:
        raise Unusable("several faces", f"{1 + len(others)} faces are found")
    left, top, right, bottom = face.xyxy_px
    side = min(right - left, bottom - top)
    if side < MIN_FACE_PX:
        raise Unusable("small", f"the face is {side:.1f} px wide, at least {MIN_FACE_PX}")
    if _patch(sight.luma, face).size == 0:
        raise Unusable("no face", "the face lies outside the picture")
    return face


def _judged(
    sight: Sight, *, grey: Float32[np.ndarray, "96 96"], text_rows: int, is_blurred: bool
) -> Face:
    """The face, unless what was measured of it speaks against it."""
    face = sight.faces[0]
    _refuse_light(sight.pixels, face, luma=sight.luma, middle=_median(grey))
    if flatness(_patch(sight.pixels, face)) > MAX_FLATNESS:
        raise Unusable("drawn", "the face is made of even areas, as drawings are")
    if text_rows > MAX_TEXT_ROWS:
        raise Unusable("text over the face", "there is text over the face")
    if is_blurred:
        raise Unusable("blurred", "the face is blurred")
    return face


def _text_rows(greys: Float32[np.ndarray, "n 96 96"]) -> list[int]:
    strong = np.abs(greys[:, :, 1:] - greys[:, :, :-1]) > _STROKE
    most = np.count_nonzero(strong, axis=2).max(axis=1)
    # In most photos no row has so many strong edges, however they alternate.
    return [
        text_rows(grey) if n >= _STROKES_A_ROW else 0 for grey, n in zip(greys, most, strict=True)
    ]


def _is_blurred(greys: Float32[np.ndarray, "n 96 96"]) -> list[bool]:
    whole, halved = blurs(greys / 255), blurs(_halved(greys) / 255)
    return [bool(one) for one in (whole > MAX_BLUR) | (halved > MAX_HALVED_BLUR)]


def _refuse_light(pixels: Pixels, face: Face, *, luma: Grey, middle: float) -> None:
    # The audit's measures of the whole picture are dear; a face of middling grey needs none.
    if _CLEARLY_LIT[0] < middle < _CLEARLY_LIT[1]:
        return
    light = face_brightness(pixels, face=face)
    if light is None or not DARKEST_FACE <= light <= BURNT_FACE:
        whole = tones(pixels, face=face)
        if is_dark(whole):
            raise Unusable("dark", "the picture shows little but black")
        if is_overexposed(whole):
            raise _burnt()
    if middle > 255 * VEILED_FACE and _is_veiled(pixels, luma):
        raise _burnt()


def _burnt() -> Unusable:
    return Unusable("overexposed", "the face is burnt to white")


def _is_veiled(pixels: Pixels, luma: Grey) -> bool:
    return black_point(luma) > VEILED and float(np.mean(pixels.max(axis=2) >= 254)) > BURNT_OUT


def black_point(luma: Grey) -> float:
    """The grey, 0 to 1, that a hundredth of the picture is darker than."""
    from PIL import Image

    counts = np.array(Image.fromarray(luma).histogram())
    return int(np.searchsorted(np.cumsum(counts), 0.01 * counts.sum())) / 255


def flatness(patch: Pixels) -> float:
    """Share of pixels that equal their right neighbour in every channel, 0 to 1.

    Sensors make noise everywhere; drawings and logos have areas of one colour. Dark and burnt out
    areas are left out: photos have those too.
    """
    red, green, blue = opencv().split(patch)
    same = (red[:, 1:] == red[:, :-1]) & (green[:, 1:] == green[:, :-1])
    same &= blue[:, 1:] == blue[:, :-1]
    high = np.maximum(np.maximum(red, green), blue)[:, 1:]
    low = np.minimum(np.minimum(red, green), blue)[:, 1:]
    counts = (high > 16) & (low < 250)
    n = np.count_nonzero(counts)
    return np.count_nonzero(same & counts) / n if n > 100 else 0.0


def text_rows(grey: Float32[np.ndarray, "96 96"]) -> int:
    """The longest run of rows that are crossed by as many strokes as letters have.

    A row of a face has some strong edges (brows, lids, lips); a row of a banner alternates between
    ink and paper all along.
    """
    steps = grey[:, 1:] - grey[:, :-1]
    strong = np.where(np.abs(steps) > _STROKE, np.sign(steps), 0)
    # Each strong step beside the strong step before it in its row, weak ones between left out.
    at = np.where(strong != 0, np.arange(strong.shape[1]), -1)
    last = np.maximum.accumulate(at, axis=1)
    before = np.concatenate([np.full((len(at), 1), -1), last[:, :-1]], axis=1)
    other = np.where(before < 0, 0, np.take_along_axis(strong, np.maximum(before, 0), axis=1))
    n_strokes = ((strong != 0) & (strong != other)).sum(axis=1)
    longest = run = 0
    for full in n_strokes >= _STROKES_A_ROW:
        run = run + 1 if full else 0
        longest = max(longest, run)
    return longest


def _patch(image: UInt8[np.ndarray, "h w *c"], face: Face) -> UInt8[np.ndarray, "y x *c"]:
    h, w = image.shape[:2]
    left, top, right, bottom = (round(v) for v in face.xyxy_px)
    return image[max(0, top) : min(h, bottom), max(0, left) : min(w, right)]


def _scaled(luma: Grey) -> Float32[np.ndarray, "96 96"]:
    from PIL import Image

    small = Image.fromarray(np.ascontiguousarray(luma))
    return np.asarray(small.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), np.float32)


def _median(grey: Float32[np.ndarray, "h w"]) -> float:
    # Whole numbers, as `_scaled` makes them.
    counts = np.bincount(grey.ravel().astype(np.intp), minlength=256)
    below, n = np.cumsum(counts), grey.size
    return float(np.searchsorted(below, [(n + 1) // 2, n // 2 + 1]).mean())


def _halved(greys: Float32[np.ndarray, "n 96 96"]) -> Float32[np.ndarray, "n 48 48"]:
    rows = greys[:, ::2] + greys[:, 1::2]  # whole numbers still: exact in any order
    halves: Float32[np.ndarray, "n 48 48"] = rows[:, :, ::2] + rows[:, :, 1::2]
    halves *= 0.25
    return halves


def _area(face: Face) -> float:
    left, top, right, bottom = face.xyxy_px
    return max(0.0, right - left) * max(0.0, bottom - top)
