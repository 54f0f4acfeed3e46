"""`mien reproduce PAPER`: a published study beside what its recipe gives, and what ours gives.

Four things stand side by side: the printed tables, the study's own exported models measured again,
its recipe over many seeds, and our recipe. Law: every test photo counts in each of them; nothing is
chosen by a test score.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from mien.dataset.folder import read_dataset
from mien.errors import RecipeError
from mien.exam import Comparison, Exam, examine, judge, over_seeds
from mien.exam import compare as compare_exams
from mien.head.crossval import CrossValidation, cross_validate
from mien.head.fit import as_seen
from mien.head.fitted import Fitted, predict_probs
from mien.head.recipe import Recipe, recipe_from
from mien.head.recipe import to_plain as recipe_to_plain
from mien.records import Dataset, Progress, Reject, Say, no_progress, say_nothing
from mien.stats import corrected_resampled_t, estimate
from mien.workflows.crossval import summarise
from mien.workflows.embedder import embedder_for, with_detector_at_hand
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
from mien.workflows.sweep import Bench, Embeddings, SweepCell
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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Photos:
    """Training and test photos as one recipe sees them; `rejects` are test photos it cannot."""

    train_set: Dataset
    test_set: Dataset
    train: Embeddings
    test: Embeddings
    rejects: tuple[Reject, ...]


def reproduce(
    paper: Path | str,
    *,
    seeds: int = DEFAULT_SEEDS,
    cross_validate: tuple[int, int] = DEFAULT_FOLDS,
    recipe: str = OUR_RECIPE,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> ReproduceRecord:
    """Do a published study again.

    Args:
        paper: Its folder; see `mien.workflows.paper`.
        seeds: Random starts for each of its settings, at least 2.
        cross_validate: Repeats and folds on the training photos, for its recipe and ours.
        recipe: Ours.
        progress: Told how far each stage is.
        say: Told sentences for the user.

    Raises:
        UserError: The folder is no such study, or something in it cannot be used.
    """
    if seeds < 2:
        raise RecipeError(f"seeds is {seeds}, expected at least 2", "A spread needs several.")
    published = read_paper(Path(paper))
    its = recipe_from(ITS_RECIPE)
    chosen = with_detector_at_hand(recipe_from(recipe), say=say)
    photos, own = (_see(published, one, progress, say) for one in (its, chosen))
    measured = _measure(published, progress)
    bench = _bench(photos, seeds, progress)
    sweeps = _sweeps(published, bench, its, measured)
    its_result, its_right, its_folds = _recipe(photos, bench, its, cross_validate)
    ours, our_right, our_folds = _recipe(own, _bench(own, seeds, progress), chosen, cross_validate)
    record = ReproduceRecord(
        paper=str(published.root),
        n_train=len(photos.train_set.photos),
        n_test=its_right.shape[1],
        classes=photos.train_set.classes,
        seeds=seeds,
        table_columns=published.table_columns,
        table=_table(published, photos.train_set),
        hidden_split=tuple(
            HiddenRow(label=label, printed=share) for label, share in published.hidden_split.items()
        ),
        n_hidden_split=published.n_hidden_split,
        n_models=len(measured),
        n_agree=_n_agree(sweeps),
        sweeps=sweeps,
        its_recipe=its_result,
        ours=ours,
        against_best_model=_against_best(sweeps, measured.values(), ours),
        recipes=judge([its_right, our_right], names=[its.name, chosen.name]),
        by_folds=_by_folds(our_folds, its_folds),
        sentences=(),
        rejects=photos.train_set.rejects + photos.test_set.rejects,
    )
    return dataclasses.replace(record, sentences=summary(record))


def _measure(paper: Paper, progress: Progress) -> _Measured:
    """Ask the study's own models again."""
    if not paper.models:
        return {}
    record = test([model.path for model in paper.models], photos=paper.test, progress=progress)
    keys = [(model.epochs, model.learning_rate) for model in paper.models]
    return dict(zip(keys, record.results, strict=True))


def _see(paper: Paper, recipe: Recipe, progress: Progress, say: Say) -> _Photos:
    embedder = embedder_for(recipe)
    whole_train = read_dataset(paper.train, progress=progress)
    whole_test = read_dataset(paper.test, progress=progress)
    train_set, train = embedder.embed_dataset(whole_train, progress=progress, say=say)
    test_set, seen = embedder.embed_dataset(whole_test, progress=progress, say=say)
    test_set = dataclasses.replace(test_set, classes=train_set.classes)
    return _Photos(
        train_set=train_set,
        test_set=test_set,
        train=Embeddings(values=train.values, mirrored=train.mirrored, y=class_numbers(train_set)),
        test=Embeddings(values=seen.values, mirrored=seen.mirrored, y=class_numbers(test_set)),
        rejects=tuple(seen.rejects),
    )


def _bench(photos: _Photos, seeds: int, progress: Progress) -> Bench:
    return Bench(
        train=photos.train,
        test=photos.test,
        n_unseen=len(photos.rejects),
        n_classes=len(photos.train_set.classes),
        seeds=range(seeds),
        progress=progress,
    )


def _sweeps(paper: Paper, bench: Bench, recipe: Recipe, measured: _Measured) -> tuple[Sweep, Sweep]:
    counts = sorted({*paper.epochs, EPOCHS_OF_USUAL_RATE})
    by_epochs = bench.at_epochs(
        dataclasses.replace(recipe, learning_rate=USUAL_RATE), counts=counts
    )
    usual = next(cell for cell in by_epochs if cell.value == EPOCHS_OF_USUAL_RATE)
    by_rate = bench.at_rates(
        dataclasses.replace(recipe, epochs=EPOCHS_OF_RATES),
        rates=[rate for rate in sorted(paper.learning_rate) if rate != USUAL_RATE],
    )
    if USUAL_RATE in paper.learning_rate:
        by_rate.append(dataclasses.replace(usual, value=USUAL_RATE))
        by_rate.sort(key=lambda cell: cell.value)
    return (
        _sweep(
            "epochs",
            [cell for cell in by_epochs if cell.value in paper.epochs],
            printed={float(count): share for count, share in paper.epochs.items()},
            measured={float(e): one for (e, rate), one in measured.items() if rate == USUAL_RATE},
        ),
        _sweep(
            "learning_rate",
            by_rate,
            printed=paper.learning_rate,
            measured={rate: one for (e, rate), one in measured.items() if e == _epochs_at(rate)},
        ),
    )


def _epochs_at(rate: float) -> int:
    return EPOCHS_OF_USUAL_RATE if rate == USUAL_RATE else EPOCHS_OF_RATES


def _sweep(
    setting: Literal["epochs", "learning_rate"],
    cells: Sequence[SweepCell],
    *,
    printed: Mapping[float, float],
    measured: Mapping[float, TestResult],
) -> Sweep:
    points = tuple(_point(cell, printed[cell.value], measured.get(cell.value)) for cell in cells)
    words = {"epochs": "epochs", "learning_rate": "learning rate"}[setting]
    verdict = judge(
        [cell.correct for cell in cells], names=[f"{words} {cell.value:g}" for cell in cells]
    )
    best = max(points, key=lambda point: point.printed or 0)
    return Sweep(
        setting=setting,
        points=points,
        best_value=best.value,
        best_printed=best.printed or 0,
        luck=verdict.luck,
        verdict=verdict,
        sentence=sweep_sentence(points, what=words, best=best, verdict=verdict),
    )


def _point(cell: SweepCell, printed: float, model: TestResult | None) -> SweepPoint:
    accuracies = cell.correct.mean(axis=1)
    exam = None if model is None else model.exam
    return SweepPoint(
        value=cell.value,
        printed=printed,
        model=None if model is None else model.model,
        measured_correct=None if exam is None else exam.correct,
        measured=None if exam is None else exam.accuracy,
        agrees=None if exam is None else round(printed * exam.n) == exam.correct,
        seeds=over_seeds(accuracies),
        accuracies=tuple(accuracies.tolist()),
        held_out=over_seeds(cell.held_out) if cell.held_out else None,
        n_held_out=cell.n_held_out,
        n_diverged=cell.n_diverged,
        # The printed share is rounded: half a photo below still counts as as good.
        at_least_printed=float(np.mean(accuracies >= printed - 0.5 / cell.correct.shape[1])),
    )


def _n_agree(sweeps: Iterable[Sweep]) -> int:
    """Models that give what was printed, each counted once."""
    points = [point for sweep in sweeps for point in sweep.points if point.model]
    return len({point.model for point in points if point.agrees})


def _recipe(
    photos: _Photos, bench: Bench, recipe: Recipe, folds: tuple[int, int]
) -> tuple[RecipeResult, np.ndarray, CrossValidation]:
    cell, fitted = bench.at(recipe)
    found = cross_validate(
        photos.train.values,
        mirrored=photos.train.mirrored,
        y=photos.train.y,
        recipe=recipe,
        repeats=folds[0],
        folds=folds[1],
        seed=0,
        n_classes=bench.n_classes,
        progress=bench.progress,
    )
    accuracies = cell.correct.mean(axis=1)
    result = RecipeResult(
        name=recipe.name,
        recipe=recipe_to_plain(recipe),
        seeds=over_seeds(accuracies),
        accuracies=tuple(accuracies.tolist()),
        held_out=over_seeds(cell.held_out) if cell.held_out else None,
        n_held_out=cell.n_held_out,
        cross_validation=summarise(found, photos.train_set),
        exam=_exam(photos, recipe, fitted[0]),
        rejects=photos.rejects,
    )
    return result, cell.correct, found


def _exam(photos: _Photos, recipe: Recipe, fitted: Fitted) -> Exam:
    """One head on all test photos, those without an embedding last."""
    seen = as_seen(photos.test.values, mirrored=photos.test.mirrored, recipe=recipe)
    probs = predict_probs(fitted.head, seen)
    n_seen, n_unseen = len(probs), len(photos.rejects)
    names = [photo.name for photo in photos.test_set.photos]
    labels = [photo.label or "" for photo in photos.test_set.photos]
    # A test photo's class is its folder.
    lost = [reject.path for reject in photos.rejects]
    return examine(
        labels=photos.train_set.classes,
        y_true=[*labels, *(Path(path).parent.name for path in lost)],
        probs=np.concatenate([probs, np.full((n_unseen, probs.shape[1]), np.nan)]),
        paths=[*names, *lost],
        unanswered={n_seen + row: one.reason for row, one in enumerate(photos.rejects)},
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


def _by_folds(ours: CrossValidation, its: CrossValidation) -> FoldDifference | None:
    """Fold by fold, where both dealt the same photos in the same way."""
    if ours.n != its.n or not np.array_equal(ours.fold_of, its.fold_of):
        return None
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
