"""The preprocessings that mien and the tools around Teachable Machine use, by name.

Teachable Machine ships five that disagree with each other: a model that was trained in the browser
is fed differently by each of its exported scripts. `mien test --preprocessing NAME` measures what
that costs. Knows nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

TEACHABLE_MACHINE: Final = "orient | crop:centre | resize:224:lanczos | scale:-1:1"
"""What the recipe `teachable-machine` uses: the Keras script's, upright."""

PREPROCESSINGS: Final[Mapping[str, str]] = {
    "teachable-machine": TEACHABLE_MACHINE,
    # Snippet "Keras": Image.open, ImageOps.fit(224, LANCZOS), x / 127.5 - 1; EXIF not applied.
    "tm-keras": "crop:centre | resize:224:lanczos | scale:-1:1",
    # The page that trains, and the TensorFlow.js export: canvas crop, fromPixels, x / 127 - 1.
    # Browsers turn pictures upright themselves.
    "tm-browser": "orient | crop:centre | resize:224:bilinear | divide:127:minus:1",
    # Snippet "OpenCV Keras": cv2.resize(INTER_AREA) of the whole BGR frame, x / 127.5 - 1.
    "tm-opencv": "resize:224:area | bgr | scale:-1:1",
    # Snippet "Coral": asks for a squash and a mirror (its calls throw both results away).
    "tm-edge-tpu": "resize:224:bilinear | mirror | scale:-1:1",
    # The converter that calibrates the quantised TensorFlow Lite file: resized without a crop.
    "tm-converter": "resize:224:bilinear | scale:-1:1",
}
"""Name -> printed preprocessing. Values beyond the stated rounding may differ in the last digit."""


def name_of(preprocessing: str) -> str | None:
    """Give the name of a printed preprocessing, at whatever size; None where it has none.

    Example:
        >>> name_of("resize:96:area | bgr | scale:-1:1")
        'tm-opencv'
    """
    at_224 = re.sub(r"\bresize:\d+:", "resize:224:", preprocessing)
    return next((name for name, text in PREPROCESSINGS.items() if text == at_224), None)
