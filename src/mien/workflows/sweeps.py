"""A setting that a published study varied: printed, its models measured, trained anew over seeds.

What the new runs say is a study's own summary; here the printed table and the exported models are
laid beside it. Law: every value of the setting is tested on the same photos.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from mien.exam import over_seeds
from mien.head.recipe import Recipe
from mien.stats import best_run_p
from mien.studies.grid import Cell
from mien.studies.jobs import Run
from mien.studies.summary import CellLine, Summary
from mien.workflows.paper import Paper
from mien.workflows.reproduced import Sweep, SweepPoint, sweep_sentence
from mien.workflows.test import TestResult

Setting: TypeAlias = Literal["epochs", "learning_rate"]
Measured: TypeAlias = Mapping[tuple[int, float], TestResult]
"""The study's exported models, by epochs and learning rate."""

# The rate at which epochs were varied; the epochs at which rates were, by the names of the exported
# models, but for the usual rate, for which the table prints the 700-epoch model.
USUAL_RATE, EPOCHS_OF_RATES, EPOCHS_OF_USUAL_RATE = 0.001, 450, 700

_WORDS: Mapping[Setting, str] = {"epochs": "epochs", "learning_rate": "learning rate"}


def cells_of(setting: Setting, paper: Paper, its: Recipe) -> tuple[Cell, ...]:
    """The recipes that a table of the study is about, by rising value of its setting."""
    if setting == "epochs":
        recipes = {
            epochs: dataclasses.replace(its, learning_rate=USUAL_RATE, epochs=epochs)
            for epochs in sorted(paper.epochs)
        }
        return tuple(Cell(vary={"epochs": n}, recipe=one) for n, one in recipes.items())
    return tuple(
        Cell(
            vary={"learning_rate": rate},
            recipe=dataclasses.replace(
                its,
                learning_rate=rate,
                epochs=EPOCHS_OF_USUAL_RATE if rate == USUAL_RATE else EPOCHS_OF_RATES,
            ),
        )
        for rate in sorted(paper.learning_rate)
    )


def sweep_of(
    setting: Setting,
    cells: Sequence[Cell],
    *,
    summary: Summary,
    runs: Mapping[tuple[str, int], Run],
    printed: Mapping[float, float],
    measured: Measured,
    n_test: int,
) -> Sweep:
    """Lay a table beside its recipes' runs and the study's models.

    Args:
        setting: What was varied.
        cells: Of the table.
        summary: Of the cells' runs.
        runs: By cell and seed.
        printed: Accuracy by value.
        measured: The exported models.
        n_test: Test photos.
    """
    points = tuple(
        _point(
            cell,
            line,
            n_held_out=runs[cell.key, 0].n_validation,
            printed=printed[_value(cell)],
            model=measured.get((cell.recipe.epochs, cell.recipe.learning_rate)),
            n_test=n_test,
        )
        for cell, line in zip(cells, summary.cells, strict=True)
    )
    best = max(points, key=lambda point: point.printed or 0)
    verdict = summary.judged
    return Sweep(
        setting=setting,
        points=points,
        best_value=best.value,
        best_printed=best.printed or 0,
        luck=verdict.luck,
        luck_p=best_run_p(
            best.accuracies, k=len(points), at_least=(best.printed or 0) - 0.5 / n_test
        ),
        verdict=verdict,
        sentence=sweep_sentence(points, what=_WORDS[setting], best=best, verdict=verdict),
    )


def n_agree(sweeps: Iterable[Sweep]) -> int:
    """Models that give what was printed, each counted once."""
    points = [point for sweep in sweeps for point in sweep.points if point.model]
    return len({point.model for point in points if point.agrees})


def _value(cell: Cell) -> float:
    return float(cell.recipe.epochs if "epochs" in cell.vary else cell.recipe.learning_rate)


def _point(
    cell: Cell,
    line: CellLine,
    *,
    n_held_out: int,
    printed: float,
    model: TestResult | None,
    n_test: int,
) -> SweepPoint:
    exam = None if model is None else model.exam
    # The printed share is rounded: half a photo below still counts as as good.
    enough = printed - 0.5 / n_test
    return SweepPoint(
        value=_value(cell),
        printed=printed,
        model=None if model is None else model.model,
        measured_correct=None if exam is None else exam.correct,
        measured=None if exam is None else exam.accuracy,
        agrees=None if exam is None else round(printed * exam.n) == exam.correct,
        seeds=over_seeds(line.accuracies),
        accuracies=line.accuracies,
        held_out=line.validation,
        n_held_out=n_held_out,
        n_diverged=line.n_diverged,
        at_least_printed=sum(one >= enough for one in line.accuracies) / line.n_seeds,
    )
