"""Cross-validation in the words of a run's record: mean, spread, and scores by class and group.

Law: every interval is over photos (over persons and sets of copies, where photos belong together),
each photo counted once with the share of repeats in which it was answered right; repeats are no new
photos and make no interval narrower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mien.exam import over_folds
from mien.head.crossval import CrossValidation
from mien.records import Dataset, Estimate, Photo
from mien.stats import bootstrap_interval, estimate
from mien.stats.proportions import unless_all_agree

# Resampling fewer photos than this says nothing of their spread.
LEAST_PHOTOS = 5


@dataclass(frozen=True, kw_only=True)
class PartScore:
    """The cross-validated accuracy on some of the photos.

    Attributes:
        name: A class, or a group such as ``skin=brown, gender=man``.
        n: Photos.
        accuracy: None with fewer than five photos, persons or sets of copies.
    """

    name: str
    n: int
    accuracy: Estimate | None


@dataclass(frozen=True, kw_only=True)
class CrossValidationSummary:
    """What repeated cross-validation says of a recipe on these photos.

    Attributes:
        mean: Over all folds and repeats.
        sd: Standard deviation over single folds.
        repeats_sd: Standard deviation over repeats, each over all photos.
        folds: Parts in a repeat.
        repeats: How often the photos were dealt anew.
        n: Scores, folds × repeats.
        n_photos: Photos.
        low: Of the mean's interval by the corrected resampled t.
        high: Its other end.
        level: Its confidence.
        accuracy: The mean over photos with its interval over photos.
        per_class: By class.
        per_group: By value of each group column, and by combination of all columns.
        confusion: ``labels`` and ``matrix``; rows are true classes, counts over all repeats.
        sentence: The same in words.
    """

    mean: float
    sd: float
    repeats_sd: float
    folds: int
    repeats: int
    n: int
    n_photos: int
    low: float
    high: float
    level: float
    accuracy: Estimate | None
    per_class: tuple[PartScore, ...]
    per_group: tuple[PartScore, ...]
    confusion: Mapping[str, Any]
    sentence: str


def summarise(
    found: CrossValidation, dataset: Dataset, *, clusters: Sequence[str] | None = None
) -> CrossValidationSummary:
    """Put a cross-validation of `dataset`'s photos, in their order, into words and parts.

    Args:
        found: What was found.
        dataset: The photos.
        clusters: Which of them count together; None where each stands alone.
    """
    apart = np.arange(found.n).astype(str) if clusters is None else np.array(clusters)
    y_true = np.array([dataset.classes.index(photo.label or "") for photo in dataset.photos])
    right = (found.y_pred == y_true[None]).mean(axis=0)  # (n,) share of repeats
    folds = over_folds(
        found.fold_accuracy.ravel(), folds=found.folds, repeats=found.repeats, n_photos=found.n,
        n_units=len(np.unique(apart)),
    )  # fmt: skip
    return CrossValidationSummary(
        mean=folds.mean,
        sd=folds.sd,
        repeats_sd=found.sd,
        folds=found.folds,
        repeats=found.repeats,
        n=folds.n,
        n_photos=found.n,
        low=folds.low,
        high=folds.high,
        level=folds.level,
        accuracy=_estimate(right, apart),
        per_class=tuple(
            _part(label, right, np.array([photo.label == label for photo in dataset.photos]), apart)
            for label in dataset.classes
        ),
        per_group=_by_group(right, dataset, apart),
        confusion=_confusion(found, y_true, dataset),
        sentence=folds.sentence,
    )


def _confusion(found: CrossValidation, y_true: np.ndarray, dataset: Dataset) -> dict[str, Any]:
    matrix = np.zeros((len(dataset.classes), len(dataset.classes)), np.int64)
    for y_pred in found.y_pred:
        np.add.at(matrix, (y_true, y_pred), 1)
    return {"labels": list(dataset.classes), "matrix": matrix.tolist()}


def _by_group(
    right: Float[np.ndarray, " n"], dataset: Dataset, apart: np.ndarray
) -> tuple[PartScore, ...]:
    columns = dataset.group_columns
    wholes = [(column,) for column in columns] + ([columns] if len(columns) > 1 else [])
    parts: list[PartScore] = []
    for chosen in wholes:
        name = _namer(chosen)
        names = [name(photo) for photo in dataset.photos]
        parts += [
            _part(one, right, np.array([other == one for other in names]), apart)
            for one in sorted(set(names) - {""})
        ]
    return tuple(parts)


def _namer(columns: tuple[str, ...]) -> Callable[[Photo], str]:
    def name(photo: Photo) -> str:
        if any(column not in photo.groups for column in columns):
            return ""
        return ", ".join(f"{column}={photo.groups[column]}" for column in columns)

    return name


def _part(
    name: str,
    right: Float[np.ndarray, " n"],
    which: Bool[np.ndarray, " n"],
    apart: np.ndarray,
) -> PartScore:
    return PartScore(name=name, n=int(which.sum()), accuracy=_estimate(right[which], apart[which]))


def _estimate(right: Float[np.ndarray, " n"], apart: np.ndarray) -> Estimate | None:
    n_apart = len(np.unique(apart))
    if n_apart < LEAST_PHOTOS:
        return None
    clusters = None if n_apart == len(apart) else apart.tolist()
    # A fixed generator: the interval belongs to the photos, not to the run's seed.
    rng = np.random.default_rng(0)
    interval = bootstrap_interval(
        lambda weights: weights @ right / weights.sum(axis=1),
        len(right),
        rng=rng,
        clusters=clusters,
    )
    value = float(right.mean())
    return estimate(value, unless_all_agree(interval, value=value, n_units=n_apart))
