from __future__ import annotations

import numpy as np
import pytest

from mien.errors import DatasetError
from mien.head.split import hidden_split, stratified_folds

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
