"""The study's own `.h5`, in and out again: Keras 3 and tf-keras answer as the study's file did."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.formats.asking import CONSUMERS
from mien.formats.golden import unscaled
from mien.formats.keras_files import keras_bytes, keras_h5_bytes
from mien.formats.keras_h5 import read_keras_h5
from mien.image.decode import decode
from mien.image.preprocessing import Preprocessing
from mien.workflows.export import export

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.study]
NAME = "epochs-450_lr-0.001"


@pytest.fixture(scope="module")
def photos(shared: Path) -> np.ndarray:
    """The study's test photos in the order of its reference."""
    steps = Preprocessing.parse("crop:centre | resize:224:lanczos | scale:-1:1")
    files = sorted(
        (shared / "paper" / "test").glob("*/*"), key=lambda p: int(p.stem.removeprefix("test_data"))
    )
    return np.stack([steps.apply(decode(path.read_bytes())) for path in files])


def test_in_int8_at_most_one_answer_of_the_studys_30_is_another(
    shared: Path, tmp_path: Path, photos: np.ndarray
) -> None:
    source = shared / "paper" / "models" / NAME / "keras_model.h5"
    export(source, to="litert-int8", out=tmp_path, photos=shared / "paper" / "train")
    model = read_keras_h5(source).model()
    images = unscaled(photos, preprocessing=model.preprocessing)
    probs = CONSUMERS["litert"](tmp_path / "model.tflite", images).probs
    same = probs.argmax(axis=1) == model.probs(photos).argmax(axis=1)
    assert same.sum() >= len(photos) - 1
    # What it is for: two fifths of the float file's 2.1 MB.
    assert (tmp_path / "model.tflite").stat().st_size < 900_000


def test_keras_2_and_3_answer_the_studys_photos_as_its_reference_says(
    shared: Path, tmp_path: Path, photos: np.ndarray
) -> None:
    told = json.loads((shared / "paper" / "reference.json").read_text())["models"][NAME]
    model = read_keras_h5(shared / "paper" / "models" / NAME / "keras_model.h5").model()
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(model))
    (tmp_path / "model.keras").write_bytes(keras_bytes(model))
    assert os.environ["MIEN_TENSORFLOW_PYTHON"] != sys.executable
    for consumer, file in (
        ("keras", "keras_model.h5"),
        ("keras", "model.keras"),
        ("tf_keras", "keras_model.h5"),
    ):
        probs = CONSUMERS[consumer](tmp_path / file, photos).probs
        assert [model.labels[i] for i in probs.argmax(axis=1)] == told["predicted"], consumer
        # The reference has four digits: half of the last one beside the 1e-4 that are allowed.
        np.testing.assert_allclose(
            probs.max(axis=1), told["probability_of_predicted"], atol=1e-4 + 5e-5, err_msg=consumer
        )
