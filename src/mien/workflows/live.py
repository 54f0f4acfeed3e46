"""Answer a stream of pictures, such as a camera's, with one model that stays open.

Law: a picture gets the same answer here as the same bytes in a file get from `mien predict`.
Knows nothing of cameras, sockets and pages; a `Looker` may be used from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mien.errors import PhotoError
from mien.image.decode import decode
from mien.image.preprocessing import Preprocessing, upright_pixels
from mien.model import Model
from mien.records import Face
from mien.workflows.embedder import face_finder_for


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a model says of one picture.

    Attributes:
        predicted: The most probable class, None where there is no answer.
        probs: Probability of each class, None where there is no answer.
        face: The face that was looked at, in pixels of the upright picture.
        size_px: Width and height of the upright picture; None where it could not be read.
        reason: Why there is no answer, None where there is one.
        took_ms: Milliseconds for reading the picture, finding the face, and the model.
    """

    predicted: str | None
    probs: Mapping[str, float] | None
    face: Face | None
    size_px: tuple[int, int] | None
    reason: str | None
    took_ms: Mapping[str, float]


class Looker:
    """One model, open, with the face detector that it names.

    Args:
        model: Its preprocessing says whether faces are looked for.

    Raises:
        FetchError: The face detector is not on this machine.
    """

    def __init__(self, model: Model) -> None:
        self.model: Final = model
        self.preprocessing: Final = Preprocessing.parse(model.preprocessing)
        self._find_face = face_finder_for(self.preprocessing)

    @property
    def finds_faces(self) -> bool:
        """Whether the model looks at a face rather than at the whole picture."""
        return self._find_face is not None

    def look(self, data: bytes) -> Look:
        """Answer one picture.

        Args:
            data: The whole file, in any format that mien reads.
        """
        took: dict[str, float] = {}
        try:
            began = time.perf_counter()
            decoded = decode(data)
            upright = upright_pixels(decoded)
            began = _note(took, "decode", began)
            face = self._find_face(upright) if self._find_face else None
            began = _note(took, "face", began)
            size_px = (upright.shape[1], upright.shape[0])
        except PhotoError as error:
            return _nothing(str(error), None, took)
        try:
            image = self.preprocessing.apply(decoded, face=face)
        except PhotoError as error:
            return _nothing(str(error), size_px, took)
        row = self.model.probs(image[None])[0]
        _note(took, "model", began)
        return Look(
            predicted=self.model.labels[int(row.argmax())],
            probs={label: float(p) for label, p in zip(self.model.labels, row, strict=True)},
            face=face,
            size_px=size_px,
            reason=None,
            took_ms=took,
        )


def _note(took: dict[str, float], part: str, began: float) -> float:
    now = time.perf_counter()
    took[part] = round((now - began) * 1000, 2)
    return now


def _nothing(reason: str, size_px: tuple[int, int] | None, took: Mapping[str, float]) -> Look:
    return Look(predicted=None, probs=None, face=None, size_px=size_px, reason=reason, took_ms=took)
