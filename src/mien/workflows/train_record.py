"""The record of a training: what `mien train --json` prints and a run folder keeps, and its words.

Knows nothing of how a training is done. docs/formats.md has the keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.exam import Exam, SeedSummary, over_seeds
from mien.head.fitted import Fitted
from mien.records import Dataset, Reject
from mien.workflows.crossval import CrossValidationSummary
from mien.workflows.provenance import PhotoSources


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """What one seed's training gave.

    Attributes:
        seed: The seed.
        diverged: What went wrong, None where nothing did.
        validation_accuracy: On the recipe's own held-out photos; out of fold for a logistic head.
        n_validation: How many photos that was measured on.
        test_accuracy: On the test photos; a photo without an answer counts as wrong.
        test_correct: How many of them were right.
        l2_strength: What a logistic head chose.
        calibration: Temperature and reliability before and after, where one was fitted.
    """

    seed: int
    diverged: str | None
    validation_accuracy: float | None
    n_validation: int
    test_accuracy: float | None = None
    test_correct: int | None = None
    l2_strength: float | None = None
    calibration: Any = None


@dataclass(frozen=True, kw_only=True)
class TrainRecord:
    """What `mien train --json` prints; docs/formats.md has the keys.

    Attributes:
        run: The run folder.
        model: The model file in it.
        recipe: Every setting.
        backbone: Its name and SHA-256.
        photos: The folder of training photos.
        classes: Photos of each class that were trained on.
        group_columns: Names of the group columns.
        n_photos: Training photos used.
        n_embedded: Of training and test photos, those that were not in the cache.
        saved_seed: The seed whose head is in the model file.
        seeds: One result a seed.
        test: The spread of test accuracy over seeds; None without test photos.
        test_photos: The folder of test photos.
        cross_validation: Mean and spread over folds and repeats; None where not asked for.
        exam: The exam of the model that was kept; None without test photos.
        splits: The table that froze the test photos; None where a folder was given, or nothing.
        shared: Test photos that are training photos too.
        fingerprint: Digest over the training photos.
        mien: The version that trained.
        sentences: The run in words.
        rejects: Photos left out.
        sources: Where the training photos are from; None where no ledger says.
    """

    run: str
    model: str
    recipe: dict[str, Any]
    backbone: dict[str, str]
    photos: str
    classes: Mapping[str, int]
    group_columns: tuple[str, ...]
    n_photos: int
    n_embedded: int
    saved_seed: int
    seeds: tuple[SeedResult, ...]
    test: SeedSummary | None
    test_photos: str | None
    cross_validation: CrossValidationSummary | None
    exam: Exam | None
    splits: str | None
    shared: tuple[str, ...]
    fingerprint: str
    mien: str
    sentences: tuple[str, ...]
    rejects: tuple[Reject, ...]
    sources: PhotoSources | None = None


def seed_result(fitted: Fitted) -> SeedResult:
    """What a training says of itself, before any test photo is looked at."""
    return SeedResult(
        seed=fitted.seed,
        diverged=fitted.diverged,
        validation_accuracy=fitted.validation_accuracy,
        n_validation=len(fitted.validation_index) or len(fitted.train_index),
        l2_strength=fitted.l2_strength,
        calibration=fitted.calibration,
    )


def spread(seeds: Sequence[SeedResult]) -> SeedSummary | None:
    """The spread of test accuracy over seeds; None where nothing was tested."""
    scores = [seed.test_accuracy for seed in seeds if seed.test_accuracy is not None]
    return over_seeds(scores) if scores else None


def count_classes(dataset: Dataset) -> dict[str, int]:
    """Photos of each class."""
    labels = [photo.label for photo in dataset.photos]
    return {label: labels.count(label) for label in dataset.classes}


def sentences_of(
    fitted: Sequence[Fitted],
    kept: Fitted,
    seeds: Sequence[SeedResult],
    exam: Exam | None,
    *,
    is_cross_validated: bool,
) -> tuple[str, ...]:
    """The run in words, most important first."""
    said = list(exam.sentences) if exam else []
    lost = [one for one in fitted if one.diverged is not None]
    if lost:
        said.append(
            f"{len(lost)} of {len(fitted)} trainings diverged "
            f"(seed {lost[0].seed}: {lost[0].diverged}): try a smaller learning rate."
        )
    if len(seeds) > 1:
        said.append(
            f"The model in the file is that of seed {kept.seed}, the first that is sound, "
            "not the luckiest one."
        )
    if exam is None and is_cross_validated:
        said.append(
            "No test photos were given: how good the model is on new photos is known from the "
            "cross-validation alone, which knows photos of this folder only."
        )
    elif exam is None:
        said.append(
            "No test photos were given: nothing is known of how good the model is on new photos. "
            "Give --test FOLDER, or --cross-validate 10x10."
        )
    return tuple(said)
