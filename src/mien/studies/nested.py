"""Nested cross-validation: what choosing a recipe by a grid is worth on photos unseen by choice.

The best cell of a grid looks better than it is, since the grid chose it on the very photos it is
scored on. Here an outer fold is set aside, the grid chooses on the rest by inner cross-validation,
and the chosen recipe is trained on the rest and scored on the fold. Law: nothing about an outer
fold's photos reaches the choice.

Source: S. Varma and R. Simon, BMC Bioinformatics 7 (2006) 91.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.head.split import least_units, stratified_folds
from mien.records import Estimate, Progress, no_progress
from mien.stats import share
from mien.studies.executors import Way
from mien.studies.grid import Cell
from mien.studies.jobs import Embeddings, Job, Material, Run, do, jobs_of
from mien.words import percent


@dataclass(frozen=True, kw_only=True)
class Nested:
    """What choosing by the grid is worth.

    Attributes:
        accuracy: Of the chosen recipes on the outer folds; the interval is over photos.
        folds: Outer and inner folds.
        chosen: Name of the cell that each outer fold chose.
        sentence: In words.
    """

    accuracy: Estimate
    folds: int
    chosen: tuple[str, ...]
    sentence: str


def nested_choice(
    cells: Sequence[Cell],
    *,
    material: Material,
    way: Way,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> Nested:
    """Choose by the grid in each outer fold and score the choice.

    Args:
        cells: The grid.
        material: Its training photos are used; test photos are not looked at.
        way: An executor.
        workers: For the executor.
        progress: Told outer folds.
    """
    rng = np.random.default_rng([0, material.folds])
    deal = stratified_folds(material.y, folds=material.folds, rng=rng, units=material.units)
    chosen, n_right = [], 0
    for fold in range(material.folds):
        inside, outside = np.flatnonzero(deal != fold), np.flatnonzero(deal == fold)
        inner = _part(material, inside, outside=None)
        best = _best(cells, inner, way=way, workers=workers)
        outer = _part(material, inside, outside=outside)
        (run,) = do(Job(seed=0, cells=(best,)), outer)
        chosen.append(best.name)
        n_right += int(np.sum(np.array(run.predicted) == material.y[outside]))
        progress("nested", fold + 1, material.folds)
    accuracy = share(n_right, len(material.y))
    return Nested(
        accuracy=accuracy,
        folds=material.folds,
        chosen=tuple(chosen),
        sentence=(
            f"Choosing by this grid is worth {percent(accuracy.value)} on photos that took no part "
            f"in the choice ({percent(accuracy.low)} to {percent(accuracy.high)}, nested "
            f"cross-validation in {material.folds} folds, {len(set(chosen))} different recipes "
            "chosen)."
        ),
    )


def _best(cells: Sequence[Cell], material: Material, *, way: Way, workers: int | None) -> Cell:
    """The cell with the highest out-of-fold accuracy; of equals the simplest, then the first."""
    runs: dict[str, Run] = {
        run.cell: run
        for finished in way(do, jobs_of(cells, seeds=[0]), material=material, workers=workers)
        for run in finished
    }

    def rank(cell: Cell) -> tuple[float, float]:
        right = np.mean(np.array(runs[cell.key].predicted) == material.y)
        return -float(right), cell.complexity

    return min(cells, key=rank)


def _part(material: Material, inside: np.ndarray, *, outside: np.ndarray | None) -> Material:
    """Some training photos, scored out of fold, or on the photos `outside`."""

    def rows(values: np.ndarray | None, which: np.ndarray | None) -> np.ndarray | None:
        return None if values is None or which is None else values[which]

    looks = {
        look: Embeddings(
            train=one.train[inside],
            train_mirrored=rows(one.train_mirrored, inside),
            test=rows(one.train, outside),
            test_mirrored=rows(one.train_mirrored, outside),
        )
        for look, one in material.looks.items()
    }
    y, units = material.y[inside], rows(material.units, inside)
    folds = min(material.folds, least_units(y, units=units))
    return dataclasses.replace(material, looks=looks, y=y, units=units, folds=folds)
