"""`mien reproduce PAPER`: a published study beside what its recipe gives, and what ours gives.

Four things stand side by side: the printed tables, the study's own exported models measured again,
its recipe over many seeds, and our recipe. Law: every test photo counts in each of them; nothing is
chosen by a test score; a reproduction that was interrupted goes on where it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, get_args

import numpy as np
from jaxtyping import Int

from mien.errors import RecipeError
from mien.exam import Comparison, Exam, examine, over_seeds
from mien.exam import compare as compare_exams
from mien.files import write_json
from mien.head.crossval import CrossValidation, cross_validate
from mien.head.fit import as_seen, fit
from mien.head.fitted import predict_probs
from mien.head.recipe import Recipe, recipe_from
from mien.records import Dataset, Progress, Say, no_progress, plain, said_once, say_nothing
from mien.stats import corrected_resampled_t, estimate
from mien.studies.engine import carry_out
from mien.studies.executors import threads
from mien.studies.grid import Cell
from mien.studies.jobs import Embeddings, Look, Run, jobs_of, look_of
from mien.studies.store import RECORD, Store
from mien.studies.summary import CellLine, Summary, summarise
from mien.version import VERSION
from mien.workflows.crossval import summarise as summarise_folds
from mien.workflows.embedder import with_detector_at_hand
from mien.workflows.paper import Paper, read_paper
from mien.workflows.reproduced import (
    FoldDifference,
    HiddenRow,
    RecipeResult,
    ReproduceRecord,
    Sweep,
    TableRow,
    fold_sentence,
    summary,
)
from mien.workflows.study_photos import (
    Seen,
    digest_of,
    embedders_of,
    read_photos,
    scored_clusters,
    see,
)
from mien.workflows.sweeps import Measured, Setting, cells_of, n_agree, sweep_of
from mien.workflows.test import TestResult, test
from mien.workflows.together import clusters_of, require_units, units_of
from mien.workflows.train import class_numbers

_SETTINGS: Final[tuple[Setting, ...]] = get_args(Setting)
ITS_RECIPE, OUR_RECIPE = "teachable-machine", "expression"
DEFAULT_SEEDS = 20
# Repeats and folds.
DEFAULT_FOLDS = (10, 10)


def reproduce(
    paper: Path | str,
    *,
    seeds: int = DEFAULT_SEEDS,
    cross_validate: tuple[int, int] = DEFAULT_FOLDS,
    recipe: str = OUR_RECIPE,
    out: Path | str | None = None,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> ReproduceRecord:
    """Do a published study again.

    Args:
        paper: Its folder; see `mien.workflows.paper`.
        seeds: Random starts for each of its settings, at least 2.
        cross_validate: Repeats and folds on the training photos, for its recipe and ours.
        recipe: Ours.
        out: Where finished runs are kept; ``studies/NAME-reproduced`` when None.
        progress: Told how far each stage is.
        say: Told sentences for the user.

    Raises:
        UserError: The folder is no such study, or something in it cannot be used.
    """
    if seeds < 2:
        raise RecipeError(f"seeds is {seeds}, expected at least 2", "A spread needs several.")
    say = said_once(say)
    published = read_paper(Path(paper))
    its = recipe_from(ITS_RECIPE)
    ours = with_detector_at_hand(recipe_from(recipe), say=say)
    embedders = embedders_of([its, ours])
    asked = read_photos(
        published.train, published.test, None, progress, splits=False,
        embedder=next(iter(embedders.values())), least=2, allow_leak=True,
    )  # fmt: skip
    seen = see(asked, embedders, least=2, folds=0, progress=progress, say=say)
    units = units_of(seen.train, embedder=embedders[look_of(ours)], progress=progress, say=say)
    require_units(seen.train, units=units, minimum=cross_validate[1])
    measured = _measure(published, progress)
    folder = Path(out) if out else Path("studies") / f"{published.root.resolve().name}-reproduced"
    plan = {"mien": VERSION, "paper": str(published.root), "seeds": seeds}
    # One store a backbone and preprocessing, so that new weights of ours undo nothing of theirs.
    stores = {
        look: Store.open(
            folder / backbone_folder,
            material=digest_of(seen, {look: embedders[look]}, folds=0),
            plan=plan,
        )
        for look, backbone_folder in _folders(its, ours).items()
    }
    tables = {setting: cells_of(setting, published, its) for setting in _SETTINGS}
    pair = (Cell(vary={}, recipe=its), Cell(vary={}, recipe=ours))
    runs = _carry_out(
        [*pair, *(cell for cells in tables.values() for cell in cells)],
        seeds=seeds,
        seen=seen,
        stores=stores,
        progress=progress,
    )
    sweeps = tuple(
        sweep_of(
            setting,
            cells,
            summary=_summary(cells, runs, seen),
            runs=runs,
            printed=_printed(setting, published),
            measured=measured,
            n_test=len(asked.test.photos) if asked.test else 0,
        )
        for setting, cells in tables.items()
    )
    beside = _summary(pair, runs, seen)
    found = [
        _cross_validated(cell.recipe, seen, cross_validate, units=units, progress=progress)
        for cell in pair
    ]
    results = [
        _result(cell, line, one, runs=runs, seen=seen, units=units)
        for cell, line, one in zip(pair, beside.cells, found, strict=True)
    ]
    record = ReproduceRecord(
        paper=str(published.root),
        folder=str(folder),
        n_train=len(seen.train.photos),
        n_test=len(asked.test.photos) if asked.test else 0,
        classes=seen.train.classes,
        seeds=seeds,
        table_columns=published.table_columns,
        table=_table(published, asked.train),
        hidden_split=tuple(
            HiddenRow(label=label, printed=share) for label, share in published.hidden_split.items()
        ),
        n_hidden_split=published.n_hidden_split,
        n_models=len(measured),
        n_agree=n_agree(sweeps),
        sweeps=sweeps,
        its_recipe=results[0],
        ours=results[1],
        against_best_model=_against_best(sweeps, measured.values(), results[1]),
        recipes=beside.judged,
        by_folds=_by_folds(found[1], found[0]),
        sentences=(),
        rejects=seen.rejects,
    )
    record = dataclasses.replace(record, sentences=summary(record))
    write_json(folder / RECORD, plain(record))
    return record


def _carry_out(
    cells: Sequence[Cell],
    *,
    seeds: int,
    seen: Seen,
    stores: Mapping[Look, Store],
    progress: Progress,
) -> dict[tuple[str, int], Run]:
    """Every cell and seed, look by look; a recipe that stands twice is trained once."""
    unique = {cell.key: cell for cell in cells}.values()
    found: dict[tuple[str, int], Run] = {}
    for look, store in stores.items():
        own = [cell for cell in unique if look_of(cell.recipe) == look]
        found |= carry_out(
            jobs_of(own, seeds=range(seeds)),
            material=seen.material,
            store=store,
            way=threads,
            progress=progress,
        )
    return found


def _summary(cells: Sequence[Cell], runs: Mapping[tuple[str, int], Run], seen: Seen) -> Summary:
    assert seen.test is not None
    return summarise(
        cells,
        runs,
        y_true=class_numbers(seen.test),
        labels=seen.train.classes,
        tested=True,
        clusters=scored_clusters(seen),
    )


def _printed(setting: Setting, paper: Paper) -> dict[float, float]:
    table = paper.epochs if setting == "epochs" else paper.learning_rate
    return {float(value): share for value, share in table.items()}


def _folders(its: Recipe, ours: Recipe) -> dict[Look, str]:
    """A folder's name for each look."""
    return {look_of(ours): "ours", look_of(its): "its-recipe"}


def _measure(paper: Paper, progress: Progress) -> Measured:
    """Ask the study's own models again."""
    if not paper.models:
        return {}
    record = test([model.path for model in paper.models], photos=paper.test, progress=progress)
    keys = [(model.epochs, model.learning_rate) for model in paper.models]
    return dict(zip(keys, record.results, strict=True))


def _cross_validated(
    recipe: Recipe,
    seen: Seen,
    folds: tuple[int, int],
    *,
    units: Int[np.ndarray, " n"],
    progress: Progress,
) -> CrossValidation:
    look = seen.material.looks[look_of(recipe)]
    return cross_validate(
        look.train,
        mirrored=look.train_mirrored,
        y=seen.material.y,
        recipe=recipe,
        repeats=folds[0],
        folds=folds[1],
        seed=0,
        n_classes=seen.material.n_classes,
        units=units,
        progress=progress,
    )


def _result(
    cell: Cell,
    line: CellLine,
    found: CrossValidation,
    *,
    runs: Mapping[tuple[str, int], Run],
    seen: Seen,
    units: Int[np.ndarray, " n"],
) -> RecipeResult:
    return RecipeResult(
        name=cell.recipe.name,
        recipe=line.recipe,
        seeds=over_seeds(line.accuracies),
        accuracies=line.accuracies,
        held_out=line.validation,
        n_held_out=runs[cell.key, 0].n_validation,
        cross_validation=summarise_folds(found, seen.train, clusters=clusters_of(units)),
        exam=_exam(cell.recipe, seen.material.looks[look_of(cell.recipe)], seen),
    )


def _exam(recipe: Recipe, look: Embeddings, seen: Seen) -> Exam:
    """The first seed's head on all test photos."""
    assert seen.test is not None
    assert look.test is not None
    (fitted,) = fit(
        look.train,
        mirrored=look.train_mirrored,
        y=seen.material.y,
        recipe=recipe,
        seeds=[0],
        n_classes=seen.material.n_classes,
    )
    told = as_seen(look.test, mirrored=look.test_mirrored, recipe=recipe)
    blind = np.flatnonzero(~np.isfinite(told).all(axis=1))
    reasons = {one.path: one.reason for one in seen.rejects}
    names = [photo.name for photo in seen.test.photos]
    return examine(
        labels=seen.train.classes,
        y_true=[photo.label or "" for photo in seen.test.photos],
        probs=predict_probs(fitted.head, told),
        paths=names,
        groups=[photo.groups for photo in seen.test.photos],
        unanswered={int(row): reasons.get(names[row], "no embedding") for row in blind},
        clusters=scored_clusters(seen),
    )


def _against_best(
    sweeps: Sequence[Sweep], measured: Iterable[TestResult], ours: RecipeResult
) -> Comparison | None:
    """Ours (its first seed) against the exported model with the best printed accuracy."""
    points = [point for sweep in sweeps for point in sweep.points if point.model]
    if not points:
        return None
    best = max(points, key=lambda point: point.printed or 0)
    exam = next(one.exam for one in measured if one.model == best.model)
    return compare_exams(ours.exam, exam, names=("ours", "its best model"))


def _by_folds(ours: CrossValidation, its: CrossValidation) -> FoldDifference:
    """Fold by fold: both recipes saw the same photos, dealt in the same way."""
    assert np.array_equal(ours.fold_of, its.fold_of)
    gaps = (ours.fold_accuracy - its.fold_accuracy).ravel()
    n_test = ours.n / ours.folds
    result = corrected_resampled_t(gaps, n_train=ours.n - n_test, n_test=n_test)
    difference = estimate(result.mean, result.interval)
    return FoldDifference(
        difference=difference,
        p=result.p,
        sentence=fold_sentence(
            difference,
            p=result.p,
            ours=float(ours.fold_accuracy.mean()),
            its=float(its.fold_accuracy.mean()),
        ),
    )


def _table(paper: Paper, dataset: Dataset) -> tuple[TableRow, ...]:
    labels = [photo.label for photo in dataset.photos]
    return tuple(
        TableRow(label=label, printed=paper.table.get(label, ()), found=labels.count(label))
        for label in dataset.classes
    )
