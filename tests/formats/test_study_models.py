"""The study's own 22 models: read without Keras, they answer what Keras answered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.formats.keras_files import keras_h5_bytes
from mien.formats.keras_h5 import read_keras_h5
from mien.image.decode import decode
from mien.image.preprocessing import Preprocessing

pytestmark = [pytest.mark.study, pytest.mark.slow]


@pytest.fixture(scope="module")
def photos(shared: Path) -> np.ndarray:
    steps = Preprocessing.parse("crop:centre | resize:224:lanczos | scale:-1:1")
    files = sorted(
        (shared / "paper" / "test").glob("*/*"), key=lambda p: int(p.stem.removeprefix("test_data"))
    )
    return np.stack([steps.apply(decode(path.read_bytes())) for path in files])


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "paper" / "reference.json").read_text())["models"]


def test_all_22_models_answer_as_keras_did(
    shared: Path, photos: np.ndarray, reference: dict
) -> None:
    assert len(reference) == 22
    digests = set()
    for name, told in reference.items():
        imported = read_keras_h5(shared / "paper" / "models" / name / "keras_model.h5")
        model = imported.model()
        digests.add(imported.weights.sha256)
        probs = model.probs(photos)
        assert [model.labels[i] for i in probs.argmax(axis=1)] == told["predicted"], name
        np.testing.assert_allclose(
            probs.max(axis=1), told["probability_of_predicted"], atol=0.005, err_msg=name
        )
    assert digests == {"993e13205ae53b2aef0231f1625df8133e523d0dbb91f01a70fa3a629e290141"}


def test_a_model_of_the_study_goes_out_as_keras_and_comes_back_the_same(
    shared: Path, photos: np.ndarray, tmp_path: Path
) -> None:
    first = read_keras_h5(
        shared / "paper" / "models" / "epochs-450_lr-0.001" / "keras_model.h5"
    ).model()
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(first))
    second = read_keras_h5(tmp_path / "keras_model.h5").model(labels=first.labels)
    np.testing.assert_allclose(second.probs(photos[:5]), first.probs(photos[:5]), atol=1e-6)
