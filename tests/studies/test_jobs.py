from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mien.head.recipe import Recipe, change, recipe_from
from mien.studies.grid import cells_of
from mien.studies.jobs import Job, Material, do, jobs_of

MLP = recipe_from("teachable-machine", hidden_units=6, learning_rate=0.01)


def test_cells_that_differ_in_epochs_alone_share_one_training() -> None:
    cells = cells_of(MLP, [{"epochs": (5, 9), "learning_rate": (0.01, 0.1)}])
    jobs = jobs_of(cells, seeds=[0, 1])
    assert [(job.seed, len(job.cells)) for job in jobs] == [(0, 2), (0, 2), (1, 2), (1, 2)]


def test_logistic_heads_share_nothing(logistic: Recipe) -> None:
    cells = cells_of(logistic, [{"inner_folds": (2, 3)}])
    assert len(jobs_of(cells, seeds=[0])) == 2


def test_a_shared_training_gives_the_numbers_of_trainings_apart(tested: Material) -> None:
    cells = cells_of(MLP, [{"epochs": (4, 11, 40)}])
    together = do(Job(seed=3, cells=cells), tested)
    for cell, run in zip(cells, together, strict=True):
        (apart,) = do(Job(seed=3, cells=(cell,)), tested)
        assert dataclasses.replace(apart, history=None) == dataclasses.replace(run, history=None)
    assert [run.history is not None for run in together] == [False, False, True]
    assert len({run.predicted for run in together}) > 1


def test_a_test_photo_without_an_embedding_has_no_answer(
    tested: Material, logistic: Recipe
) -> None:
    (run,) = do(Job(seed=0, cells=cells_of(logistic, [{"inner_folds": (3,)}])), tested)
    assert len(run.predicted) == 20
    assert run.predicted[-1] == -1
    assert -1 not in run.predicted[:-1]


def test_without_test_photos_each_photo_is_answered_out_of_fold(
    untested: Material, logistic: Recipe
) -> None:
    rng = np.random.default_rng(0)
    shuffled = dataclasses.replace(untested, y=rng.permutation(untested.y))
    (cell,) = cells_of(logistic, [{"l2_strengths": ((0.001,),)}])
    (run,) = do(Job(seed=0, cells=(cell,)), shuffled)
    assert len(run.predicted) == 30
    # Hardly penalised, the head knows its own photos by heart: only folds keep the score low.
    assert np.mean(np.array(run.predicted) == shuffled.y) < 0.7


@pytest.mark.parametrize("kind", ["mlp", "logistic"])
def test_folds_of_an_mlp_and_of_a_logistic_head_are_dealt_alike(
    untested: Material, logistic: Recipe, kind: str
) -> None:
    recipe = change(logistic, epochs=3, hidden_units=4)
    (run,) = do(Job(seed=1, cells=cells_of(recipe, [{"head": (kind,)}])), untested)
    assert run.n_validation > 0
    assert run.validation_accuracy is not None
    assert run.history is None


def test_the_same_job_gives_the_same_run(tested: Material, logistic: Recipe) -> None:
    job = Job(seed=2, cells=cells_of(logistic, [{"inner_folds": (2, 3)}]))
    assert do(job, tested) == do(job, tested)
