"""YuNet, a face network of 75 thousand weights, run by OpenCV.

Wu, W., Peng, H., Yu, S.: YuNet: A tiny millisecond-level face detector. Machine Intelligence
Research 20 (2023). Knows nothing of crops or expressions. Laws: images are upright uint8 RGB, boxes
come back in the pixels of the image that was given; the same image gives the same answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from mien.digest import digest_file, digest_json
from mien.face.glance import SmallYuNet
from mien.face.resize import opencv, shrunk
from mien.records import Face, Pixels

# Where the longer side goes, and the empty border around the picture as a share of it. Measured on
# the study's 276 photos (benchmarks/face_agreement.py): 320 px finds a face in 275, as 640 px does
# in three times the time. The border helps a face that fills the frame, 640 px a small one; each is
# tried only where those before it found nothing.
PASSES: Final = ((320, 0.0), (320, 0.5), (640, 0.0))
# Faces of the 276 photos have 0.74 and more but for one that is hidden behind hands (0.44).
SCORE: Final = 0.6
_OVERLAP: Final = 0.3
# `glance`: the side of its square, and the share of it that a face must fill to be trusted there. A
# second face of half that width still has 16 px, which YuNet sees. Even at 80 px no verdict of the
# triage on the study's 276 photos is another than with the full look.
GLANCE_PX: Final = 128
_LARGE: Final = 0.25
# No face that YuNet can see fits into a thinner strip; in one, OpenCV reads memory that nobody set
# and finds faces by chance.
_THINNEST_PX: Final = 8
_N_LANDMARKS: Final = 5
_SETTINGS: Final = {"version": 1, "passes": PASSES, "score": SCORE, "overlap": _OVERLAP}


class YuNet:
    """Finds faces with YuNet; may be called from several threads.

    Args:
        path: The verified ``yunet_n_640_640.onnx``.
    """

    name = "yunet"

    def __init__(self, path: Path) -> None:
        self._path = path
        # OpenCV's networks hold the picture they work on: each thread has its own.
        self._local = threading.local()
        self._lock = threading.Lock()
        self._glancing: SmallYuNet | None = None  # made when first asked for: few ask
        self.sha256 = digest_json({"file": digest_file(path), "settings": _SETTINGS})

    def __call__(self, image: Pixels) -> Face | None:
        """Find the largest confident face, None where there is none."""
        faces = self.find_all(image)
        return faces[0] if faces else None

    def find_all(self, image: Pixels) -> tuple[Face, ...]:
        """Find every face, the largest first.

        Args:
            image: Upright, uint8 ``(h, w, 3)`` RGB, 0 to 255.
        """
        for side_px, border in PASSES:
            rows, scale, border_px = self._detect(image, side_px, border)
            if len(rows):
                return tuple(_faces(rows, scale, border_px))
        return ()

    def glance(self, image: Pixels) -> tuple[Face, ...]:
        """As `find_all`, eight times faster where the picture is a portrait.

        One face that fills much of a small square is believed; all else is looked at in full. Boxes
        differ by a pixel or two from those of `find_all`: for sorting, not for cropping.

        Args:
            image: Upright, uint8 ``(h, w, 3)`` RGB, 0 to 255.
        """
        return self.glance_all([image])[0]

    def glance_all(self, images: Sequence[Pixels]) -> list[tuple[Face, ...]]:
        """As `glance`, of several images."""
        small = [shrunk(image, side_px=GLANCE_PX) for image in images]
        found = self._small().detect_all([one for one, _ in small]) if small else []
        return [
            tuple(_faces(rows, scale, 0)) if _is_portrait(rows) else self.find_all(image)
            for image, rows, (_, scale) in zip(images, found, small, strict=True)
        ]

    def _detect(
        self, image: Pixels, side_px: int, border: float
    ) -> tuple[Float32[np.ndarray, "n 15"], float, int]:
        cv2 = opencv()
        small, scale = shrunk(image, side_px=side_px)
        if min(small.shape[:2]) < _THINNEST_PX:
            return np.zeros((0, 15), np.float32), scale, 0
        border_px = round(border * side_px)
        if border_px:
            small = np.pad(small, ((border_px, border_px), (border_px, border_px), (0, 0)))
        network = self._network()
        network.setInputSize((small.shape[1], small.shape[0]))
        _, rows = network.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if rows is None:
            rows = np.zeros((0, 15), np.float32)
        # A picture of one colour and few pixels can make it answer with infinities.
        return rows[np.isfinite(rows).all(axis=1)], scale, border_px

    def _network(self) -> Any:
        known = self._local.__dict__
        if "network" not in known:
            known["network"] = opencv().FaceDetectorYN.create(
                str(self._path), "", (320, 320), score_threshold=SCORE, nms_threshold=_OVERLAP
            )
        return known["network"]

    def _small(self) -> SmallYuNet:
        with self._lock:
            if self._glancing is None:
                self._glancing = SmallYuNet(
                    self._path, side_px=GLANCE_PX, score=SCORE, overlap=_OVERLAP
                )
        return self._glancing


def _is_portrait(rows: Float32[np.ndarray, "n 15"]) -> bool:
    is_one = len(rows) == 1 and bool(np.isfinite(rows).all())
    return is_one and float(max(rows[0, 2:4])) >= _LARGE * GLANCE_PX


def _faces(rows: Float32[np.ndarray, "n 15"], scale: float, border_px: int) -> Iterator[Face]:
    # A row: left, top, width, height, five points as x, y, and the score.
    by_size = rows[np.argsort(-rows[:, 2] * rows[:, 3], kind="stable")]
    for row in by_size.astype(float):
        left, top, width, height = row[:4]
        box = np.array([left, top, left + width, top + height])
        points = row[4 : 4 + 2 * _N_LANDMARKS].reshape(_N_LANDMARKS, 2)
        x0, y0, x1, y1 = ((box - border_px) / scale).tolist()
        yield Face(
            xyxy_px=(x0, y0, x1, y1),
            confidence=float(row[14]),
            n_faces=len(rows),
            landmarks_px=tuple((x, y) for x, y in ((points - border_px) / scale).tolist()),
        )
