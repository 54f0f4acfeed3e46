from __future__ import annotations

import dataclasses

import numpy as np

from mien.head.recipe import Recipe
from mien.studies.executors import serial
from mien.studies.grid import cells_of
from mien.studies.jobs import Material
from mien.studies.nested import nested_choice

STRENGTHS = tuple((10.0**power,) for power in range(-2, 5))


def test_choosing_among_recipes_on_labels_without_meaning_is_worth_chance(
    untested: Material, logistic: Recipe
) -> None:
    shuffled = dataclasses.replace(untested, y=np.random.default_rng(5).permutation(untested.y))
    cells = cells_of(logistic, [{"l2_strengths": STRENGTHS}])
    found = nested_choice(cells, material=shuffled, way=serial)
    assert found.accuracy.low < 1 / 3 < found.accuracy.high


def test_a_grid_with_a_good_recipe_is_worth_it_and_says_what_was_chosen(
    tested: Material, logistic: Recipe
) -> None:
    cells = cells_of(logistic, [{"l2_strengths": ((1.0,), (1e8,))}])
    told: list[tuple[str, int, int]] = []
    found = nested_choice(
        cells, material=tested, way=serial, progress=lambda *what: told.append(what)
    )
    assert found.accuracy.value > 0.6
    assert len(found.chosen) == found.folds == 5
    assert "took no part in the choice" in found.sentence
    assert told[-1] == ("nested", 5, 5)
