from __future__ import annotations

import numpy as np
import pytest

from mien.head.fitted import History
from mien.head.recipe import recipe_from
from mien.stats import share
from mien.studies.grid import Cell, cells_of
from mien.studies.jobs import Run
from mien.studies.summary import Summary, summarise

N = 60
Y = np.arange(N) % 3
CELLS = cells_of(recipe_from("teachable-machine"), [{"epochs": (20, 50, 70)}])


def run_of(cell: Cell, seed: int, *, accuracy: float, history: History | None = None) -> Run:
    rng = np.random.default_rng([seed, cell.recipe.epochs])
    right = rng.random(N) < accuracy
    return Run(
        cell=cell.key,
        seed=seed,
        predicted=tuple(np.where(right, Y, (Y + 1) % 3).tolist()),
        validation_accuracy=0.5,
        n_validation=8,
        diverged="all training photos are put into one class" if seed == 1 else None,
        history=history,
    )


def summary_of(accuracies: list[float], *, seeds: int = 10, tested: bool = True) -> Summary:
    runs = {
        (cell.key, seed): run_of(cell, seed, accuracy=accuracy)
        for cell, accuracy in zip(CELLS, accuracies, strict=False)
        for seed in range(seeds)
    }
    return summarise(CELLS, runs, y_true=Y, labels=["a", "b", "c"], tested=tested)


def test_a_cell_is_the_mean_over_its_seeds_with_both_kinds_of_scatter() -> None:
    found = summary_of([0.6, 0.6, 0.6])
    cell = found.cells[0]
    lines = [run for run in found.runs if run.vary == {"epochs": 20}]
    scores = [run.accuracy for run in lines]
    assert cell.n_seeds == 10
    assert cell.mean == pytest.approx(np.mean(scores))
    assert cell.sd == pytest.approx(np.std(scores, ddof=1))
    assert (cell.min, cell.max) == (min(scores), max(scores))
    assert list(cell.accuracies) == scores
    # Over ten seeds alone the interval would be as short as this.
    over_seeds = 2.26 * np.std(scores, ddof=1) / np.sqrt(10)
    assert cell.high - cell.mean > over_seeds
    assert cell.n_diverged == 1
    assert np.mean(list(cell.per_class.values())) == pytest.approx(cell.mean)


def test_a_recipe_that_is_truly_better_wins_and_equals_do_not() -> None:
    assert summary_of([0.3, 0.3, 0.9]).judged.winner == "epochs=70"
    same = summary_of([0.6, 0.6, 0.6])
    assert same.judged.winner is None
    assert sum(cell.candidate for cell in same.cells) == 3
    assert "No evidence" in same.judged.sentence


def test_every_run_has_its_score_and_its_hidden_split_side_by_side() -> None:
    line = summary_of([0.6]).runs[0]
    assert line.score == share(line.correct, N)
    assert line.test_accuracy == line.accuracy == line.correct / N
    assert line.validation == share(4, 8)
    assert summary_of([0.6], tested=False).runs[0].test_accuracy is None


def test_cells_without_a_run_are_left_out() -> None:
    found = summary_of([0.6, 0.6])
    assert [cell.name for cell in found.cells] == ["epochs=20", "epochs=50"]


def test_one_seed_has_no_spread_and_is_said_to_be_about_models() -> None:
    found = summary_of([0.3, 0.6], seeds=1)
    assert found.cells[0].sd is None
    assert found.cells[0].method == "t over photos"
    assert found.judged.choice.of == "models"


def test_loss_curves_are_means_over_seeds_thinned_out() -> None:
    def history(shift: float) -> History:
        loss = tuple(shift + 1 / (1 + epoch) for epoch in range(500))
        return History(
            train_loss=loss, train_accuracy=loss, validation_loss=(), validation_accuracy=()
        )

    runs = {
        (CELLS[2].key, seed): run_of(CELLS[2], seed, accuracy=0.5, history=history(seed))
        for seed in range(2)
    }
    (curve,) = summarise(CELLS, runs, y_true=Y, labels=["a", "b", "c"], tested=True).curves
    assert len(curve.epochs) <= 60
    assert (curve.epochs[0], curve.epochs[-1]) == (1, 500)
    assert curve.train_loss[0] == pytest.approx(1.5)
    assert curve.validation_loss == ()
