"""Every export, opened by the program that people open it with.

These need what `make consumers` installs: LiteRT and Keras 3 from the extra ``consumers``, Node's
`@tensorflow/tfjs` and `@teachablemachine/image` in the folder that MIEN_NODE_MODULES names, a
Chromium, and for the formats of TensorFlow a Python with the extra ``tensorflow`` that
MIEN_TENSORFLOW_PYTHON names. Without MIEN_CONSUMERS=1 they are skipped, and say so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.backbone.mobilenet_v2 import fold
from mien.backbone.weights import random_backbone
from mien.dataset.drawn import draw_dataset
from mien.formats.catalogue import EXPORTERS
from mien.formats.importers import read_foreign
from mien.model import Model, write_model
from mien.records import Dense, Head
from mien.workflows.export import export

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(
        os.environ.get("MIEN_CONSUMERS") != "1",
        reason="MIEN_CONSUMERS is not 1: run `make consumers`",
    ),
]


def make_model(**changes: Any) -> Model:
    rng = np.random.default_rng(0)
    backbone = random_backbone(seed=0, size_px=64)
    hidden = Dense(
        kernel=rng.normal(0, 0.05, (1280, 20)).astype(np.float32),
        bias=rng.normal(0, 0.1, 20).astype(np.float32),
        activation="relu",
    )
    last = Dense(
        kernel=rng.normal(0, 0.5, (20, 3)).astype(np.float32), bias=None, activation="softmax"
    )
    return Model(
        labels=("calm", "happy", "sad"),
        preprocessing="orient | crop:centre | resize:64:lanczos | scale:-1:1",
        backbone=fold(backbone.weights),
        backbone_name="random",
        backbone_sha256=backbone.weights.sha256,
        head=Head(layers=(hidden, last)),
        **changes,
    )


@pytest.mark.parametrize("mirror_average", [False, True], ids=["plain", "mirrored"])
@pytest.mark.parametrize("name", EXPORTERS)
def test_every_consumer_is_here_and_answers_like_the_model(
    name: str, mirror_average: bool, tmp_path: Path
) -> None:
    model = make_model(mirror_average=mirror_average)
    write_model(tmp_path / "model.onnx", model)
    photos = None
    if EXPORTERS[name].calibrated:
        photos = tmp_path / "photos"
        draw_dataset(photos, n_per_class=4, seed=1, test_per_class=0, size_px=96)
        photos = photos / "train" if (photos / "train").is_dir() else photos
    record = export(tmp_path / "model.onnx", to=name, out=tmp_path / "out", photos=photos)
    unchecked = [f"{one.consumer}: {one.reason}" for one in record.parity if not one.checked]
    assert not unchecked, unchecked


@pytest.mark.parametrize("name", ["savedmodel", "litert"])
def test_what_tensorflow_wrote_comes_back(name: str, tmp_path: Path) -> None:
    model = make_model()
    write_model(tmp_path / "model.onnx", model)
    export(tmp_path / "model.onnx", to=name, out=tmp_path / "out")
    back = read_foreign(tmp_path / "out").model()
    images = np.random.default_rng(1).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    assert back.labels == model.labels
    np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-4)
