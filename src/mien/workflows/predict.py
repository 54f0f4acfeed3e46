"""`mien predict`: name the class of photos, and say why where that cannot be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.dataset.folder import read_photos
from mien.errors import DatasetError
from mien.model import Model
from mien.records import Face, Progress, Reject, no_progress
from mien.workflows.answers import Answer, ask
from mien.workflows.models import open_model


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of one photo.

    Attributes:
        path: The photo.
        predicted: The most probable class, None where there is no answer.
        probs: Probability of each class, None where there is no answer.
        face: The face that was looked at, None where the model looks at the whole photo.
        reason: Why there is no answer, None where there is one.
    """

    path: str
    predicted: str | None
    probs: Mapping[str, float] | None
    face: Face | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class PredictRecord:
    """What `mien predict --json` prints.

    Attributes:
        model: The path as it was given.
        labels: The model's classes.
        calibrated: Whether the probabilities were calibrated in training.
        photos: One prediction a photo, files that are no photos included.
        rejects: Those of them that got no answer.
    """

    model: str
    labels: tuple[str, ...]
    calibrated: bool
    photos: tuple[Prediction, ...]
    rejects: tuple[Reject, ...]


def predict(
    model: Path | str | Model,
    photos: Path | str | Sequence[Path | str],
    *,
    progress: Progress = no_progress,
) -> PredictRecord:
    """Ask a model about photos.

    Args:
        model: A model file, a run folder, or an opened model.
        photos: Files and folders; folders are searched to any depth.
        progress: Told photos.

    Raises:
        UserError: The model cannot be opened, or there is no photo at all.
    """
    paths = [photos] if isinstance(photos, str | Path) else list(photos)
    opened = model if isinstance(model, Model) else open_model(Path(model))
    found, rejects = read_photos([Path(path) for path in paths])
    if not found and not rejects:
        raise DatasetError(
            f"there are no photos in {', '.join(repr(str(path)) for path in paths)}",
            "Give picture files, or folders that hold some.",
        )
    (answers,) = ask([opened], found, progress=progress)
    said = [
        _prediction(str(photo.path), answer, opened)
        for photo, answer in zip(found, answers, strict=True)
    ]
    said += [
        Prediction(path=one.path, predicted=None, probs=None, face=None, reason=one.reason)
        for one in rejects
    ]
    return PredictRecord(
        model=str(model) if not isinstance(model, Model) else "",
        labels=opened.labels,
        calibrated=opened.head.calibrated,
        photos=tuple(said),
        rejects=tuple(
            Reject(path=one.path, reason=one.reason) for one in said if one.reason is not None
        ),
    )


def _prediction(path: str, answer: Answer, model: Model) -> Prediction:
    if answer.probs is None:
        return Prediction(
            path=path, predicted=None, probs=None, face=answer.face, reason=answer.reason
        )
    return Prediction(
        path=path,
        predicted=model.labels[int(answer.probs.argmax())],
        probs=dict(zip(model.labels, map(float, answer.probs), strict=True)),
        face=answer.face,
        reason=None,
    )
