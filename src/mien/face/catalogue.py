"""The face detectors that mien knows: where each is from and what it must be.

A literal table and nothing else: a new detector is one entry here and one loader in `finder`.
Nothing is defaulted, and nothing is read from a disk or a network by importing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.errors import RecipeError
from mien.fetch import Source


@dataclass(frozen=True, kw_only=True)
class DetectorEntry:
    """What is known of a face detector before it is loaded.

    Attributes:
        name: What preprocessing strings call it, as in ``crop:face(1.1,yunet)``.
        about: One sentence for the user.
        licence: SPDX identifier of its files' licence.
        home: The page that says who made it.
        source: The file it needs; None where its files come inside the OpenCV wheel.
        cascades: Files in ``cv2.data.haarcascades``, none for a network.
    """

    name: str
    about: str
    licence: str
    home: str
    source: Source | None
    cascades: tuple[str, ...]


DETECTORS: Final[dict[str, DetectorEntry]] = {
    "yunet": DetectorEntry(
        name="yunet",
        about="YuNet: a small network that finds faces and five points in each.",
        licence="Apache-2.0",
        home="https://github.com/ShiqiYu/libfacedetection.train",
        source=Source(
            name="yunet",
            file_name="yunet_n_640_640.onnx",
            url=(
                "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
                "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_n_640_640.onnx"
            ),
            sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
            size_bytes=317_466,
            licence="Apache-2.0",
            home="https://github.com/ShiqiYu/libfacedetection.train",
            by_hand="Or find faces with 'haar', which is in the OpenCV package: `--detector haar`.",
        ),
        cascades=(),
    ),
    "haar": DetectorEntry(
        name="haar",
        about="OpenCV's face cascades, voting: slower and blunter, and always here.",
        licence="LicenseRef-Intel-OpenCV",
        home="https://github.com/opencv/opencv/tree/4.x/data/haarcascades",
        source=None,
        cascades=(
            "haarcascade_frontalface_default.xml",
            "haarcascade_frontalface_alt.xml",
            "haarcascade_frontalface_alt2.xml",
            "haarcascade_profileface.xml",
        ),
    ),
}


def detector_entry(name: str) -> DetectorEntry:
    """The entry called `name`.

    Raises:
        RecipeError: There is none.
    """
    try:
        return DETECTORS[name]
    except KeyError:
        known = ", ".join(DETECTORS)
        raise RecipeError(
            f"face detector '{name}' is unknown, expected one of: {known}",
            "Write crop:face(1.1,yunet) or crop:face(1.1,haar) in the preprocessing.",
        ) from None
