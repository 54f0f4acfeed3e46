"""A small backbone of random weights and a few drawn faces: enough for every workflow."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mien.backbone.weights import Backbone, random_backbone
from mien.dataset.drawn import draw_dataset
from mien.head import recipe as recipes

SIZE_PX = 32
PREPROCESSING = f"orient | crop:centre | resize:{SIZE_PX}:area | scale:-1:1"


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``train/`` and ``test/``: three classes, 12 and 4 photos each. Not written."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_dataset(
        folder,
        classes=("angry", "happy", "surprise"),
        n_per_class=12,
        seed=3,
        test_per_class=4,
        size_px=96,
    )
    return folder


@pytest.fixture
def small_backbone(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """Let the recipes `small` (mlp) and `small-logistic` stand on a backbone of random weights."""
    backbone = random_backbone(0, size_px=SIZE_PX)
    monkeypatch.setattr("mien.workflows.embedder.load_backbone", lambda _: backbone)
    small = dataclasses.replace(
        recipes.RECIPES["teachable-machine"],
        name="small",
        preprocessing=PREPROCESSING,
        epochs=20,
        hidden_units=16,
    )
    logistic = dataclasses.replace(
        small, name="small-logistic", head="logistic", average_mirror=True, inner_folds=3
    )
    more = {**recipes.RECIPES, "small": small, "small-logistic": logistic}
    monkeypatch.setattr(recipes, "RECIPES", more)
    return backbone
