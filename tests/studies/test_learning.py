from __future__ import annotations

import numpy as np
import pytest

from mien.head.recipe import Recipe
from mien.studies.executors import serial
from mien.studies.jobs import Material
from mien.studies.learning import (
    LEAST_PER_CLASS,
    Portion,
    _subset,
    ask_portions,
    crossed,
    forecast,
    sizes_of,
)


def test_sizes_rise_to_the_smallest_class() -> None:
    assert sizes_of(46)[-1] == 46
    assert list(sizes_of(46)) == sorted(set(sizes_of(46)))
    assert min(sizes_of(5)) >= LEAST_PER_CLASS


def test_smaller_portions_lie_in_larger_ones() -> None:
    y = np.arange(60) % 3
    small = _subset(y, Portion(seed=4, counts=(3, 3, 3)))
    large = _subset(y, Portion(seed=4, counts=(9, 9, 9)))
    assert set(small) <= set(large)
    assert np.bincount(y[small]).tolist() == [3, 3, 3]
    assert set(small) != set(_subset(y, Portion(seed=5, counts=(3, 3, 3))))


@pytest.mark.parametrize("kind", ["tested", "untested"])
def test_more_photos_are_better_on_clouds(
    kind: str, logistic: Recipe, request: pytest.FixtureRequest
) -> None:
    material: Material = request.getfixturevalue(kind)
    plans = [(2, 2, 2), (8, 8, 8)]
    portions = [Portion(seed=seed, counts=counts) for seed in range(6) for counts in plans]
    answers = ask_portions(portions, recipe=logistic, material=material, way=serial)
    y_true = np.arange(20) % 3 if kind == "tested" else material.y
    few, many = (
        np.mean([answers[Portion(seed=s, counts=counts)] == y_true for s in range(6)])
        for counts in plans
    )
    assert many > few + 0.05


def test_the_crossed_interval_of_a_mean_covers_it() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        photos, seeds = rng.normal(0, 0.3, (1, 40)), rng.normal(0, 0.05, (8, 1))
        table = 0.2 + photos + seeds + rng.normal(0, 0.3, (8, 40))
        found = crossed(table, method="crossed")
        held += found.low <= 0.2 <= found.high
    assert held / 200 >= 0.93  # the method errs to the careful side: 0.95 nominal


def test_intervals_that_hold_together_are_wider() -> None:
    table = np.random.default_rng(0).normal(size=(5, 30))
    alone, together = crossed(table, method="m"), crossed(table, method="m", n_together=5)
    assert together.high - together.low > alone.high - alone.low


def test_a_curve_that_follows_the_power_law_is_continued() -> None:
    rng = np.random.default_rng(0)
    sizes = [8, 11, 16, 23, 32]
    truth = [0.9 - 0.8 * m**-0.5 for m in [*sizes, 64]]
    right = [rng.random((20, 400)) < accuracy for accuracy in truth[:-1]]
    found = forecast(sizes, right, rng=np.random.default_rng(1))
    assert found is not None
    assert found.per_class == 64
    assert found.accuracy.value == pytest.approx(truth[-1], abs=0.05)
    assert found.accuracy.low <= truth[-1] <= found.accuracy.high


def test_a_flat_curve_is_forecast_to_stay_flat() -> None:
    rng = np.random.default_rng(0)
    right = [rng.random((10, 200)) < 0.5 for _ in range(5)]
    found = forecast([8, 11, 16, 23, 32], right, rng=rng)
    assert found is not None
    assert found.accuracy.value == pytest.approx(0.5, abs=0.05)


def test_too_few_sizes_or_seeds_give_no_forecast() -> None:
    rng = np.random.default_rng(0)
    three = [np.ones((3, 10), bool)] * 3
    assert forecast([4, 6, 8], three, rng=rng) is None
    assert forecast([4, 6, 8, 11], [np.ones((1, 10), bool)] * 4, rng=rng) is None
