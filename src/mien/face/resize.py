"""A picture at the size a detector looks at it. Knows nothing of faces."""

from __future__ import annotations

import numpy as np

from mien.records import Pixels


def shrunk(image: Pixels, *, side_px: int) -> tuple[Pixels, float]:
    """Scale `image` so that its longer side has `side_px`.

    Args:
        image: uint8 ``(h, w, 3)``.
        side_px: Wanted, at least 1.

    Returns:
        The scaled image, and the factor from the pixels of `image` to its own.
    """
    import cv2

    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8), scale
