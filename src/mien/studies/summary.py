"""From finished runs to what a study says: runs, cells, loss curves, and a verdict.

Pure: runs in, records out. Law: every cell is judged on the same photos; a photo without an answer
is wrong; a cell's interval counts photos and seeds together, never seeds alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from mien.exam import Verdict, judge, over_seeds
from mien.exam.seeds import SeedSummary
from mien.head.recipe import Setting, to_plain
from mien.records import Estimate
from mien.stats import share
from mien.studies.grid import Cell
from mien.studies.jobs import Run
from mien.studies.learning import half_width

LEVEL = 0.95
# More points than this make a drawn curve no clearer.
_CURVE_POINTS = 60


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run, as it stands in the record.

    Attributes:
        vary: The settings that make its cell differ.
        seed: Of the training.
        accuracy: On the test photos, or out of fold where there are none.
        test_accuracy: The same where there are test photos, else None.
        correct: How many photos were right.
        score: `accuracy` with its interval over photos.
        validation_accuracy: On the photos that the recipe itself held out.
        validation: The same with its interval over photos.
        n_validation: How many photos that was.
        diverged: What went wrong with the training, or None.
    """

    vary: Mapping[str, Setting]
    seed: int
    accuracy: float
    test_accuracy: float | None
    correct: int
    score: Estimate
    validation_accuracy: float | None
    validation: Estimate | None
    n_validation: int
    diverged: str | None


@dataclass(frozen=True, kw_only=True)
class CellLine:
    """One recipe of the grid over all its seeds.

    Attributes:
        vary: The settings that make it differ.
        name: The same in words.
        recipe: All settings.
        mean: Accuracy over seeds and photos.
        sd: Standard deviation over seeds; None with one seed.
        min: The worst seed.
        max: The best seed.
        low: Of the mean's interval, photos and seeds both taken as samples.
        high: Its other end.
        level: Its confidence.
        method: How it was made.
        n_seeds: Runs.
        accuracies: Of each seed, in the order of the runs.
        validation: Accuracy on the photos that the recipe itself held out, over seeds.
        n_diverged: Runs whose training failed.
        p_not_best: Small: some other recipe is better; corrected for the size of the grid.
        candidate: Whether it may be the best.
        per_class: Mean accuracy over seeds on the photos of each class.
    """

    vary: Mapping[str, Setting]
    name: str
    recipe: Mapping[str, Any]
    mean: float
    sd: float | None
    min: float
    max: float
    low: float
    high: float
    level: float
    method: str
    n_seeds: int
    accuracies: tuple[float, ...]
    validation: SeedSummary | None
    n_diverged: int
    p_not_best: float
    candidate: bool
    per_class: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """Means over seeds, epoch by epoch, of the longest training of a group of cells.

    Attributes:
        name: The cell in words.
        epochs: At which the figures stand; not every one where there are many.
        train_loss: Mean over seeds; None where a loss was not a number.
        validation_loss: The same; empty where nothing was held out.
        train_accuracy: The same.
        validation_accuracy: The same.
    """

    name: str
    epochs: tuple[int, ...]
    train_loss: tuple[float | None, ...]
    validation_loss: tuple[float | None, ...]
    train_accuracy: tuple[float | None, ...]
    validation_accuracy: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the runs of a study say.

    Attributes:
        runs: Seed by seed, in the order of the cells.
        cells: In the order of the grid; without those that have no run yet.
        curves: Loss curves of mlp heads.
        judged: The statistics and the words.
    """

    runs: tuple[RunLine, ...]
    cells: tuple[CellLine, ...]
    curves: tuple[LossCurve, ...]
    judged: Verdict


def summarise(
    cells: Sequence[Cell],
    runs: Mapping[tuple[str, int], Run],
    *,
    y_true: Int[np.ndarray, " n"],
    labels: Sequence[str],
    tested: bool,
    clusters: Sequence[str] | None = None,
) -> Summary:
    """Judge a study's finished runs.

    Args:
        cells: Of the grid; those without a run are left out.
        runs: By cell and seed; at least one.
        y_true: Class numbers of the photos that `Run.predicted` answers.
        labels: Of the classes.
        tested: Whether these are test photos, not training photos out of fold.
        clusters: Which photos count together (one person, copies); None where each stands alone.
    """
    by_cell = {
        cell.key: [run for (key, _), run in sorted(runs.items()) if key == cell.key]
        for cell in cells
    }
    done = [cell for cell in cells if by_cell[cell.key]]
    right = [_right(by_cell[cell.key], y_true) for cell in done]
    verdict = judge(
        right,
        names=[cell.name for cell in done],
        complexity=[cell.complexity for cell in done],
        clusters=clusters,
        alpha=1 - LEVEL,
    )
    return Summary(
        runs=tuple(
            _run_line(cell, run, y_true, tested=tested)
            for cell in done
            for run in by_cell[cell.key]
        ),
        cells=tuple(
            _cell_line(
                cell,
                by_cell[cell.key],
                right=right[number],
                verdict=verdict,
                number=number,
                y_true=y_true,
                labels=labels,
            )
            for number, cell in enumerate(done)
        ),
        curves=tuple(curve for cell in done for curve in _curves(cell, by_cell[cell.key])),
        judged=verdict,
    )


def _right(runs: Sequence[Run], y_true: np.ndarray) -> Bool[np.ndarray, "s n"]:
    return np.asarray(np.array([run.predicted for run in runs]) == y_true)


def _run_line(cell: Cell, run: Run, y_true: np.ndarray, *, tested: bool) -> RunLine:
    correct = int(np.sum(np.array(run.predicted) == y_true))
    accuracy = correct / len(y_true)
    held_out = run.validation_accuracy
    return RunLine(
        vary=cell.vary,
        seed=run.seed,
        accuracy=accuracy,
        test_accuracy=accuracy if tested else None,
        correct=correct,
        score=share(correct, len(y_true)),
        validation_accuracy=held_out,
        validation=None
        if held_out is None
        else share(round(held_out * run.n_validation), run.n_validation),
        n_validation=run.n_validation,
        diverged=run.diverged,
    )


def _cell_line(
    cell: Cell,
    runs: Sequence[Run],
    *,
    right: Bool[np.ndarray, "s n"],
    verdict: Verdict,
    number: int,
    y_true: np.ndarray,
    labels: Sequence[str],
) -> CellLine:
    spread = over_seeds(right.mean(axis=1), level=LEVEL)
    # The judged error counts photos, persons where they are known, and seeds.
    variance = verdict.choice.standard_errors[number] ** 2
    n_seeds, n_photos = right.shape
    by_seed = float(right.mean(axis=1).var(ddof=1)) / n_seeds if n_seeds > 1 else 0.0
    half = half_width(max(variance - by_seed, 0.0), n_photos, by_seed, n_seeds, level=LEVEL)
    held_out = [run.validation_accuracy for run in runs if run.validation_accuracy is not None]
    return CellLine(
        vary=cell.vary,
        name=cell.name,
        recipe=to_plain(cell.recipe),
        mean=spread.mean,
        sd=spread.sd,
        min=spread.min,
        max=spread.max,
        low=max(0.0, spread.mean - half),
        high=min(1.0, spread.mean + half),
        level=LEVEL,
        method="t over photos and seeds" if len(runs) > 1 else "t over photos",
        n_seeds=len(runs),
        accuracies=tuple(right.mean(axis=1).tolist()),
        validation=over_seeds(held_out, level=LEVEL) if held_out else None,
        n_diverged=sum(run.diverged is not None for run in runs),
        p_not_best=verdict.choice.p_not_best[number],
        candidate=number in verdict.choice.candidates,
        per_class={
            label: float(right[:, y_true == index].mean())
            for index, label in enumerate(labels)
            if (y_true == index).any()
        },
    )


def _curves(cell: Cell, runs: Sequence[Run]) -> list[LossCurve]:
    told = [run.history for run in runs if run.history is not None]
    if not told:
        return []
    n = len(told[0].train_loss)
    at = np.unique(np.linspace(0, n - 1, min(n, _CURVE_POINTS)).round().astype(int))

    def mean(name: str) -> tuple[float | None, ...]:
        columns = np.array([getattr(history, name) for history in told])
        if not columns.size:
            return ()
        values = columns.mean(axis=0)[at].tolist()
        return tuple(value if np.isfinite(value) else None for value in values)

    return [
        LossCurve(
            name=cell.name,
            epochs=tuple((at + 1).tolist()),
            train_loss=mean("train_loss"),
            validation_loss=mean("validation_loss"),
            train_accuracy=mean("train_accuracy"),
            validation_accuracy=mean("validation_accuracy"),
        )
    ]
