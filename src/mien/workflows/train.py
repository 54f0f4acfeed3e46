"""`mien train`: from a folder of class folders to a tested model and its record.

Law: no choice is made on test photos. The model that is kept is that of the first seed whose
training did not diverge, never the seed that scored best.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from mien.backbone.embed import Embedded
from mien.backbone.network import fold
from mien.collecting.ledger import write_sources
from mien.digest import digest_many
from mien.errors import RecipeError
from mien.exam import Exam
from mien.files import write_json, write_text
from mien.head.crossval import CrossValidation, cross_validate
from mien.head.fit import as_seen, fit
from mien.head.fitted import Fitted, Watch, predict_probs, watch_nothing
from mien.head.recipe import Recipe, Setting, change, recipe_from
from mien.head.recipe import to_plain as recipe_to_plain
from mien.model import Model, write_model
from mien.records import Dataset, Progress, Say, no_progress, plain, said_once, say_nothing
from mien.version import VERSION
from mien.workflows import runs
from mien.workflows.card import model_card
from mien.workflows.crossval import summarise
from mien.workflows.embedder import (
    Embedder,
    dataset_name,
    embedder_for,
    require_usable,
    with_detector_at_hand,
)
from mien.workflows.exam_photos import ExamPhotos, look_for_leaks, read_both
from mien.workflows.exams import looks_at, looks_sentence, model_digest, new_look, record_looks
from mien.workflows.frozen import Splits
from mien.workflows.measuring import gleaner
from mien.workflows.provenance import ledger_of, summarise_sources
from mien.workflows.test import examine_model
from mien.workflows.together import clusters_of, people_of, require_units, units_of
from mien.workflows.train_record import (
    SeedResult,
    TrainRecord,
    count_classes,
    seed_result,
    sentences_of,
    spread,
)

DEFAULT_RECIPE = "expression"
# Below this a class cannot be split into training and validation at all.
LEAST_PHOTOS_PER_CLASS = 2


def train(
    photos: Path | str,
    *,
    recipe: str | Recipe = DEFAULT_RECIPE,
    test: Path | str | None = None,
    splits: Splits = None,
    seeds: int = 1,
    first_seed: int = 0,
    cross_validate: tuple[int, int] | None = None,
    groups_from_name: str | None = None,
    allow_leak: bool = False,
    out: Path | str | None = None,
    progress: Progress = no_progress,
    say: Say = say_nothing,
    watch: Watch = watch_nothing,
    **settings: Setting,
) -> TrainRecord:
    """Train a classifier, test it, and write a run folder.

    Args:
        photos: A folder with one folder of photos a class.
        recipe: A name in `mien.head.recipe.RECIPES`, or a recipe.
        test: A folder of test photos in the same form.
        splits: A table of `mien split`: train on its training part, examine on its test part. None
            for the folder's own ``splits.csv`` where there is one, False to train on all photos.
        seeds: How many trainings, from different random starts and splits.
        first_seed: The first of their seeds; the others follow it.
        cross_validate: Repeats and folds of a stratified cross-validation on the training photos.
        groups_from_name: Pattern with named groups, matched against file names.
        allow_leak: Train and test although test photos are among the training photos.
        out: The run folder; the next free one under ``runs/`` when None.
        progress: Told how far each stage is.
        say: Told sentences for the user.
        watch: Told the epochs of each seed while they go on.
        **settings: Changes to the recipe, such as ``epochs=450``.

    Returns:
        The record that was also written to the run folder.

    Raises:
        UserError: Something in the photos, the recipe or the folders cannot be used.
    """
    if seeds < 1:
        raise RecipeError(f"seeds is {seeds}, expected at least 1", "")
    say = said_once(say)
    later: list[str] = []  # a wrong folder is one line, not one line after others
    chosen = _settle(recipe, settings, later.append)
    embedder = embedder_for(chosen)
    dataset, exam_photos = read_both(
        Path(photos), test=test, splits=splits, groups_from_name=groups_from_name,
        allow_leak=allow_leak, progress=progress, say=later.append,
    )  # fmt: skip
    for sentence in later:
        say(sentence)
    # Copies will be looked for: what that needs is measured while the photos are open.
    wanted = cross_validate is not None or exam_photos is not None
    dataset, embedded = embedder.embed_dataset(
        dataset, glean=gleaner(embedder) if wanted else None, progress=progress, say=say
    )
    if exam_photos is not None:
        exam_photos = look_for_leaks(
            dataset, exam_photos, embedder=embedder, allow=allow_leak, progress=progress, say=say
        )
    require_usable(dataset, minimum=_least(cross_validate))
    numbers = tuple(range(first_seed, first_seed + seeds))
    units = _units(dataset, embedder, cross_validate, progress=progress, say=say)
    fitted = fit(
        embedded.values,
        mirrored=embedded.mirrored,
        y=class_numbers(dataset),
        recipe=chosen,
        seeds=numbers,
        n_classes=len(dataset.classes),
        units=units,
        progress=progress,
        watch=watch,
    )
    folds = _cross_validate(
        cross_validate,
        embedded,
        dataset=dataset,
        recipe=chosen,
        seed=first_seed,
        units=units,
        progress=progress,
    )
    return _finish(
        _Trained(
            recipe=chosen,
            embedder=embedder,
            dataset=dataset,
            embedded=embedded,
            fitted=fitted,
            units=units,
        ),
        folds=folds,
        exam_photos=exam_photos,
        out=None if out is None else Path(out),
        progress=progress,
        say=say,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trained:
    recipe: Recipe
    embedder: Embedder
    dataset: Dataset
    embedded: Embedded
    fitted: Sequence[Fitted]
    units: Int[np.ndarray, " n"]


def class_numbers(dataset: Dataset) -> Int[np.ndarray, " n"]:
    """The number of each photo's class, in the order of `dataset.classes`."""
    number = {label: index for index, label in enumerate(dataset.classes)}
    return np.array([number[photo.label or ""] for photo in dataset.photos], dtype=np.int64)


def _settle(recipe: str | Recipe, settings: Mapping[str, Setting], say: Say) -> Recipe:
    if isinstance(recipe, Recipe):
        return change(recipe, **settings)
    chosen = recipe_from(recipe, **settings)
    if {"crop", "preprocessing"} & set(settings):
        return chosen
    return with_detector_at_hand(chosen, say=say)


def _least(cross_validation: tuple[int, int] | None) -> int:
    return max(LEAST_PHOTOS_PER_CLASS, cross_validation[1] if cross_validation else 0)


def _cross_validate(
    asked: tuple[int, int] | None,
    embedded: Embedded,
    *,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    units: Int[np.ndarray, " n"],
    progress: Progress,
) -> CrossValidation | None:
    if asked is None:
        return None
    repeats, folds = asked
    return cross_validate(
        embedded.values,
        mirrored=embedded.mirrored,
        y=class_numbers(dataset),
        recipe=recipe,
        folds=folds,
        repeats=repeats,
        seed=seed,
        n_classes=len(dataset.classes),
        units=units,
        progress=progress,
    )


def _units(
    dataset: Dataset,
    embedder: Embedder,
    cross_validation: tuple[int, int] | None,
    *,
    progress: Progress,
    say: Say,
) -> Int[np.ndarray, " n"]:
    """What stays together; near copies are looked for where a score depends on folds."""
    if cross_validation is None:
        return people_of(dataset)
    units = units_of(dataset, embedder=embedder, progress=progress, say=say)
    require_units(dataset, units=units, minimum=cross_validation[1])
    return units


def _finish(
    trained: _Trained,
    *,
    folds: CrossValidation | None,
    exam_photos: ExamPhotos | None,
    out: Path | None,
    progress: Progress,
    say: Say,
) -> TrainRecord:
    """Keep one head as a model, examine it, and write the run folder, the record last."""
    dataset = trained.dataset
    folder = runs.new_run_folder(
        out, dataset=dataset_name(dataset.root), recipe=trained.recipe.name
    )
    kept = next((one for one in trained.fitted if one.diverged is None), trained.fitted[0])
    model = _model(trained, kept)
    path = folder / runs.MODEL
    ledger = ledger_of(dataset)
    exam, seeds, n_embedded = _examine(trained, exam_photos, model, progress)
    if exam is not None:
        model = dataclasses.replace(model, exams=(_short(exam, exam_photos),))
    record = TrainRecord(
        run=str(folder),
        model=str(path),
        recipe=recipe_to_plain(trained.recipe),
        backbone={
            "name": trained.embedder.backbone.name,
            "sha256": trained.embedder.backbone.sha256,
        },
        photos=str(dataset.root),
        classes=count_classes(dataset),
        group_columns=dataset.group_columns,
        n_photos=len(dataset.photos),
        n_embedded=trained.embedded.n_embedded + n_embedded,
        saved_seed=kept.seed,
        seeds=seeds,
        test=spread(seeds),
        test_photos=None if exam_photos is None else str(exam_photos.dataset.root),
        cross_validation=None
        if folds is None
        else summarise(folds, dataset, clusters=clusters_of(trained.units)),
        exam=exam,
        splits=str(exam_photos.splits) if exam_photos and exam_photos.splits else None,
        shared=() if exam_photos is None else exam_photos.shared,
        fingerprint=digest_many(photo.sha256 for photo in dataset.photos),
        mien=VERSION,
        sentences=sentences_of(
            trained.fitted, kept, seeds, exam, is_cross_validated=folds is not None
        ),
        rejects=dataset.rejects + (() if exam_photos is None else exam_photos.dataset.rejects),
        sources=summarise_sources(ledger, n_photos=len(dataset.photos)),
    )
    model = dataclasses.replace(model, card=model_card(record))
    write_model(path, model)
    if exam is not None and exam_photos is not None:
        tested, sha256 = exam_photos.dataset, model_digest(path)
        look = new_look(tested, model=sha256, name=str(folder), correct=exam.correct)
        record_looks(tested, [look], say=say)
        if sentence := looks_sentence(looks_at(tested)):
            say(sentence)
    write_json(folder / runs.HISTORY, {str(one.seed): plain(one.history) for one in trained.fitted})
    write_text(folder / runs.CARD, model.card)
    if ledger:
        write_sources(folder, ledger)
    write_json(folder / runs.RECORD, plain(record))
    return record


def _model(trained: _Trained, kept: Fitted) -> Model:
    backbone = trained.embedder.backbone
    return Model(
        labels=trained.dataset.classes,
        preprocessing=trained.recipe.preprocessing,
        backbone=fold(backbone.weights),
        backbone_name=backbone.name,
        backbone_sha256=backbone.sha256,
        head=kept.head,
        mirror_average=trained.recipe.average_mirror,
        recipe=recipe_to_plain(trained.recipe),
        seed=kept.seed,
        fingerprints=tuple(sorted({photo.sha256 for photo in trained.dataset.photos})),
        provenance={"mien": VERSION, "n_photos": len(trained.dataset.photos)},
    )


def _examine(
    trained: _Trained,
    exam_photos: ExamPhotos | None,
    model: Model,
    progress: Progress,
) -> tuple[Exam | None, tuple[SeedResult, ...], int]:
    """Score every seed on cached embeddings, and the model that is kept as `mien test` would."""
    seeds = tuple(seed_result(one) for one in trained.fitted)
    if exam_photos is None:
        return None, seeds, 0
    photos, embedded = trained.embedder.embed_dataset(exam_photos.dataset, progress=progress)
    seen = as_seen(embedded.values, mirrored=embedded.mirrored, recipe=trained.recipe)
    y_true = class_numbers(dataclasses.replace(photos, classes=trained.dataset.classes))
    n = len(exam_photos.dataset.photos)
    scored = []
    for result, one in zip(seeds, trained.fitted, strict=True):
        correct = int(np.sum(predict_probs(one.head, seen).argmax(axis=1) == y_true))
        scored.append(dataclasses.replace(result, test_correct=correct, test_accuracy=correct / n))
    exam = examine_model(model, exam_photos.dataset, shared=exam_photos.shared, progress=progress)
    return exam, tuple(scored), exam_photos.n_embedded + embedded.n_embedded


def _short(exam: Exam, exam_photos: ExamPhotos | None) -> dict[str, Any]:
    """An exam as it stands in the model file: scores and tables without the photos."""
    whole = exam.plain()
    short = {key: value for key, value in whole.items() if key not in {"photos", "wrong"}}
    photos = exam_photos.dataset.photos if exam_photos else ()
    return {"test_fingerprint": digest_many(photo.sha256 for photo in photos), **short}
