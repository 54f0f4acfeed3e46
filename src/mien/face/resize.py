"""OpenCV as the detectors use it: on one thread, and pictures at the size that is looked at.

Knows nothing of faces. Photos are looked at by threads of ours, many at once: threads of OpenCV
below them only get into each other's way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.records import Pixels


def opencv() -> Any:
    """The module `cv2`, loaded when it is first used."""
    import cv2

    if cv2.getNumThreads() != 1:
        cv2.setNumThreads(1)
    return cv2


def shrunk(image: Pixels, *, side_px: int) -> tuple[Pixels, float]:
    """Scale `image` so that its longer side has `side_px`.

    Args:
        image: uint8 ``(h, w, 3)``.
        side_px: Wanted, at least 1.

    Returns:
        The scaled image, and the factor from the pixels of `image` to its own.
    """
    cv2 = opencv()
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8), scale
