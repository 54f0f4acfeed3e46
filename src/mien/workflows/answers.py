"""Ask models about photos: decode once, prepare once for each preprocessing, ask each model.

Law: an answer depends on the photo and the model alone, not on what else is asked or how many
threads ask. A photo that cannot be read or has no face gets a reason instead of an answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mien.backbone.embed import prepare
from mien.errors import PhotoError
from mien.image.decode import read_photo_bytes
from mien.image.preprocessing import Preprocessing
from mien.model import Model
from mien.records import Face, FaceFinder, Photo, Progress, no_progress
from mien.workflows.embedder import face_finder_for


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What a model says of a photo.

    Attributes:
        probs: ``(c,)`` summing to 1, None where there is no answer.
        face: The face that was cropped, None where the preprocessing looks for none.
        reason: Why there is no answer, None where there is one.
    """

    probs: Float32[np.ndarray, " c"] | None
    face: Face | None = None
    reason: str | None = None


def ask(
    models: Sequence[Model], photos: Sequence[Photo], *, progress: Progress = no_progress
) -> list[list[Answer]]:
    """Ask each model about each photo.

    Args:
        models: Their preprocessings may differ; equal ones are computed once a photo.
        photos: Read from disk here.
        progress: Told photos.

    Returns:
        One list a model, in the order of `photos`.
    """
    eyes = {model.preprocessing: _eyes(model.preprocessing) for model in models}
    rows: list[list[Answer]] = []
    # Pillow and ONNX Runtime both release the lock of the interpreter: threads are enough.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for row in _in_order(pool, models, photos, eyes):
            rows.append(row)
            progress("asking", len(rows), len(photos))
    return [[row[column] for row in rows] for column in range(len(models))]


_Eyes = tuple[Preprocessing, FaceFinder | None]


def _eyes(text: str) -> _Eyes:
    preprocessing = Preprocessing.parse(text)
    return preprocessing, face_finder_for(preprocessing)


def _in_order(
    pool: ThreadPoolExecutor,
    models: Sequence[Model],
    photos: Sequence[Photo],
    eyes: dict[str, _Eyes],
) -> Iterator[list[Answer]]:
    try:
        yield from pool.map(lambda photo: _ask_all(models, photo, eyes), photos)
    finally:
        # Ctrl-C must not wait for thousands of photos that nobody will read.
        pool.shutdown(wait=False, cancel_futures=True)


def _ask_all(models: Sequence[Model], photo: Photo, eyes: dict[str, _Eyes]) -> list[Answer]:
    seen = {text: _see(photo, *eye) for text, eye in eyes.items()}
    return [_ask(model, *seen[model.preprocessing]) for model in models]


def _see(
    photo: Photo, preprocessing: Preprocessing, find_face: FaceFinder | None
) -> tuple[Float32[np.ndarray, "h w 3"] | None, Face | None, str | None]:
    try:
        data = read_photo_bytes(photo.path)
        prepared = prepare(data, preprocessing=preprocessing, find_face=find_face)
    except PhotoError as error:
        return None, None, str(error)
    return prepared.image, prepared.face, None


def _ask(
    model: Model,
    image: Float32[np.ndarray, "h w 3"] | None,
    face: Face | None,
    reason: str | None,
) -> Answer:
    if image is None:
        return Answer(probs=None, reason=reason)
    return Answer(probs=model.probs(image[None])[0], face=face)
