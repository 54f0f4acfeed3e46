"""Clouds of points in place of embeddings: enough for every part of a study."""

from __future__ import annotations

import numpy as np
import pytest

from mien.head.recipe import Recipe, recipe_from
from mien.studies.jobs import Embeddings, Material, look_of

C, D = 3, 12


def clouds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % C
    return (1.5 * np.eye(C, D)[y] + rng.normal(size=(n, D))).astype(np.float32), y


@pytest.fixture
def logistic() -> Recipe:
    return recipe_from("teachable-machine", head="logistic", l2_strengths="1/100", inner_folds=3)


@pytest.fixture
def tested(logistic: Recipe) -> Material:
    """Training photos, and 20 test photos of which the last has no embedding."""
    train, y = clouds(30, seed=0)
    test, _ = clouds(20, seed=1)
    test[-1] = np.nan
    look = Embeddings(train=train, train_mirrored=None, test=test, test_mirrored=None)
    return Material(looks={look_of(logistic): look}, y=y, n_classes=C, folds=5)


@pytest.fixture
def untested(logistic: Recipe) -> Material:
    train, y = clouds(30, seed=0)
    look = Embeddings(train=train, train_mirrored=None, test=None, test_mirrored=None)
    return Material(looks={look_of(logistic): look}, y=y, n_classes=C, folds=5)
