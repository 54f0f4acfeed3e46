"""Where one picture lies on another: first placings by faces or points in common, and refining.

A placing is refined by an affine transform that enhances the correlation (G. Evangelidis and
E. Psarakis, IEEE TPAMI 30 (2008) 1858-1865, as OpenCV has it). Knows nothing of how well pictures
agree once they are laid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from jaxtyping import Complex, Float32

from mien.audits.chips import similarity
from mien.audits.perceptual import Grey
from mien.face.resize import opencv

# Refining at half the size first finds placings that are several pixels off. There it must reach a
# correlation of 0.7, or it ends: true pairs reached 0.83 within 8 of the 30 steps, three of four
# others never 0.7 (docs/log.md). Size, steps, and what must be reached.
_LEVELS: Final = ((0.5, 30, 0.7), (1.0, 25, -1.0))
_SMOOTH_PX: Final = 5
_RIM_PX: Final = 4
# Points in common that one placing must explain, of the points of two pictures of a photo.
_LEAST_POINTS: Final = 8
_RATIO: Final = 0.8
_N_POINTS: Final = 200
_FAR_PX: Final = 3.0
# Nobody stretches a photo by more when saving it anew.
_MOST_STRETCH: Final = 1.35
# A photo in a corner of a page that is ten times as wide is not looked for.
_SMALLEST: Final = 0.1

Placing = Float32[np.ndarray, "2 3"]
"""From pixels of the second picture to pixels of the first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A picture with what a placing can start from; points in common are found when first asked.

    Attributes:
        picture: Grey.
        points: Its face's landmarks in pixels, NaN where unknown.
    """

    picture: Grey
    points: Complex[np.ndarray, " 5"]
    # Not `cached_property`: before Python 3.12 all pictures share its lock, and threads wait.
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def mirrored(self) -> Seen:
        """The picture as a mirror shows it; what was the right eye is the left one then."""
        if "mirrored" not in self._found:
            flipped = self.picture.shape[1] - self.points.real + 1j * self.points.imag
            self._found["mirrored"] = Seen(
                picture=np.ascontiguousarray(self.picture[:, ::-1]), points=flipped[[1, 0, 2, 4, 3]]
            )
        mirrored: Seen = self._found["mirrored"]
        return mirrored

    @property
    def features(self) -> tuple[Any, Any]:
        """Points of interest and their descriptions, None where there are none."""
        if "features" not in self._found:
            sift = opencv().SIFT_create(_N_POINTS)
            self._found["features"] = sift.detectAndCompute(self.picture, None)
        features: tuple[Any, Any] = self._found["features"]
        return features


def by_faces(first: Seen, second: Seen) -> Placing | None:
    """The similarity that brings the second face onto the first; None without all landmarks."""
    if np.isnan(first.points).any() or np.isnan(second.points).any():
        return None
    a, b = similarity(second.points, first.points)
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]], dtype=np.float32)


def by_points(first: Seen, second: Seen) -> Placing | None:
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


def refined(first: Grey, second: Grey, start: Placing) -> Iterator[Placing]:
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
        if is_plausible(scaled):
            scaled[:, 2] = (scaled[:, 2] - scaled[:, :2] @ (left, top)) / factor
            placing = scaled.astype(np.float32)
            yield placing


def _without_rim(picture: Grey) -> tuple[Grey, tuple[int, int]]:
    """The picture without its outermost pixels, and where what is left begins."""
    if min(picture.shape) <= 6 * _RIM_PX:
        return picture, (0, 0)
    return np.ascontiguousarray(picture[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX]), (_RIM_PX, _RIM_PX)


def is_plausible(placing: Placing) -> bool:
    """Neither squashed to a line nor stretched more than people do; another size is no matter."""
    (a, b, x), (c, d, y) = placing.tolist()
    if not all(map(math.isfinite, (a, b, c, d, x, y))):
        return False
    # The singular values of two by two, which is asked thousands of times.
    sums, differences = math.hypot(a + d, c - b), math.hypot(a - d, c + b)
    longer, shorter = (sums + differences) / 2, abs(sums - differences) / 2
    return shorter > _SMALLEST and longer < 1 / _SMALLEST and longer < _MOST_STRETCH * shorter
