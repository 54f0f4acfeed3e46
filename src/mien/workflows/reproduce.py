"""`mien reproduce PAPER`: a published study beside what its recipe gives, and what ours gives.

Four things stand side by side: the printed tables, the study's own exported models measured again,
its recipe over many seeds, and our recipe. Law: every test photo counts in each of them; nothing is
chosen by a test score; a reproduction that was interrupted goes on where it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool

from mien.errors import RecipeError
from mien.exam import Comparison, Exam, examine, judge, over_seeds
from mien.exam import compare as compare_exams
from mien.exam.words import number
from mien.files import write_json
from mien.head.crossval import CrossValidation, cross_validate
from mien.head.fit import as_seen, fit
from mien.head.fitted import predict_probs
from mien.head.recipe import Recipe, recipe_from
from mien.head.recipe import to_plain as recipe_to_plain
from mien.records import Dataset, Progress, Say, no_progress, plain, say_nothing
from mien.stats import best_run_p, corrected_resampled_t, estimate
from mien.studies.engine import carry_out
from mien.studies.executors import threads
from mien.studies.grid import Cell
from mien.studies.jobs import Embeddings, Look, Run, jobs_of, look_of
from mien.studies.store import RECORD, Store
from mien.version import VERSION
from mien.workflows.crossval import summarise
from mien.workflows.embedder import with_detector_at_hand
from mien.workflows.paper import Paper, read_paper
from mien.workflows.reproduced import (
    FoldDifference,
    HiddenRow,
    RecipeResult,
    ReproduceRecord,
    Sweep,
    SweepPoint,
    TableRow,
    fold_sentence,
    summary,
    sweep_sentence,
)
from mien.workflows.study_photos import Seen, digest_of, embedders_of, read_photos, see
from mien.workflows.test import TestResult, test
from mien.workflows.train import class_numbers

ITS_RECIPE, OUR_RECIPE = "teachable-machine", "expression"
# The rate at which epochs were varied; the epochs at which rates were, by the names of the exported
# models, but for the usual rate, for which the table prints the 700-epoch model.
USUAL_RATE, EPOCHS_OF_RATES, EPOCHS_OF_USUAL_RATE = 0.001, 450, 700
DEFAULT_SEEDS = 20
# Repeats and folds.
DEFAULT_FOLDS = (10, 10)

_Measured: TypeAlias = Mapping[tuple[int, float], TestResult]


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
    published = read_paper(Path(paper))
    its = recipe_from(ITS_RECIPE)
    ours = with_detector_at_hand(recipe_from(recipe), say=say)
    asked = read_photos(published.train, published.test, None, progress, least=2, allow_leak=True)
    embedders = embedders_of([its, ours])
    seen = see(asked, embedders, least=2, folds=0, progress=progress, say=say)
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
    runs = _Runs.of(
        _cells(published, its, ours), seeds=seeds, seen=seen, stores=stores, progress=progress
    )
    both = [_recipe(one, runs, seen, cross_validate, progress) for one in (its, ours)]
    sweeps = _sweeps(published, its, runs, measured)
    record = ReproduceRecord(
        paper=str(published.root),
        folder=str(folder),
        n_train=len(seen.train.photos),
        n_test=len(runs.y_true),
        classes=seen.train.classes,
        seeds=seeds,
        table_columns=published.table_columns,
        table=_table(published, asked.train),
        hidden_split=tuple(
            HiddenRow(label=label, printed=share) for label, share in published.hidden_split.items()
        ),
        n_hidden_split=published.n_hidden_split,
        n_models=len(measured),
        n_agree=_n_agree(sweeps),
        sweeps=sweeps,
        its_recipe=both[0][0],
        ours=both[1][0],
        against_best_model=_against_best(sweeps, measured.values(), both[1][0]),
        recipes=judge([runs.correct(its), runs.correct(ours)], names=[its.name, ours.name]),
        by_folds=_by_folds(both[1][1], both[0][1]),
        sentences=(),
        rejects=seen.rejects,
    )
    record = dataclasses.replace(record, sentences=summary(record))
    write_json(folder / RECORD, plain(record))
    return record


@dataclass(frozen=True, kw_only=True, eq=False)
class _Runs:
    """What every cell and seed answered on the test photos."""

    by_cell: Mapping[str, tuple[Run, ...]]
    y_true: np.ndarray

    @classmethod
    def of(
        cls,
        cells: Sequence[Cell],
        *,
        seeds: int,
        seen: Seen,
        stores: Mapping[Look, Store],
        progress: Progress,
    ) -> _Runs:
        found: dict[tuple[str, int], Run] = {}
        for look, store in stores.items():
            own = [cell for cell in cells if look_of(cell.recipe) == look]
            jobs = jobs_of(own, seeds=range(seeds))
            found |= carry_out(
                jobs, material=seen.material, store=store, way=threads, progress=progress
            )
        assert seen.test is not None
        return cls(
            by_cell={
                cell.key: tuple(found[cell.key, seed] for seed in range(seeds)) for cell in cells
            },
            y_true=class_numbers(seen.test),
        )

    def at(self, recipe: Recipe) -> tuple[Run, ...]:
        return self.by_cell[Cell(vary={}, recipe=recipe).key]

    def correct(self, recipe: Recipe) -> Bool[np.ndarray, "s n"]:
        return np.array([np.array(run.predicted) == self.y_true for run in self.at(recipe)])


def _folders(its: Recipe, ours: Recipe) -> dict[Look, str]:
    """A folder's name for each look."""
    return {look_of(ours): "ours", look_of(its): "its-recipe"}


def _at_epochs(recipe: Recipe, epochs: int) -> Recipe:
    return dataclasses.replace(recipe, learning_rate=USUAL_RATE, epochs=epochs)


def _at_rate(recipe: Recipe, rate: float) -> Recipe:
    epochs = EPOCHS_OF_USUAL_RATE if rate == USUAL_RATE else EPOCHS_OF_RATES
    return dataclasses.replace(recipe, learning_rate=rate, epochs=epochs)


def _cells(paper: Paper, its: Recipe, ours: Recipe) -> tuple[Cell, ...]:
    recipes = [
        *(_at_epochs(its, epochs) for epochs in paper.epochs),
        *(_at_rate(its, rate) for rate in paper.learning_rate),
        its,
        ours,
    ]
    # A recipe that stands twice is trained once.
    return tuple({recipe: Cell(vary={}, recipe=recipe) for recipe in recipes}.values())


def _measure(paper: Paper, progress: Progress) -> _Measured:
    """Ask the study's own models again."""
    if not paper.models:
        return {}
    record = test([model.path for model in paper.models], photos=paper.test, progress=progress)
    keys = [(model.epochs, model.learning_rate) for model in paper.models]
    return dict(zip(keys, record.results, strict=True))


def _sweeps(paper: Paper, its: Recipe, runs: _Runs, measured: _Measured) -> tuple[Sweep, Sweep]:
    return (
        _sweep(
            "epochs",
            {float(epochs): _at_epochs(its, epochs) for epochs in sorted(paper.epochs)},
            runs=runs,
            printed={float(epochs): share for epochs, share in paper.epochs.items()},
            measured=measured,
        ),
        _sweep(
            "learning_rate",
            {rate: _at_rate(its, rate) for rate in sorted(paper.learning_rate)},
            runs=runs,
            printed=paper.learning_rate,
            measured=measured,
        ),
    )


def _sweep(
    setting: Literal["epochs", "learning_rate"],
    recipes: Mapping[float, Recipe],
    *,
    runs: _Runs,
    printed: Mapping[float, float],
    measured: _Measured,
) -> Sweep:
    words = {"epochs": "epochs", "learning_rate": "learning rate"}[setting]
    points = tuple(
        _point(
            value,
            runs.at(recipe),
            runs.correct(recipe),
            printed[value],
            measured.get((recipe.epochs, recipe.learning_rate)),
        )
        for value, recipe in recipes.items()
    )
    verdict = judge(
        [runs.correct(recipe) for recipe in recipes.values()],
        names=[f"{words} {number(value)}" for value in recipes],
    )
    best = max(points, key=lambda point: point.printed or 0)
    return Sweep(
        setting=setting,
        points=points,
        best_value=best.value,
        best_printed=best.printed or 0,
        luck=verdict.luck,
        luck_p=best_run_p(
            best.accuracies,
            k=len(points),
            at_least=(best.printed or 0) - 0.5 / len(runs.y_true),
        ),
        verdict=verdict,
        sentence=sweep_sentence(points, what=words, best=best, verdict=verdict),
    )


def _point(
    value: float,
    runs: Sequence[Run],
    correct: Bool[np.ndarray, "s n"],
    printed: float,
    model: TestResult | None,
) -> SweepPoint:
    accuracies = correct.mean(axis=1)
    exam = None if model is None else model.exam
    held_out = _held_out(runs)
    return SweepPoint(
        value=value,
        printed=printed,
        model=None if model is None else model.model,
        measured_correct=None if exam is None else exam.correct,
        measured=None if exam is None else exam.accuracy,
        agrees=None if exam is None else round(printed * exam.n) == exam.correct,
        seeds=over_seeds(accuracies),
        accuracies=tuple(accuracies.tolist()),
        held_out=over_seeds(held_out) if held_out else None,
        n_held_out=runs[0].n_validation,
        n_diverged=sum(run.diverged is not None for run in runs),
        # The printed share is rounded: half a photo below still counts as as good.
        at_least_printed=float(np.mean(accuracies >= printed - 0.5 / correct.shape[1])),
    )


def _held_out(runs: Sequence[Run]) -> list[float]:
    return [run.validation_accuracy for run in runs if run.validation_accuracy is not None]


def _n_agree(sweeps: Iterable[Sweep]) -> int:
    """Models that give what was printed, each counted once."""
    points = [point for sweep in sweeps for point in sweep.points if point.model]
    return len({point.model for point in points if point.agrees})


def _recipe(
    recipe: Recipe, runs: _Runs, seen: Seen, folds: tuple[int, int], progress: Progress
) -> tuple[RecipeResult, CrossValidation]:
    look = seen.material.looks[look_of(recipe)]
    found = cross_validate(
        look.train,
        mirrored=look.train_mirrored,
        y=seen.material.y,
        recipe=recipe,
        repeats=folds[0],
        folds=folds[1],
        seed=0,
        n_classes=seen.material.n_classes,
        progress=progress,
    )
    accuracies, held_out = runs.correct(recipe).mean(axis=1), _held_out(runs.at(recipe))
    result = RecipeResult(
        name=recipe.name,
        recipe=recipe_to_plain(recipe),
        seeds=over_seeds(accuracies),
        accuracies=tuple(accuracies.tolist()),
        held_out=over_seeds(held_out) if held_out else None,
        n_held_out=runs.at(recipe)[0].n_validation,
        cross_validation=summarise(found, seen.train),
        exam=_exam(recipe, look, seen),
    )
    return result, found


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
