from __future__ import annotations

import numpy as np
import pytest

from mien.errors import DatasetError
from mien.head.split import hidden_split, least_units, stratified_folds

SIZES = [51, 49, 50, 46, 50]  # the study's classes
Y = np.repeat(np.arange(5), SIZES)


def test_each_class_holds_out_fifteen_percent_rounded_up() -> None:
    train, held_out = hidden_split(Y, n_classes=5, fraction=0.15, rng=np.random.default_rng(0))
    assert np.bincount(Y[held_out]).tolist() == [8, 8, 8, 7, 8]
    assert len(train) == 246 - 39


def test_every_photo_is_on_one_side() -> None:
    train, held_out = hidden_split(Y, n_classes=5, fraction=0.15, rng=np.random.default_rng(1))
    assert sorted([*train, *held_out]) == list(range(246))


def test_the_seed_decides_the_split_and_the_order() -> None:
    def split(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        return hidden_split(Y, n_classes=5, fraction=0.15, rng=rng)[0].tolist()

    assert split(3) == split(3)
    assert split(3) != split(4)
    assert split(3) != sorted(split(3))


def test_nothing_is_held_out_when_nothing_is_asked_for() -> None:
    train, held_out = hidden_split(Y, n_classes=5, fraction=0, rng=np.random.default_rng(0))
    assert len(train) == 246
    assert len(held_out) == 0


def test_a_class_with_one_photo_is_refused() -> None:
    with pytest.raises(DatasetError, match="class number 1 has 1 photos"):
        hidden_split(np.array([0, 0, 1]), n_classes=2, fraction=0.15, rng=np.random.default_rng(0))


def test_folds_spread_each_class_and_the_whole_evenly() -> None:
    fold = stratified_folds(Y, folds=10, rng=np.random.default_rng(0))
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1
    for number in range(5):
        share = np.bincount(fold[np.equal(Y, number)], minlength=10)
        assert share.max() - share.min() <= 1


def test_more_folds_than_photos_of_a_class_are_refused() -> None:
    with pytest.raises(DatasetError, match="class number 3 has 46 photos, 47 folds need 47"):
        stratified_folds(Y, folds=47, rng=np.random.default_rng(0))


def in_units(rng: np.random.Generator) -> np.ndarray:
    """Persons with one to four photos each, of any classes."""
    sizes = rng.integers(1, 5, size=200)
    return np.repeat(np.arange(200), sizes)[: len(Y)][rng.permutation(len(Y))]


@pytest.mark.parametrize("seed", range(5))
def test_photos_that_belong_together_share_a_fold_and_classes_stay_even(seed: int) -> None:
    units = in_units(np.random.default_rng(seed))
    fold = stratified_folds(Y, folds=5, rng=np.random.default_rng(seed), units=units)
    for unit in np.unique(units):
        assert len(np.unique(fold[units == unit])) == 1
    for number, size in enumerate(SIZES):
        share = np.bincount(fold[np.equal(Y, number)], minlength=5)
        assert np.abs(share - size / 5).max() <= 3


def test_units_of_one_photo_each_are_dealt_as_if_there_were_none() -> None:
    apart = np.random.default_rng(1).permutation(len(Y))
    given = stratified_folds(Y, folds=10, rng=np.random.default_rng(2), units=apart)
    assert (given == stratified_folds(Y, folds=10, rng=np.random.default_rng(2))).all()


def test_the_seed_deals_units_anew() -> None:
    units = in_units(np.random.default_rng(0))
    one, same, other = (
        stratified_folds(Y, folds=5, rng=np.random.default_rng(seed), units=units)
        for seed in (3, 3, 4)
    )
    assert (one == same).all()
    assert (one != other).any()


def test_a_class_of_fewer_persons_than_folds_is_refused() -> None:
    y, units = np.repeat([0, 1], 10), np.concatenate([np.arange(10), np.arange(10) // 4 + 10])
    assert least_units(y, units=units) == 3
    with pytest.raises(DatasetError, match="class number 1 has 3 persons"):
        stratified_folds(y, folds=5, rng=np.random.default_rng(0), units=units)


def test_persons_who_force_a_class_into_one_fold_are_refused() -> None:
    y = np.array([1] * 100 + [0, 2] * 40 + [0, 2] * 40 + [1])
    units = np.repeat([0, 1, 2], [100, 80, 81])
    with pytest.raises(DatasetError, match="class number 1 has no photo to train on"):
        stratified_folds(y, folds=2, rng=np.random.default_rng(0), units=units)
