"""Every reader of a foreign format gives back the model that was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.formats import samples
from tests.formats.lite_files import write_embedded

from mien.formats.catalogue import labels_bytes, zip_bytes
from mien.formats.importers import is_foreign, read_foreign
from mien.formats.keras_files import keras_bytes, keras_h5_bytes
from mien.formats.keras_h5 import read_keras_h5
from mien.formats.project import is_project
from mien.formats.tfjs import for_browser, read_tfjs, tfjs_files
from mien.formats.tflite import read_tflite
from mien.model import Model, model_bytes, model_from_bytes


@pytest.mark.parametrize("which", ["model", "mirrored"])
def test_a_keras_file_that_mien_wrote_comes_back_with_the_same_answers(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, images: np.ndarray
) -> None:
    model: Model = request.getfixturevalue(which)
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(model))
    (tmp_path / "labels.txt").write_bytes(labels_bytes(model))
    back = read_foreign(tmp_path).model()
    assert back.labels == model.labels
    np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-6)


@pytest.mark.parametrize("which", ["model", "mirrored"])
def test_a_tfjs_export_comes_back_from_folder_zip_and_json(
    which: str, request: pytest.FixtureRequest, tmp_path: Path, images: np.ndarray
) -> None:
    model: Model = for_browser(request.getfixturevalue(which))
    files = tfjs_files(request.getfixturevalue(which))
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (tmp_path / "model.zip").write_bytes(zip_bytes(files))
    for path in (folder, folder / "model.json", tmp_path / "model.zip"):
        assert is_foreign(path)
        back = read_foreign(path).model()
        assert back.labels == model.labels
        assert back.preprocessing == model.preprocessing
        np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-6)


def test_for_the_browser_the_models_range_is_moved_into_its_first_layer(model: Model) -> None:
    other = for_browser(model)
    assert other.preprocessing.endswith("| divide:127:minus:1")
    grey = np.full((1, 32, 32, 3), 200, np.float32)
    ours, theirs = model.probs(grey / 127.5 - 1), other.probs(grey / 127 - 1)
    unmoved = model.probs(grey / 127 - 1)
    assert np.abs(ours - theirs).max() < 0.5 * np.abs(ours - unmoved).max()
    # Twice is once: what is in the browser's range already stays as it is.
    np.testing.assert_allclose(for_browser(other).probs(grey / 127 - 1), theirs, atol=1e-6)


def test_a_float_tflite_comes_back_with_the_same_answers(
    lite: bytes, model: Model, tmp_path: Path, images: np.ndarray
) -> None:
    path = tmp_path / "model_unquant.tflite"
    path.write_bytes(lite)
    assert is_foreign(path)
    back = read_foreign(path).model()
    np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-6)


def test_a_quantised_tflite_comes_back_with_nearly_the_same_weights(
    lite_int8: bytes, model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(lite_int8)
    back = read_tflite(path)
    ours, theirs = model.backbone.arrays, back.weights.arrays
    for name, array in ours.items():
        step = np.abs(array).max() / 127
        assert np.abs(array - theirs[name]).max() <= step * 0.51, name


@pytest.mark.parametrize("flat_by_hand", [False, True])
def test_the_small_grey_embedded_model_comes_back_with_the_same_answers(
    flat_by_hand: bool, embedded: Model, tmp_path: Path
) -> None:
    path = tmp_path / "vww_96_grayscale_quantized.tflite"
    path.write_bytes(write_embedded(embedded, quantise=False, flat_by_hand=flat_by_hand))
    grey = np.random.default_rng(3).uniform(-1, 1, (3, 96, 96, 1)).astype(np.float32)
    images = np.repeat(grey, 3, axis=3)
    back = read_foreign(path).model(labels=embedded.labels)
    assert back.preprocessing == embedded.preprocessing
    np.testing.assert_allclose(back.probs(images), embedded.probs(images), atol=1e-6)
    # It becomes a model of mien's like any other.
    again = model_from_bytes(model_bytes(back), name="x")
    np.testing.assert_array_equal(again.probs(images), back.probs(images))


def test_an_embedded_model_in_int8_has_nearly_the_same_weights(
    embedded: Model, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(write_embedded(embedded, quantise=True))
    theirs = read_tflite(path).weights.arrays
    for name, array in embedded.backbone.arrays.items():
        step = np.abs(array).max() / 127
        assert np.abs(array - theirs[name]).max() <= step * 0.51, name


def test_the_arduino_sketch_of_an_embedded_model_is_read_with_its_labels(
    tmp_path: Path,
) -> None:
    (tmp_path / "model.tflite").write_bytes(samples.embedded())
    path = tmp_path / "arduino_sketch.zip"
    path.write_bytes(samples.sketch())
    assert not is_project(path)
    images = np.zeros((1, 96, 96, 3), np.float32)
    back = read_foreign(path).model()
    assert back.labels == ("calm", "happy")
    plain = read_tflite(tmp_path / "model.tflite").model()
    np.testing.assert_array_equal(back.probs(images), plain.probs(images))


@pytest.mark.parametrize("which", ["model", "mirrored", "embedded"])
def test_a_keras_zip_comes_back_with_the_same_answers(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model: Model = request.getfixturevalue(which)
    side = model.size_px
    images = np.random.default_rng(4).uniform(-1, 1, (2, side, side, 3)).astype(np.float32)
    (tmp_path / "labels.txt").write_bytes(labels_bytes(model))
    (tmp_path / "model.keras").write_bytes(keras_bytes(model))
    zipped = tmp_path / "export.zip"
    zipped.write_bytes(zip_bytes({p.name: p.read_bytes() for p in tmp_path.iterdir()}))
    for path in (tmp_path / "model.keras", tmp_path, zipped):
        assert is_foreign(path)
        back = read_foreign(path).model()
        assert back.labels == model.labels
        np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-6)


def test_an_embedded_model_goes_out_as_keras_and_tfjs_and_comes_back(
    embedded: Model, tmp_path: Path
) -> None:
    images = np.random.default_rng(4).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(embedded))
    (tmp_path / "model.zip").write_bytes(zip_bytes(tfjs_files(embedded)))
    back = read_keras_h5(tmp_path / "keras_model.h5").model(labels=embedded.labels)
    np.testing.assert_allclose(back.probs(images), embedded.probs(images), atol=1e-6)
    moved = for_browser(embedded)
    back = read_tfjs(tmp_path / "model.zip").model()
    np.testing.assert_allclose(back.probs(images), moved.probs(images), atol=1e-6)


def test_a_savedmodel_comes_back_with_the_same_answers(
    savedmodel: Path, model: Model, images: np.ndarray
) -> None:
    assert is_foreign(savedmodel)
    back = read_foreign(savedmodel).model()
    assert back.labels == model.labels
    np.testing.assert_allclose(back.probs(images), model.probs(images), atol=1e-6)


def test_a_zip_of_any_export_is_read_without_unpacking_it_first(
    lite: bytes, model: Model, savedmodel: Path, tmp_path: Path
) -> None:
    labels = labels_bytes(model)
    saved = {
        f"model.savedmodel/{p.relative_to(savedmodel).as_posix()}": p.read_bytes()
        for p in savedmodel.rglob("*")
        if p.is_file() and p.name != "labels.txt"
    }
    for name, files in {
        "keras": {"keras_model.h5": keras_h5_bytes(model), "labels.txt": labels},
        "lite": {"model_unquant.tflite": lite, "labels.txt": labels},
        "saved": {**saved, "labels.txt": labels},
    }.items():
        path = tmp_path / f"{name}.zip"
        path.write_bytes(zip_bytes(files))
        assert read_foreign(path).labels == model.labels, name


def test_the_same_weights_have_one_digest_in_h5_and_tfjs(model: Model, tmp_path: Path) -> None:
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(for_browser(model)))
    (tmp_path / "model.zip").write_bytes(zip_bytes(tfjs_files(model)))
    one = read_keras_h5(tmp_path / "keras_model.h5").weights.sha256
    assert one == read_tfjs(tmp_path / "model.zip").weights.sha256


def test_a_model_without_labels_counts_its_classes(model: Model, tmp_path: Path) -> None:
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(model))
    back = read_keras_h5(tmp_path / "keras_model.h5").model()
    assert back.labels == ("class 1", "class 2", "class 3")


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        ("0 calm\n1 happy\n", "2 labels for a model of 3"),
        ("0 calm\n1 happy\n2 happy\n", "stands for two classes"),
        ("0 calm\n2 happy\n1 sad\n", "numbers its labels"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_wrong_labels_are_refused(
    labels: str | bytes, word: str, model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "keras_model.h5").write_bytes(keras_h5_bytes(model))
    data = labels if isinstance(labels, bytes) else labels.encode()
    (tmp_path / "labels.txt").write_bytes(data)
    assert word in refused(lambda: read_keras_h5(tmp_path / "keras_model.h5").model())


def test_what_is_no_model_is_named_as_what_it_is(
    model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    cases = {
        "text.h5": (b"hello, world, this is text", "no model that mien knows"),
        "empty.h5": (b"", "is empty: it has 0 bytes"),
        "project.tm": (zip_bytes({"manifest.json": b"{}"}), "project, not a model"),
        "other.zip": (zip_bytes({"readme.txt": b"hello"}), "no model that mien knows"),
        "broken.zip": (b"PK\x03\x04 no zip", "cannot be read as a zip"),
    }
    for name, (data, word) in cases.items():
        (tmp_path / name).write_bytes(data)
        assert word in refused(read_foreign, tmp_path / name), name
    empty = tmp_path / "folder"
    empty.mkdir()
    assert "no model that mien knows" in refused(read_foreign, empty)
    assert "cannot read" in refused(read_foreign, tmp_path / "absent.h5")
