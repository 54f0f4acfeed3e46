"""Every export, opened by the program that people open it with.

These need what `make consumers` installs: LiteRT and Keras 3 from the extra ``consumers``, Node's
`@tensorflow/tfjs` and `@teachablemachine/image` in the folder that MIEN_NODE_MODULES names, a
Chromium, and for the formats of TensorFlow a Python with the extra ``tensorflow`` that
MIEN_TENSORFLOW_PYTHON names. Without MIEN_CONSUMERS=1 the folder is not collected; with it,
nothing here skips: what is missing fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.consumers.conftest import Export, run_python

from mien.formats.catalogue import EXPORTERS
from mien.formats.importers import read_foreign

pytestmark = [pytest.mark.slow, pytest.mark.network]
# A mirror average is three plain layers more: asked of every kind of file that holds layers.
MIRRORED = ("onnx", "keras", "tfjs", "litert")


@pytest.mark.parametrize("name", EXPORTERS)
def test_every_consumer_is_here_and_answers_like_the_model(name: str, exported: Export) -> None:
    parity = exported(name).record.parity
    unchecked = [f"{one.consumer}: {one.reason}" for one in parity if not one.checked]
    assert not unchecked, unchecked


@pytest.mark.parametrize("name", MIRRORED)
def test_every_consumer_averages_with_the_mirror_image_where_the_model_does(
    name: str, exported: Export
) -> None:
    parity = exported(name, mirror_average=True).record.parity
    unchecked = [f"{one.consumer}: {one.reason}" for one in parity if not one.checked]
    assert not unchecked, unchecked


@pytest.mark.parametrize("name", ["keras", "savedmodel", "litert", "litert-int8", "tfjs"])
def test_what_was_written_comes_back(name: str, exported: Export) -> None:
    one = exported(name)
    back = read_foreign(one.folder).model()
    images = np.random.default_rng(1).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    assert back.labels == one.model.labels
    # The range of a browser's file differs at the picture's edge alone: see `tfjs.for_browser`.
    atol = {"tfjs": 2e-3, "litert-int8": 0.1}.get(name, 1e-4)
    scaled = (images * 127.5 + 127.5) / 127 - 1 if name == "tfjs" else images
    np.testing.assert_allclose(back.probs(scaled), one.model.probs(images), atol=atol)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, tensorflow_python: str) -> Path:
    """Models that TensorFlow wrote without mien."""
    folder = tmp_path_factory.mktemp("theirs")
    script = Path(__file__).with_name("tensorflow_models.py")
    run_python(tensorflow_python, str(script), str(folder))
    return folder


def test_a_savedmodel_of_tf_keras_is_read_without_tensorflow(theirs: Path) -> None:
    back = read_foreign(theirs / "model.savedmodel").model()
    told = np.load(theirs / "savedmodel.npy")
    np.testing.assert_allclose(back.probs(np.load(theirs / "images.npy")), told, atol=1e-4)


def test_an_embedded_model_of_tensorflows_converter_answers_the_same(theirs: Path) -> None:
    pictures = np.repeat(np.load(theirs / "pictures.npy"), 3, axis=3)
    told = np.load(theirs / "embedded.npy")
    float_ = read_foreign(theirs / "embedded.tflite").model()
    np.testing.assert_allclose(float_.probs(pictures), told, atol=1e-4)
    # Its weights are rounded to int8; its activations are not, here.
    int8 = read_foreign(theirs / "embedded-int8.tflite").model()
    np.testing.assert_allclose(int8.probs(pictures), told, atol=0.02)


def test_keras_on_jax_answers_the_same_and_what_it_saves_is_read_without_keras(
    exported: Export, tmp_path: Path
) -> None:
    one = exported("keras")
    images = np.random.default_rng(1).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    script = (
        "import os, sys, numpy as np;"
        "os.environ['XLA_FLAGS'] = '--xla_backend_optimization_level=0';"
        "os.environ['KERAS_BACKEND'] = 'jax'; import keras, jax;"
        "model = keras.models.load_model(sys.argv[1], compile=False); model.save(sys.argv[2]);"
        "answer = jax.jit(lambda x: model(x, training=False));"
        "np.save('probs.npy', answer(np.load('images.npy')))"
    )
    saved = tmp_path / "again.keras"
    file = str(one.folder / "keras_model.h5")
    run_python(sys.executable, "-c", script, file, str(saved), cwd=tmp_path)
    probs = one.model.probs(images)
    np.testing.assert_allclose(np.load(tmp_path / "probs.npy"), probs, atol=1e-4)
    np.testing.assert_allclose(read_foreign(saved).model().probs(images), probs, atol=1e-5)
