"""OpenCV's Haar cascades, voting: the detector that needs no file but the OpenCV wheel.

Viola, P., Jones, M.: Rapid object detection using a boosted cascade of simple features. CVPR 2001.
One cascade misses a fifth of the study's photos and sees faces in curtains; three frontal ones and
the profile one, both ways round, seldom err together. So each box that a cascade gives is a vote,
boxes that overlap are one candidate, and a candidate with enough votes is a face. Where nothing has
enough, the picture is looked at again with a border, for faces that fill the frame, and turned.

Laws: images are upright uint8 RGB; boxes are shifted and scaled so that they agree with YuNet's on
average, because one crop factor must mean one thing; the same image gives the same answer.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import UInt8

from mien.digest import digest_file, digest_json
from mien.face.resize import opencv, shrunk
from mien.records import Face, Pixels

Grey: TypeAlias = UInt8[np.ndarray, "h w"]
Box: TypeAlias = tuple[float, float, float, float]

SIDE_PX: Final = 240
# A head that is smaller than this share of the picture is not what the photo is about.
_LEAST_FACE: Final = 0.1
_STEP: Final = 1.1
_View: TypeAlias = tuple[float, float]
"""Degrees turned, border as a share of the longer side."""
_PLAIN: Final[_View] = (0.0, 0.0)
_VIEWS: Final[tuple[_View, ...]] = (
    (0.0, 0.25), (-15.0, 0.25), (15.0, 0.25), (-30.0, 0.25), (30.0, 0.25),
)  # fmt: skip
# Where n boxes of a cascade agree its vote weighs log2(1 + n), and no more than for 63: the first
# few say most. Nine is, for example, three cascades with seven boxes each: in the first look at the
# study's 276 photos no wrong box gets there (benchmarks/face_agreement.py).
ENOUGH: Final = 9.0
_MOST_BOXES: Final = 63
# Boxes whose intersection is this share of their union are of one face.
_SAME: Final = 0.4


@dataclass(frozen=True, kw_only=True)
class _Cascade:
    """A cascade and how its boxes differ from YuNet's.

    `right` and `down` shift the centre, in widths of the box; `wide` and `high` scale its sides.
    All are medians over the study's photos.
    """

    file: str
    right: float
    down: float
    wide: float
    high: float
    mirrored: bool = False


_FRONTAL: Final = (
    _Cascade(
        file="haarcascade_frontalface_default.xml", right=0.0, down=0.02, wide=0.83, high=1.14
    ),
    _Cascade(file="haarcascade_frontalface_alt.xml", right=0.0, down=0.02, wide=0.84, high=1.15),
    _Cascade(file="haarcascade_frontalface_alt2.xml", right=0.0, down=0.02, wide=0.84, high=1.16),
)
_PROFILE: Final = (
    _Cascade(file="haarcascade_profileface.xml", right=-0.11, down=0.04, wide=0.73, high=1.0),
    _Cascade(
        file="haarcascade_profileface.xml", right=0.11, down=0.04, wide=0.75, high=1.03,
        mirrored=True,
    ),
)  # fmt: skip
# Look after look, each only where the votes of those before did not suffice.
_LOOKS: Final = (
    (_FRONTAL, _PLAIN), (_PROFILE, _PLAIN), *((_FRONTAL + _PROFILE, view) for view in _VIEWS),
)  # fmt: skip
_SETTINGS: Final = {
    "version": 3,
    "side_px": SIDE_PX,
    "least_face": _LEAST_FACE,
    "step": _STEP,
    "views": _VIEWS,
    "enough": ENOUGH,
    "cascades": [str(cascade) for cascade in (*_FRONTAL, *_PROFILE)],
}


@dataclass(frozen=True, kw_only=True)
class _Vote:
    box: Box
    n_boxes: int
    cascade: _Cascade
    view: _View


@dataclass
class _Candidate:
    votes: list[_Vote] = field(default_factory=list)

    def weight(self) -> float:
        """Each cascade counts once a view, with the most boxes that it had there."""
        most: dict[tuple[_Cascade, tuple[float, float]], int] = {}
        for vote in self.votes:
            voter = (vote.cascade, vote.view)
            most[voter] = max(most.get(voter, 0), vote.n_boxes)
        return sum(math.log2(1 + min(n, _MOST_BOXES)) for n in most.values())

    def box(self) -> Box:
        """The mean of its boxes, weighted by how many stand behind each."""
        boxes = np.array([vote.box for vote in self.votes])
        weights = np.array([float(vote.n_boxes) for vote in self.votes])
        left, top, right, bottom = (boxes * weights[:, None]).sum(axis=0) / weights.sum()
        return float(left), float(top), float(right), float(bottom)


class Haar:
    """Finds faces with cascades; may be called from several threads.

    Args:
        files: Names of the cascades in OpenCV's folder, for the digest.
    """

    name = "haar"

    def __init__(self, files: Sequence[str]) -> None:
        # A classifier holds the picture it works on: each thread has its own.
        self._local = threading.local()
        digests = [digest_file(_folder() / file) for file in files]
        self.sha256 = digest_json({"files": digests, "settings": _SETTINGS})

    def __call__(self, image: Pixels) -> Face | None:
        """Find the largest confident face, None where there is none."""
        faces = self.find_all(image)
        return faces[0] if faces else None

    def find_all(self, image: Pixels) -> tuple[Face, ...]:
        """Find every face, the largest first.

        Args:
            image: Upright, uint8 ``(h, w, 3)`` RGB, 0 to 255.
        """
        cv2 = opencv()
        small, scale = shrunk(image, side_px=SIDE_PX)
        grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        votes: list[_Vote] = []
        for cascades, view in _LOOKS:
            votes += self._votes(grey, cascades, view=view)
            good = [one for one in _candidates(votes) if one.weight() >= ENOUGH]
            if good:
                return _faces(good, scale)
        return ()

    def glance(self, image: Pixels) -> tuple[Face, ...]:
        """As `find_all`: cascades already stop at the first look that suffices."""
        return self.find_all(image)

    def glance_all(self, images: Sequence[Pixels]) -> list[tuple[Face, ...]]:
        """As `glance`, of each image."""
        return [self.glance(image) for image in images]

    def _votes(self, grey: Grey, cascades: Sequence[_Cascade], *, view: _View) -> Iterator[_Vote]:
        angle, border = view
        seen_from, back = _turned(grey, angle=angle, border_px=round(border * SIDE_PX))
        least_px = round(_LEAST_FACE * SIDE_PX)
        for cascade in cascades:
            seen = np.ascontiguousarray(seen_from[:, ::-1]) if cascade.mirrored else seen_from
            boxes, counts = self._classifier(cascade.file).detectMultiScale2(
                seen, scaleFactor=_STEP, minNeighbors=1, minSize=(least_px, least_px)
            )
            for (left, top, width, height), n_boxes in zip(boxes, counts, strict=True):
                x = left + width / 2
                centre = np.array(
                    [seen.shape[1] - x if cascade.mirrored else x, top + height / 2, 1]
                )
                box = _corrected(back @ centre, float(width), float(height), cascade)
                yield _Vote(box=box, n_boxes=int(n_boxes), cascade=cascade, view=view)

    def _classifier(self, file: str) -> Any:
        known = self._local.__dict__
        if file not in known:
            cv2 = opencv()
            known[file] = cv2.CascadeClassifier(str(_folder() / file))
        return known[file]


def _folder() -> Path:
    return Path(opencv().data.haarcascades)


def _turned(grey: Grey, *, angle: float, border_px: int) -> tuple[Grey, np.ndarray]:
    """The picture with a border, turned, and the matrix (2, 3) that takes points back."""
    cv2 = opencv()
    if not angle and not border_px:
        return grey, np.eye(2, 3)
    height, width = grey.shape
    there = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    there[:, 2] += border_px
    size = (width + 2 * border_px, height + 2 * border_px)
    view = cv2.warpAffine(grey, there, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, dtype=np.uint8), np.asarray(cv2.invertAffineTransform(there))


def _corrected(centre: np.ndarray, width: float, height: float, cascade: _Cascade) -> Box:
    x = float(centre[0]) + cascade.right * width
    y = float(centre[1]) + cascade.down * width
    half_w, half_h = width * cascade.wide / 2, height * cascade.high / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def _candidates(votes: Sequence[_Vote]) -> list[_Candidate]:
    """Gather overlapping votes, around those with the most boxes first."""
    candidates: list[_Candidate] = []
    for vote in sorted(votes, key=lambda one: -one.n_boxes):
        near = (c for c in candidates if _overlap(c.votes[0].box, vote.box) > _SAME)
        candidate = next(near, None)
        if candidate is None:
            candidate = _Candidate()
            candidates.append(candidate)
        candidate.votes.append(vote)
    return candidates


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _faces(candidates: Sequence[_Candidate], scale: float) -> tuple[Face, ...]:
    most = (len(_FRONTAL) + len(_PROFILE)) * math.log2(1 + _MOST_BOXES)
    found = sorted(candidates, key=lambda one: -_area(one.box()))
    faces = []
    for candidate in found:
        left, top, right, bottom = (value / scale for value in candidate.box())
        faces.append(
            Face(
                xyxy_px=(left, top, right, bottom),
                confidence=min(1.0, candidate.weight() / most),
                n_faces=len(found),
            )
        )
    return tuple(faces)
