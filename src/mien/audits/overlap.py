"""A closer look at two pictures: is there a place, size and turn at which one lies on the other?

`align` tries crops of squashed thumbnails, by the thousand. Here few pairs are looked at, each at
its own shape: landmarks of faces, or points that both pictures have in common, give a first
placing; it is refined (an affine transform, by the enhanced correlation of Evangelidis and
Psarakis, IEEE TPAMI 30 (2008) 1858-1865, as OpenCV has it); then what both show is compared block
by block, like thumbnails are. Borders, bands and what was cut off lie outside and do not count.

Knows nothing of files. Law: pictures are grey, at most `PICTURE_PX` on the longer side; the answer
does not depend on their order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Complex, Float32

from mien.audits.align import compare_blocks
from mien.audits.chips import similarity
from mien.audits.perceptual import Grey
from mien.blas import one_blas_thread
from mien.face.resize import opencv

PICTURE_PX: Final = 192
_GRID: Final = 64
# Refining at half the size first finds placings that are several pixels off. There it must reach a
# correlation of 0.7, or it ends: true pairs reached 0.83 within 8 of the 30 steps, three of four
# others never 0.7 (docs/log.md). Size, steps, and what must be reached.
_LEVELS: Final = ((0.5, 30, 0.7), (1.0, 25, -1.0))
_SMOOTH_PX: Final = 5
_RIM_PX: Final = 4
# Agreement of a first placing by faces that is worth refining: different photos stay below 0.2,
# and one that needs no better is plain. Both of the fine structure, see `Overlap.fine`.
_HOPEFUL: Final = 0.15
_PLAIN: Final = 0.985
# And what the first refining must have reached for the second, dearer one to be worth it: 288 true
# pairs all reached 0.86, no two different photos of the study 0.6 (docs/log.md).
_PROMISING: Final = 0.5
# What both show must be this much of the smaller picture: less is a detail, not a copy.
_LEAST_SHOWN: Final = 0.35
# Points in common that one placing must explain, of the points of two pictures of a photo.
_LEAST_POINTS: Final = 8
_RATIO: Final = 0.8
_N_POINTS: Final = 200
_FAR_PX: Final = 3.0
# First placings that are compared at once.
_AT_ONCE: Final = 256
# Nobody stretches a photo by more when saving it anew.
_MOST_STRETCH: Final = 1.35
# A photo in a corner of a page that is ten times as wide is not looked for.
_SMALLEST: Final = 0.1

Placing = Float32[np.ndarray, "2 3"]
"""From pixels of the second picture to pixels of the first."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How well two pictures agree where both show something.

    Attributes:
        fine: Correlation of the fine structure, the median over blocks.
        covered: Share of the blocks with structure whose correlation is above 0.5.
        n_blocks: Blocks that have any structure, of 64.
        kept: The share of the larger scene that both show.
        turned: By how many degrees the second is turned against the first.
        mirrored: Whether the second was mirrored.
    """

    fine: float
    covered: float
    n_blocks: int
    kept: float
    turned: float
    mirrored: bool


@dataclass(frozen=True, kw_only=True)
class Look:
    """How to look at a pair.

    Attributes:
        thorough: Whether to search for points in common where faces tell nothing.
        ways: Whether to mirror the second: ``False``, ``True`` or both are tried.
    """

    thorough: bool
    ways: tuple[bool, ...] = (False, True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A picture with what a placing can start from; points in common are found when first asked.

    Attributes:
        picture: Grey.
        points: Its face's landmarks in pixels, NaN where unknown.
    """

    picture: Grey
    points: Complex[np.ndarray, " 5"]

    @cached_property
    def mirrored(self) -> Seen:
        """The picture as a mirror shows it; what was the right eye is the left one then."""
        flipped = self.picture.shape[1] - self.points.real + 1j * self.points.imag
        return Seen(
            picture=np.ascontiguousarray(self.picture[:, ::-1]), points=flipped[[1, 0, 2, 4, 3]]
        )

    @cached_property
    def features(self) -> tuple[Any, Any]:
        """Points of interest and their descriptions, None where there are none."""
        found: tuple[Any, Any] = (
            opencv().SIFT_create(_N_POINTS).detectAndCompute(self.picture, None)
        )
        return found


def overlap(
    first: Seen, *, second: Seen, thorough: bool = True, ways: Sequence[bool] = (False, True)
) -> Overlap | None:
    """Lay one picture on the other and compare.

    Args:
        first: A picture.
        second: Another.
        thorough: Whether to search for points in common where faces tell nothing.
        ways: Whether to mirror the second: try not, try it, or both.

    Returns:
        The best of the ways; None where no placing was found.
    """
    looked = (
        _one_way(
            first, second.mirrored if mirrored else second, mirrored=mirrored, thorough=thorough
        )
        for mirrored in ways
    )
    found = [way for way in looked if way is not None]
    return max(found, key=lambda way: way.fine, default=None)


def _one_way(first: Seen, second: Seen, *, mirrored: bool, thorough: bool) -> Overlap | None:
    """Place by the faces and, where asked, by points in common; refine what is promising."""
    best: Overlap | None = None
    for start, needed in _starts(first, second, thorough=thorough):
        found = _compared(first.picture, second.picture, start, mirrored=mirrored)
        best = _better(best, found)
        if best and best.fine > _PLAIN:
            break
        if found is None or found.fine < needed:
            continue
        for placing in _refined(first.picture, second.picture, start):
            found = _compared(first.picture, second.picture, placing, mirrored=mirrored)
            best = _better(best, found)
            if found is None or not _PROMISING < found.fine < _PLAIN:
                break
    return best


def _better(one: Overlap | None, other: Overlap | None) -> Overlap | None:
    if one is None or other is None:
        return one or other
    return other if other.fine > one.fine else one


def _starts(first: Seen, second: Seen, *, thorough: bool) -> Iterator[tuple[Placing, float]]:
    """First placings, and how well each must agree to be worth refining."""
    if not (np.isnan(first.points).any() or np.isnan(second.points).any()):
        a, b = similarity(second.points, first.points)
        start = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]], dtype=np.float32)
        yield start, _HOPEFUL
    if thorough:
        by_points = _by_points(first, second)
        if by_points is not None:
            yield by_points, -1.0


def _by_points(first: Seen, second: Seen) -> Placing | None:
    """A similarity that many points in common agree on (SIFT, ratio test, RANSAC)."""
    cv2 = opencv()
    (here, of_first), (there, of_second) = first.features, second.features
    if of_first is None or of_second is None or min(len(here), len(there)) < _LEAST_POINTS:
        return None
    pairs = [
        two[0]
        for two in cv2.BFMatcher().knnMatch(of_second, of_first, k=2)
        if len(two) > 1 and two[0].distance < _RATIO * two[1].distance
    ]
    if len(pairs) < _LEAST_POINTS:
        return None
    source = np.array([there[pair.queryIdx].pt for pair in pairs], dtype=np.float32)
    target = np.array([here[pair.trainIdx].pt for pair in pairs], dtype=np.float32)
    cv2.setRNGSeed(0)
    placing, inside = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_FAR_PX
    )
    if placing is None or int(inside.sum()) < _LEAST_POINTS:
        return None
    return np.asarray(placing, dtype=np.float32)


def _refined(first: Grey, second: Grey, start: Placing) -> Iterator[Placing]:
    """Improve a placing, at half the size first; none where it does not get anywhere."""
    cv2 = opencv()
    placing = start
    for factor, steps, least in _LEVELS:
        a, b = (
            cv2.resize(one, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            for one in (first, second)
        )
        # Smoothing draws a frame's colour into the picture's rim: the rim has no say.
        inner, (left, top) = _without_rim(b)
        seen = np.zeros_like(a)
        seen[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX] = 255
        scaled = placing.copy()
        scaled[:, 2] = factor * placing[:, 2] + placing[:, :2] @ (left, top)
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
        try:
            alike, scaled = cv2.findTransformECC(
                inner, a, scaled, cv2.MOTION_AFFINE, criteria, seen, _SMOOTH_PX
            )
        except cv2.error:  # it does not converge: not the same picture, or nothing to see
            return
        if alike < least:
            return
        if _is_plausible(scaled):
            scaled[:, 2] = (scaled[:, 2] - scaled[:, :2] @ (left, top)) / factor
            placing = scaled.astype(np.float32)
            yield placing


def _without_rim(picture: Grey) -> tuple[Grey, tuple[int, int]]:
    """The picture without its outermost pixels, and where what is left begins."""
    if min(picture.shape) <= 6 * _RIM_PX:
        return picture, (0, 0)
    return np.ascontiguousarray(picture[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX]), (_RIM_PX, _RIM_PX)


def _is_plausible(placing: Placing) -> bool:
    """Neither squashed to a line nor stretched more than people do; another size is no matter."""
    if not np.isfinite(placing).all():
        return False
    longer, shorter = np.linalg.svd(placing[:, :2], compute_uv=False)
    return bool(shorter > _SMALLEST and longer < 1 / _SMALLEST and longer < _MOST_STRETCH * shorter)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Laid:
    """What both pictures show, sampled on one grid.

    Attributes:
        first: From the first picture.
        second: From the second.
        seen: Where both have pixels.
        kept: As in `Overlap`.
    """

    first: Float32[np.ndarray, "64 64"]
    second: Float32[np.ndarray, "64 64"]
    seen: Bool[np.ndarray, "64 64"]
    kept: float


def _compared(first: Grey, second: Grey, placing: Placing, *, mirrored: bool) -> Overlap | None:
    """Sample both on one grid over what both show, and compare the blocks."""
    laid = _laid(first, second, placing)
    if laid is None:
        return None
    fine, covered, n_blocks = _compare_all([laid])
    return Overlap(
        fine=float(fine[0]),
        covered=float(covered[0]),
        n_blocks=int(n_blocks[0]),
        kept=laid.kept,
        turned=float(np.degrees(np.arctan2(placing[1, 0], placing[0, 0]))),
        mirrored=mirrored,
    )


def _compare_all(laid: Sequence[_Laid]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return compare_blocks(
        np.stack([one.first for one in laid]),
        second=np.stack([one.second for one in laid]),
        seen=np.stack([one.seen for one in laid]),
    )


def _laid(first: Grey, second: Grey, placing: Placing) -> _Laid | None:
    """Both pictures where they lie on each other; None where they hardly do."""
    if not _is_plausible(placing):
        return None
    left, top, right, bottom = _both_show(first, second, placing)
    if right - left < 8 or bottom - top < 8:
        return None
    of_first = abs(float(np.linalg.det(placing[:, :2])))
    grid = np.array(
        [[(right - left) / _GRID, 0, left], [0, (bottom - top) / _GRID, top]], dtype=np.float32
    )
    a, seen = _sampled(first, _chained(placing, grid))
    b, whole = _sampled(second, grid)
    seen &= whole
    shown = float(seen.mean()) * (right - left) * (bottom - top)
    shares = (shown * of_first / first.size, shown / second.size)
    if max(shares) < _LEAST_SHOWN:
        return None
    return _Laid(first=a, second=b, seen=seen, kept=float(min(1.0, *shares)))


def _both_show(first: Grey, second: Grey, placing: Placing) -> tuple[float, float, float, float]:
    """The box in the second picture around what both show."""
    height, width = first.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=float)
    back = np.linalg.inv(np.vstack([placing, [0, 0, 1]]).astype(float))
    x, y = (back @ corners.T)[:2]
    return (
        max(0.0, float(x.min())),
        max(0.0, float(y.min())),
        min(float(second.shape[1]), float(x.max())),
        min(float(second.shape[0]), float(y.max())),
    )


def _chained(outer: Placing, inner: Placing) -> Placing:
    chained: Placing = (np.vstack([outer, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]]))[:2].astype(
        np.float32
    )
    return chained


def _sampled(picture: Grey, grid: Placing) -> tuple[Float32[np.ndarray, "64 64"], Any]:
    """The picture at the grid's points, blurred to the grid's width, and where it has pixels."""
    cv2 = opencv()
    # Pixel centres lie at half numbers: shift before and after.
    moved = grid.copy()
    moved[:, 2] += 0.5 * (grid[:, 0] + grid[:, 1]) - 0.5
    step = float(np.sqrt(abs(np.linalg.det(grid[:, :2]))))
    soft = picture.astype(np.float32)
    if step > 1:
        soft = cv2.GaussianBlur(soft, (0, 0), 0.45 * step)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(
        soft, moved, (_GRID, _GRID), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(np.ones_like(soft), moved, (_GRID, _GRID), flags=flags)
    return values, inside > 0.99


def decoded(picture: bytes) -> Grey:
    """A picture as `pack` packed it."""
    image: Grey = opencv().imdecode(np.frombuffer(picture, dtype=np.uint8), 0)
    return image


def pack(grey: Grey) -> bytes:
    """A grey picture small enough that those of 100,000 photos fit into memory."""
    from io import BytesIO

    from PIL import Image

    small = Image.fromarray(grey)
    small.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.BOX, reducing_gap=None)
    out = BytesIO()
    small.save(out, "JPEG", quality=90)
    return out.getvalue()


def look_closer(
    pictures: Sequence[bytes],
    *,
    points: Complex[np.ndarray, "n 5"],
    pairs: Mapping[tuple[int, int], Look],
) -> dict[tuple[int, int], Overlap]:
    """`overlap` of each pair of rows whose first placing leads anywhere.

    Args:
        pictures: As `pack` gives them.
        points: Landmarks in shares of the longer side, NaN where unknown.
        pairs: Rows, and how to look at them.
    """
    rows = sorted({row for pair in pairs for row in pair})
    at_hand = {row: _seen(pictures[row], points[row]) for row in rows}

    def look(pair: tuple[int, int], ways: Sequence[bool]) -> Overlap | None:
        first, second = (at_hand[row] for row in pair)
        return overlap(first, second=second, thorough=pairs[pair].thorough, ways=ways)

    with one_blas_thread(), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        promising = _promising(at_hand, pairs, pool)
        looked = zip(promising, pool.map(look, promising, promising.values()), strict=True)
        return {pair: found for pair, found in looked if found is not None}


def _promising(
    at_hand: Mapping[int, Seen], pairs: Mapping[tuple[int, int], Look], pool: Executor
) -> dict[tuple[int, int], list[bool]]:
    """Pairs and ways that need a look of their own; most end at the first placing of faces.

    Those are compared many at once: one at a time, most of the time goes to calling.
    """
    asked = [(pair, way) for pair, how in pairs.items() for way in how.ways]
    kept: dict[tuple[int, int], list[bool]] = {}
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        laid = list(pool.map(lambda one: _by_faces(at_hand, *one), some))
        found = [one for one in laid if one is not None]
        fine = iter(_compare_all(found)[0]) if found else iter(())
        hopeful = [one is not None and next(fine) >= _HOPEFUL for one in laid]
        for (pair, way), hope in zip(some, hopeful, strict=True):
            if hope or pairs[pair].thorough:
                kept.setdefault(pair, []).append(way)
    return kept


def _by_faces(at_hand: Mapping[int, Seen], pair: tuple[int, int], mirrored: bool) -> _Laid | None:
    """The second picture laid on the first by their faces."""
    first, second = (at_hand[row] for row in pair)
    second = second.mirrored if mirrored else second
    start = next((placing for placing, _ in _starts(first, second, thorough=False)), None)
    return None if start is None else _laid(first.picture, second.picture, start)


def _seen(picture: bytes, points: Complex[np.ndarray, " 5"]) -> Seen:
    image = decoded(picture)
    return Seen(picture=image, points=points * max(image.shape))
