"""`mien test --preprocessing`: a name, all of them, or the printed form."""

from __future__ import annotations

import numpy as np
import pytest

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.errors import RecipeError
from mien.image.catalogue import PREPROCESSINGS
from mien.model import Model
from mien.records import Dense, Head
from mien.workflows.test import ways_to_look

BACKBONE = random_backbone(seed=0, size_px=32)
OWN = "orient | crop:centre | resize:32:area | scale:-1:1"
MODEL = Model(
    labels=("calm", "sad"),
    preprocessing=OWN,
    backbone=fold(BACKBONE.weights),
    backbone_name="random",
    backbone_sha256=BACKBONE.weights.sha256,
    head=Head(
        layers=(Dense(kernel=np.zeros((1280, 2), np.float32), bias=None, activation="softmax"),)
    ),
)


def test_all_is_the_models_own_way_and_teachable_machines_five_at_the_models_size() -> None:
    ways = ways_to_look(MODEL, "all")
    assert ways[0] == OWN
    assert {name for name in PREPROCESSINGS if name.startswith("tm-")} == {
        "tm-browser", "tm-keras", "tm-opencv", "tm-edge-tpu", "tm-converter",
    }  # fmt: skip
    assert len(ways) == 1 + len(PREPROCESSINGS)
    assert all("resize:32:" in way for way in ways)


def test_a_name_and_a_printed_form_are_both_understood() -> None:
    assert ways_to_look(MODEL, "tm-browser") == (
        "orient | crop:centre | resize:32:bilinear | divide:127:minus:1",
    )
    assert ways_to_look(MODEL, "resize:32:area|scale:-1:1") == ("resize:32:area | scale:-1:1",)
    with pytest.raises(RecipeError, match="nonsense"):
        ways_to_look(MODEL, "nonsense")
