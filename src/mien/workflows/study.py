"""`mien study`: many recipes, many seeds, one honest answer.

Law: everything the user can get wrong is found before the first photo is embedded; all cells see
the same photos; runs that are on the disk are not done again, whatever ended them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.digest import digest_json
from mien.errors import RecipeError
from mien.head.recipe import Recipe, Setting, change, recipe_from
from mien.head.recipe import to_plain as recipe_to_plain
from mien.records import Progress, Reject, Say, no_progress, plain, said_once, say_nothing
from mien.studies.engine import carry_out
from mien.studies.executors import executor as executor_of
from mien.studies.grid import PRESET_RECIPES, Cell, cells_of, parse_vary, preset
from mien.studies.jobs import Job, jobs_of
from mien.studies.nested import Nested, nested_choice
from mien.studies.store import RECORD, Store
from mien.studies.summary import CellLine, LossCurve, RunLine, Summary, summarise
from mien.version import VERSION
from mien.words import percent
from mien.workflows.commands import recipe_words, study_command
from mien.workflows.embedder import dataset_name, with_detector_at_hand
from mien.workflows.frozen import Splits
from mien.workflows.study_photos import (
    Asked,
    Seen,
    digest_of,
    embedders_of,
    least_photos,
    read_photos,
    scored_clusters,
    see,
)
from mien.workflows.train import DEFAULT_RECIPE, class_numbers

DEFAULT_SEEDS = 20
DEFAULT_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """What `mien study --json` prints and ``study.json`` holds.

    Attributes:
        study: The study's folder.
        photos: The folder of training photos.
        test_photos: The folder of test photos, or None.
        scored_on: ``test photos``, or ``training photos out of fold``.
        folds: Into which the training photos were dealt, where there are no test photos.
        classes: The labels.
        n_photos: Training photos that every cell could use.
        n_scored: Photos on which every run is scored.
        n_embedded: Photos that were not in the cache.
        recipe: What the grid starts from.
        varied: Names of the varied settings.
        seeds: How many were asked for.
        n_runs: Finished runs.
        complete: Whether these are all; an interrupted study is valid and smaller.
        runs: One line each.
        cells: One recipe each, over its seeds.
        curves: Loss curves.
        verdict: In words.
        winner: The cell that is shown to be best, or None.
        candidates: Cells that may be best, best first.
        chosen: The cell to use: the simplest within one standard error of the best.
        mean_accuracy: Over all runs.
        luck: What the best of as many single runs as there are cells scores by luck alone.
        nested: What choosing by this grid is worth on photos it did not choose on, if asked for.
        mien: The version.
        command: What makes the same study again.
        sentences: The study in words, most important first.
        rejects: Photos left out.
    """

    study: str
    photos: str
    test_photos: str | None
    scored_on: str
    folds: int | None
    classes: tuple[str, ...]
    n_photos: int
    n_scored: int
    n_embedded: int
    recipe: Mapping[str, Any]
    varied: tuple[str, ...]
    seeds: int
    n_runs: int
    complete: bool
    runs: tuple[RunLine, ...]
    cells: tuple[CellLine, ...]
    curves: tuple[LossCurve, ...]
    verdict: str
    winner: str | None
    candidates: tuple[str, ...]
    chosen: str
    mean_accuracy: float
    luck: float
    nested: Nested | None
    mien: str
    command: str
    sentences: tuple[str, ...]
    rejects: tuple[Reject, ...]


def study(
    photos: Path | str,
    *,
    test: Path | str | None = None,
    splits: Splits = None,
    vary: Mapping[str, Sequence[Setting]] | Sequence[str] = (),
    preset: str | None = None,
    recipe: str | Recipe | None = None,
    seeds: int = DEFAULT_SEEDS,
    folds: int = DEFAULT_FOLDS,
    nested: bool = False,
    executor: str = "threads",
    workers: int | None = None,
    groups_from_name: str | None = None,
    allow_leak: bool = False,
    out: Path | str | None = None,
    progress: Progress = no_progress,
    say: Say = say_nothing,
    **settings: Setting,
) -> StudyRecord:
    """Try every recipe of a grid with many seeds and judge them together.

    Args:
        photos: A folder with one folder of photos a class.
        test: A folder of test photos; without it, every run is scored out of fold on the training
            photos.
        splits: A table of `mien split` whose test part is scored on. The folder's own
            ``splits.csv`` is obeyed without being asked: its test part is left alone.
        vary: Setting names and their values, or texts such as ``"epochs=20,50"``.
        preset: A named set of grids instead of `vary`.
        recipe: What the grid starts from.
        seeds: Runs of each cell, each with its own start, split and folds.
        folds: Into which training photos are dealt without test photos.
        nested: Also measure, by nested cross-validation on the training photos, what choosing by
            this grid is worth.
        executor: ``threads``, ``serial``, ``processes`` or ``ray``.
        workers: How many at once; as many as cores when None.
        groups_from_name: Pattern with named groups, matched against file names.
        allow_leak: Go on although test photos are among the training photos.
        out: The study's folder; a folder under ``studies/`` that the same command finds again
            when None.
        progress: Told how far each stage is.
        say: Told sentences for the user.
        **settings: Changes to the recipe before it is varied.

    Raises:
        UserError: Something in the grid, the photos or the folders cannot be used.
        KeyboardInterrupt: On Ctrl-C, after the record of what is finished was written.
    """
    check_counts(seeds=seeds, folds=folds, workers=workers)
    way = executor_of(executor)
    say = said_once(say)
    base, cells = _settle(recipe, settings, vary=vary, preset_name=preset, say=say)
    embedders = embedders_of([cell.recipe for cell in cells])
    tested = test is not None or bool(splits)
    least = least_photos(folds=folds, tested=tested, nested=nested)
    asked = read_photos(
        photos, test, groups_from_name, progress, splits=splits,
        embedder=next(iter(embedders.values())), least=least, allow_leak=allow_leak, say=say,
    )  # fmt: skip
    seen = see(asked, embedders, least=least, folds=folds, progress=progress, say=say)
    material_digest = digest_of(seen, embedders, folds=folds)
    folder = _folder(out, seen, cells, material_digest)
    store = Store.open(
        folder, material=material_digest, plan=_plan(base, cells, seeds=seeds, asked=asked)
    )
    command = study_command(
        seen.train.root,
        test=None if seen.test is None else seen.test.root,
        grid=preset or _varied(vary),
        recipe=base,
        seeds=seeds,
        folds=folds,
        nested=nested,
    )
    finish = _Finish(
        base=base,
        cells=cells,
        seeds=seeds,
        seen=seen,
        folds=folds,
        store=store,
        command=command,
    )
    jobs = jobs_of(cells, seeds=range(seeds))
    try:
        runs = carry_out(
            jobs, material=seen.material, store=store, way=way, workers=workers, progress=progress
        )
        found = (
            nested_choice(
                cells, material=seen.material, way=way, workers=workers, progress=progress
            )
            if nested
            else None
        )
    except KeyboardInterrupt:
        finish.smaller(jobs, say)
        raise
    record = finish.record(summary=finish.summary(runs), n_runs=len(runs), nested=found)
    store.finish(record)
    return record


@dataclass(frozen=True, kw_only=True, eq=False)
class _Finish:
    """Puts the record together, of a whole study and of one cut short."""

    base: Recipe
    cells: tuple[Cell, ...]
    seeds: int
    seen: Seen
    folds: int
    store: Store
    command: str

    def summary(self, runs: Mapping[Any, Any]) -> Summary:
        scored = self.seen.test or self.seen.train
        return summarise(
            self.cells,
            runs,
            y_true=class_numbers(scored),
            labels=self.seen.train.classes,
            tested=self.seen.test is not None,
            clusters=scored_clusters(self.seen),
        )

    def smaller(self, jobs: Sequence[Job], say: Say) -> None:
        """After Ctrl-C: judge what is finished."""
        runs = self.store.known(jobs)
        if not runs:
            return
        record = self.record(summary=self.summary(runs), n_runs=len(runs), nested=None)
        self.store.finish(record)
        whole = len(self.cells) * self.seeds
        say(
            f"{len(runs)} of {whole} runs are finished and judged in "
            f"'{self.store.folder / RECORD}'; the same command goes on from there."
        )

    def record(self, *, summary: Summary, n_runs: int, nested: Nested | None) -> StudyRecord:
        seen, judged = self.seen, summary.judged
        scored = seen.test or seen.train
        return StudyRecord(
            study=str(self.store.folder),
            photos=str(seen.train.root),
            test_photos=None if seen.test is None else str(seen.test.root),
            scored_on="training photos out of fold" if seen.test is None else "test photos",
            folds=self.folds if seen.test is None else None,
            classes=seen.train.classes,
            n_photos=len(seen.train.photos),
            n_scored=len(scored.photos),
            n_embedded=seen.n_embedded,
            recipe=recipe_to_plain(self.base),
            varied=tuple(dict.fromkeys(name for cell in self.cells for name in cell.vary)),
            seeds=self.seeds,
            n_runs=n_runs,
            complete=n_runs == len(self.cells) * self.seeds,
            runs=summary.runs,
            cells=summary.cells,
            curves=summary.curves,
            verdict=judged.sentence,
            winner=judged.winner,
            candidates=judged.candidates,
            chosen=judged.chosen,
            mean_accuracy=judged.mean_accuracy,
            luck=judged.luck,
            nested=nested,
            mien=VERSION,
            command=self.command,
            sentences=self._sentences(summary, n_runs, nested),
            rejects=seen.rejects,
        )

    def _sentences(self, summary: Summary, n_runs: int, nested: Nested | None) -> tuple[str, ...]:
        said = [summary.judged.sentence]
        whole = len(self.cells) * self.seeds
        if n_runs < whole:
            said.append(f"Only {n_runs} of {whole} runs are finished: the verdict is provisional.")
        if nested is not None:
            said.append(nested.sentence)
        if hidden := _hidden(summary.cells, tested=self.seen.test is not None):
            said.append(hidden)
        lost = sum(cell.n_diverged for cell in summary.cells)
        if lost:
            said.append(f"{lost} of {n_runs} trainings diverged; they count as they scored.")
        chosen = next(cell for cell in self.cells if cell.name == summary.judged.chosen)
        said.append(f"Train the recipe to use with: {self._command(chosen)}")
        return tuple(said)

    def _command(self, chosen: Cell) -> str:
        """One command that trains a cell's recipe."""
        photos = str(self.seen.train.root)
        return shlex.join(["mien", "train", photos, *recipe_words(chosen.recipe)])


def check_counts(*, seeds: int, folds: int, workers: int | None) -> None:
    """Refuse counts below their least.

    Raises:
        RecipeError: With name, value and the least.
    """
    for name, value, least in (("seeds", seeds, 1), ("folds", folds, 2), ("workers", workers, 1)):
        if value is not None and value < least:
            raise RecipeError(f"{name} is {value}, expected at least {least}", "")


def _settle(
    recipe: str | Recipe | None,
    settings: Mapping[str, Setting],
    *,
    vary: Mapping[str, Sequence[Setting]] | Sequence[str],
    preset_name: str | None,
    say: Say,
) -> tuple[Recipe, tuple[Cell, ...]]:
    """The recipe to start from and all cells."""
    if preset_name is not None and vary:
        raise RecipeError("both a preset and --vary are given, expected one of them", "")
    varied = _varied(vary)
    grids = (varied,) if preset_name is None else preset(preset_name)
    if not isinstance(recipe, Recipe):
        usual = PRESET_RECIPES.get(preset_name or "", DEFAULT_RECIPE)
        recipe = recipe_from(recipe or usual, **settings)
        if not {"crop", "preprocessing"} & {*settings, *varied}:
            recipe = with_detector_at_hand(recipe, say=say)
    else:
        recipe = change(recipe, **settings)
    grids = tuple(grid for grid in grids if grid)
    return recipe, cells_of(recipe, grids)


def _varied(vary: Mapping[str, Sequence[Setting]] | Sequence[str]) -> dict[str, tuple[Any, ...]]:
    if isinstance(vary, Mapping):
        return {name: tuple(values) for name, values in vary.items()}
    return parse_vary(vary)


def _folder(out: Path | str | None, seen: Seen, cells: Sequence[Cell], material: str) -> Path:
    if out is not None:
        return Path(out)
    digest = digest_json([material, sorted(cell.key for cell in cells)])
    return Path("studies") / f"{dataset_name(seen.train.root)}-{digest[:8]}"


def _plan(base: Recipe, cells: Sequence[Cell], *, seeds: int, asked: Asked) -> dict[str, Any]:
    return {
        "mien": VERSION,
        "photos": str(asked.train.root),
        "test_photos": None if asked.test is None else str(asked.test.root),
        "recipe": recipe_to_plain(base),
        "cells": {cell.key: plain(cell.vary) for cell in cells},
        "seeds": seeds,
    }


def _hidden(cells: Sequence[CellLine], *, tested: bool) -> str | None:
    """The score on photos that recipes held out themselves, beside the score on test photos."""
    both = [(cell.mean, cell.validation.mean) for cell in cells if cell.validation is not None]
    if not both or not tested:
        return None
    score, held_out = np.mean(both, axis=0)
    return (
        f"On the photos that the trainings held out themselves the recipes score "
        f"{percent(held_out)} on average, on the test photos {percent(score)}."
    )
