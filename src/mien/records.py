"""The plain records that the layers hand to each other.

Everything here is a frozen, keyword-only dataclass of plain values, paths and NumPy arrays.
No record reads a file, computes a statistic or knows where it came from: it can be printed,
compared and written as JSON with `plain`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt8

Activation: TypeAlias = Literal["relu", "linear", "softmax"]
Pixels: TypeAlias = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The range in which a figure lies with confidence `level`, and the method that says so."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its interval, as it stands in every JSON document."""

    value: float
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A file that was left out, and why, in words for the user."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo on disk.

    Attributes:
        path: Where it lies.
        name: Its path relative to the dataset's folder, with ``/``, in Unicode NFC.
        label: Its class; None where it has none (photos to predict).
        sha256: Of its bytes.
        groups: Group columns and this photo's values, such as ``{"skin": "brown"}``; a column
            without a value for this photo is left out.
    """

    path: Path
    name: str
    sha256: str
    label: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The readable photos of a folder of class folders.

    Attributes:
        root: The folder.
        classes: The labels, in the order in which models number them.
        photos: Sorted by name, so that two machines see the same order.
        group_columns: Names of the group columns, in the order of the table or pattern.
        rejects: What was left out.
        stated: Photos for which the table of groups states another class than their folder, with
            that class; empty unless it was asked for, as it stops the reading otherwise.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    group_columns: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    stated: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Face:
    """A face found in an upright image.

    Attributes:
        xyxy_px: Left, top, right, bottom; may reach beyond the image.
        confidence: Of the detector, 0 to 1; detectors are not comparable.
        n_faces: How many faces the detector saw in the image, this one included.
        landmarks_px: Right eye, left eye, nose tip, right and left mouth corner as x, y, where the
            detector gives them.
    """

    xyxy_px: tuple[float, float, float, float]
    confidence: float
    n_faces: int = 1
    landmarks_px: tuple[tuple[float, float], ...] = ()


def face_of(found: Mapping[str, Any] | None) -> Face | None:
    """A face from what `plain` made of it; None stays None."""
    if found is None:
        return None
    left, top, right, bottom = found["xyxy_px"]
    return Face(
        xyxy_px=(left, top, right, bottom),
        confidence=found["confidence"],
        n_faces=found["n_faces"],
        landmarks_px=tuple((x, y) for x, y in found["landmarks_px"]),
    )


class FaceFinder(Protocol):
    """Finds the one face a photo is about: the largest confident one.

    `sha256` names the detector's files and settings, and is part of cache keys.
    """

    name: str
    sha256: str

    def __call__(self, image: Pixels) -> Face | None:
        """Find the face in an upright RGB image, None where there is none."""


@dataclass(frozen=True, kw_only=True)
class Dense:
    """A dense layer, ``activation(x @ kernel + bias)``.

    Attributes:
        kernel: float32 ``(i, o)``.
        bias: float32 ``(o,)``, or None.
        activation: What follows.
    """

    kernel: Float32[np.ndarray, "i o"]
    bias: Float32[np.ndarray, " o"] | None
    activation: Activation


@dataclass(frozen=True, kw_only=True)
class Head:
    """What is trained: dense layers from an embedding to probabilities.

    Standardisation of embeddings and the temperature of calibration are folded into the kernels,
    so that a head is nothing but these layers wherever it goes.

    Attributes:
        layers: First to last; the last one ends in softmax.
        calibrated: Whether a temperature was fitted and folded in.
    """

    layers: tuple[Dense, ...]
    calibrated: bool = False


class Progress(Protocol):
    """Told how far long work is. `total` is 0 where it is not known."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that `done` of `total` steps of `stage` are done."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Say nothing."""


Say: TypeAlias = Callable[[str], None]
"""Takes a sentence for the user, such as where the cache went."""


def say_nothing(sentence: str) -> None:
    """Say nothing."""


def said_once(say: Say) -> Say:
    """A `Say` that passes each sentence on only the first time.

    Example:
        >>> say = said_once(print)
        >>> say("once"), say("once")
        once
        (None, None)
    """
    known: set[str] = set()

    def once(sentence: str) -> None:
        if sentence not in known:
            known.add(sentence)
            say(sentence)

    return once


def plain(value: Any) -> Any:
    """Turn records into what JSON can hold.

    Dataclasses become dicts in the order of their fields, tuples and arrays lists, paths text,
    NumPy numbers Python's. NaN and infinity become None: JSON has no word for them.

    Raises:
        TypeError: Something is none of these.

    Example:
        >>> plain(Reject(path="a.txt", reason="not a picture"))
        {'path': 'a.txt', 'reason': 'not a picture'}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no plain form")
