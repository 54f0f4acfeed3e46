"""Trainings of a study, and what each of them gives.

A job is one training of one seed; cells that differ in epochs alone share it, as marks on its way.
Knows embeddings and recipes; no files, no photos, no threads. Law: a run's figures depend on its
cell, its seed and the photos alone, whatever else the study holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int

from mien.head.fit import as_seen, fit
from mien.head.fitted import Fitted, History, predict_probs
from mien.head.recipe import Recipe
from mien.head.split import stratified_folds
from mien.studies.grid import Cell

Look: TypeAlias = tuple[str, str]
"""Backbone and preprocessing: what decides embeddings."""


def look_of(recipe: Recipe) -> Look:
    """The embeddings that a recipe needs."""
    return recipe.backbone, recipe.preprocessing


@dataclass(frozen=True, kw_only=True, eq=False)
class Embeddings:
    """Photos as one look sees them.

    Attributes:
        train: ``(n, d)`` training photos.
        train_mirrored: Of their mirror images, None where no recipe asks for them.
        test: ``(t, d)`` test photos; a row of NaN where a photo has no embedding. None without
            test photos.
        test_mirrored: The same of their mirror images.
    """

    train: Float32[np.ndarray, "n d"]
    train_mirrored: Float32[np.ndarray, "n d"] | None
    test: Float32[np.ndarray, "t d"] | None
    test_mirrored: Float32[np.ndarray, "t d"] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """All that the trainings of a study work on.

    Attributes:
        looks: Embeddings by look.
        y: ``(n,)`` class numbers of the training photos.
        n_classes: How many classes.
        folds: How many folds the training photos are dealt into where there are no test photos.
        units: ``(n,)`` training photos with equal numbers stay in one fold; None where none must.
    """

    looks: Mapping[Look, Embeddings]
    y: Int[np.ndarray, " n"]
    n_classes: int
    folds: int
    units: Int[np.ndarray, " n"] | None = None

    @property
    def tested(self) -> bool:
        """Whether there are test photos."""
        return next(iter(self.looks.values())).test is not None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training: a seed, and cells that differ in epochs alone."""

    seed: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One recipe and one seed: what stands on the disk when it is finished.

    Attributes:
        cell: Key of the cell.
        seed: Of the training; without test photos of the folds too.
        predicted: Class number for each test photo, -1 where it has no answer; without test
            photos, for each training photo by the head of the fold that had not seen it.
        validation_accuracy: On the photos that the recipe itself held out; with folds their mean.
        n_validation: How many photos that was measured on; with folds all of them together.
        diverged: What went wrong, None where nothing did.
        history: Epoch by epoch; kept of the longest training of a job, not of folds.
    """

    cell: str
    seed: int
    predicted: tuple[int, ...]
    validation_accuracy: float | None
    n_validation: int
    diverged: str | None
    history: History | None = None


def jobs_of(cells: Sequence[Cell], *, seeds: Sequence[int]) -> list[Job]:
    """The trainings of a study, seed by seed, so that a study cut short has whole seeds.

    Example:
        >>> from mien.head.recipe import RECIPES
        >>> from mien.studies.grid import cells_of
        >>> cells = cells_of(RECIPES["teachable-machine"], [{"epochs": (20, 50)}])
        >>> [len(job.cells) for job in jobs_of(cells, seeds=[0, 1])]
        [2, 2]
    """
    together: dict[Recipe, list[Cell]] = {}
    for cell in cells:
        # An mlp passes through all smaller epoch counts; a logistic head has none.
        whole = dataclasses.replace(cell.recipe, epochs=1)
        together.setdefault(whole if cell.recipe.head == "mlp" else cell.recipe, []).append(cell)
    return [Job(seed=seed, cells=tuple(group)) for seed in seeds for group in together.values()]


def do(job: Job, material: Material) -> list[Run]:
    """Train a job and give its runs, in the order of its cells."""
    parts = [_tested(job, material)] if material.tested else _folded(job, material)
    return [
        _run(job, number, parts, with_history=material.tested) for number in range(len(job.cells))
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One training, and its answers on some rows of `predicted`, cell by cell."""

    rows: Int[np.ndarray, " k"]
    fitted: tuple[Fitted, ...]
    answers: tuple[Int[np.ndarray, " k"], ...]


def _tested(job: Job, material: Material) -> _Part:
    look = material.looks[look_of(job.cells[0].recipe)]
    assert look.test is not None
    seen = _seen(look.test, look.test_mirrored, job.cells[0].recipe)
    every = np.arange(len(material.y))
    return _part(job, material, inside=every, rows=np.arange(len(seen)), seen=seen, seed=job.seed)


def _folded(job: Job, material: Material) -> list[_Part]:
    """Out of fold; cells of one seed share the deal, so that they can be compared in pairs."""
    look = material.looks[look_of(job.cells[0].recipe)]
    seen = _seen(look.train, look.train_mirrored, job.cells[0].recipe)
    deal = stratified_folds(
        material.y,
        folds=material.folds,
        rng=np.random.default_rng([job.seed, 0]),
        units=material.units,
    )
    parts = []
    for fold in range(material.folds):
        inside, outside = np.flatnonzero(deal != fold), np.flatnonzero(deal == fold)
        seed = int(np.random.SeedSequence([job.seed, fold]).generate_state(1)[0])
        parts.append(
            _part(job, material, inside=inside, rows=outside, seen=seen[outside], seed=seed)
        )
    return parts


def _part(
    job: Job,
    material: Material,
    *,
    inside: np.ndarray,
    rows: np.ndarray,
    seen: np.ndarray,
    seed: int,
) -> _Part:
    look = material.looks[look_of(job.cells[0].recipe)]
    longest = max((cell.recipe for cell in job.cells), key=lambda recipe: recipe.epochs)
    marks = [cell.recipe.epochs for cell in job.cells] if longest.head == "mlp" else []
    heads = fit(
        look.train[inside],
        mirrored=None if look.train_mirrored is None else look.train_mirrored[inside],
        y=material.y[inside],
        recipe=longest,
        seeds=[seed],
        n_classes=material.n_classes,
        units=None if material.units is None else material.units[inside],
        marks=marks,
        workers=1,
    )
    by_epochs = {head.epochs: head for head in heads}
    fitted = tuple(by_epochs[c.recipe.epochs] if marks else heads[0] for c in job.cells)
    answers = tuple(_answers(head, seen) for head in fitted)
    return _Part(rows=rows, fitted=fitted, answers=answers)


def _seen(values: np.ndarray, mirrored: np.ndarray | None, recipe: Recipe) -> np.ndarray:
    return as_seen(values, mirrored=mirrored, recipe=recipe)


def _answers(fitted: Fitted, seen: np.ndarray) -> Int[np.ndarray, " k"]:
    there = np.isfinite(seen).all(axis=1)
    answers = np.full(len(seen), -1)
    answers[there] = predict_probs(fitted.head, seen[there]).argmax(axis=1)
    return answers


def _run(job: Job, number: int, parts: Sequence[_Part], *, with_history: bool) -> Run:
    predicted = np.empty(sum(len(part.rows) for part in parts), int)
    for part in parts:
        predicted[part.rows] = part.answers[number]
    fitted = [part.fitted[number] for part in parts]
    scores = [one.validation_accuracy for one in fitted if one.validation_accuracy is not None]
    diverged = [one.diverged for one in fitted if one.diverged is not None]
    longest = max(cell.recipe.epochs for cell in job.cells)
    cell = job.cells[number]
    return Run(
        cell=cell.key,
        seed=job.seed,
        predicted=tuple(predicted.tolist()),
        validation_accuracy=float(np.mean(scores)) if scores else None,
        n_validation=sum(len(one.validation_index) or len(one.train_index) for one in fitted)
        if scores
        else 0,
        diverged=diverged[0] if diverged else None,
        history=fitted[0].history if with_history and cell.recipe.epochs == longest else None,
    )
