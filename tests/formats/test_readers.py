"""Every reader of a foreign format gives back the model that was written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mien.formats.catalogue import labels_bytes, zip_bytes
from mien.formats.importers import is_foreign, read_foreign
from mien.formats.keras_files import keras_bytes, keras_h5_bytes
from mien.formats.keras_h5 import read_keras_h5
from mien.formats.savedmodel import read_savedmodel
from mien.formats.tfjs import for_browser, read_tfjs, tfjs_files
from mien.formats.tflite import read_tflite
from mien.model import Model


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


def change_h5(path: Path, change: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def change_config(file: h5py.File, change: Callable[[dict], None]) -> None:
    config = json.loads(file.attrs["model_config"])
    change(config)
    file.attrs["model_config"] = json.dumps(config)


DENSE = "model_weights/sequential_2/dense_Dense1"


def soft_link(file: h5py.File) -> None:
    del file[f"{DENSE}/kernel:0"]
    file[f"{DENSE}/kernel:0"] = h5py.SoftLink("/model_weights/sequential_2/dense_Dense2/kernel:0")


def external_link(file: h5py.File) -> None:
    del file[f"{DENSE}/kernel:0"]
    file[f"{DENSE}/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_data(file: h5py.File) -> None:
    del file[f"{DENSE}/kernel:0"]
    file[DENSE].create_dataset(
        "kernel:0", (1280, 20), "<f4", external=[("/etc/passwd", 0, 1280 * 80)]
    )


def virtual_data(file: h5py.File) -> None:
    del file[f"{DENSE}/kernel:0"]
    layout = h5py.VirtualLayout((1280, 20), "<f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (1280, 20))
    file[DENSE].create_virtual_dataset("kernel:0", layout)


def replaced(array: np.ndarray, **settings: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[f"{DENSE}/kernel:0"]
        file[DENSE].create_dataset("kernel:0", data=array, **settings)

    return change


def huge(file: h5py.File) -> None:
    del file[f"{DENSE}/kernel:0"]
    file[DENSE].create_dataset("kernel:0", (1 << 20, 1 << 20), "<f4")


def head_layer(kind: str, **settings: object) -> Callable[[h5py.File], None]:
    def change(config: dict) -> None:
        layer = config["config"]["layers"][2]["config"]["layers"][1]
        layer["class_name"] = kind
        layer["config"] |= settings

    return lambda file: change_config(file, change)


def backbone_layer(number: int, **settings: object) -> Callable[[h5py.File], None]:
    def change(config: dict) -> None:
        inner = config["config"]["layers"][1]["config"]["layers"][1]["config"]["layers"]
        kind = settings.pop("kind", None)
        if kind:
            inner[number]["class_name"] = kind
        inner[number]["config"] |= settings

    return lambda file: change_config(file, change)


HOSTILE_H5 = {
    "a soft link": (soft_link, "is a link"),
    "an external link": (external_link, "is a link"),
    "external data": (external_data, "outside the file"),
    "virtual data": (virtual_data, "outside the file"),
    "compressed data": (
        replaced(np.zeros((1280, 20), np.float32), compression="gzip"),
        "compressed or chunked",
    ),
    "an absurd shape": (huge, "absurd shape"),
    "NaN weights": (replaced(np.full((1280, 20), np.nan, np.float32)), "NaN or infinity"),
    "float64 weights": (replaced(np.zeros((1280, 20))), "expected float32"),
    "a pickle": (replaced(np.array([b"\x80\x04."])), "expected float32"),
    "another shape": (replaced(np.zeros((1280, 21), np.float32)), "dense_Dense1/kernel"),
    "a Lambda": (head_layer("Lambda", function="import os"), "'Lambda'"),
    "a strange activation": (head_layer("Dense", activation="sigmoid"), "activation 'sigmoid'"),
    "a strange backbone": (backbone_layer(3, epsilon=1e-5), "epsilon"),
    "a Lambda within": (backbone_layer(4, kind="Lambda"), "'Lambda'"),
    "another stride": (backbone_layer(2, strides=[1, 1]), "'Conv1' has strides"),
    "a renamed layer": (backbone_layer(2, name="Conv9"), "Conv9"),
    "no configuration": (lambda file: file.attrs.pop("model_config"), "no 'model_config'"),
    "a configuration that is no JSON": (
        lambda file: file.attrs.__setitem__("model_config", "{"),
        "not JSON",
    ),
    "a configuration that is a number": (
        lambda file: file.attrs.__setitem__("model_config", 7),
        "no text",
    ),
    "a deeply nested configuration": (
        lambda file: file.attrs.__setitem__("model_config", "[" * 30000),
        "not JSON",
    ),
    "no weights": (lambda file: file.__delitem__("model_weights"), "no 'model_weights'"),
    "a missing weight": (lambda file: file.__delitem__(f"{DENSE}/bias:0"), "missing"),
    "a weight of no layer": (
        lambda file: file[DENSE].create_dataset("extra:0", data=np.zeros(1, np.float32)),
        "belongs to no layer",
    ),
    "too many objects": (
        lambda file: [file[DENSE].create_group(f"g{i}") for i in range(1500)],
        "more than",
    ),
    "groups in groups": (lambda file: file[DENSE].create_group("a/b/c/d/e/f/g/h/i"), "too deep"),
}


@pytest.mark.parametrize("name", HOSTILE_H5)
def test_an_h5_file_with_anything_unexpected_is_refused_and_it_is_named(
    name: str, model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = tmp_path / "keras_model.h5"
    path.write_bytes(keras_h5_bytes(model))
    change, word = HOSTILE_H5[name]
    change_h5(path, change)
    assert word in refused(read_keras_h5, path)


def test_what_is_no_model_is_named_as_what_it_is(
    model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    cases = {
        "text.h5": (b"hello, world, this is text", "no model that mien knows"),
        "empty.h5": (b"", "no model that mien knows"),
        "model.keras": (keras_bytes(model), ".keras file"),
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


def change_tfjs(model: Model, change: Callable[[dict], None]) -> bytes:
    files = tfjs_files(model)
    described = json.loads(files["model.json"])
    change(described)
    return zip_bytes(files | {"model.json": json.dumps(described).encode()})


HOSTILE_TFJS: dict[str, tuple[Callable[[dict], None], str]] = {
    "no topology": (lambda d: d.pop("modelTopology"), "holds no model"),
    "no manifest": (lambda d: d.pop("weightsManifest"), "lists no weights"),
    "a path outside": (
        lambda d: d["weightsManifest"][0].update(paths=["../../etc/passwd"]),
        "not there",
    ),
    "a quantised weight": (
        lambda d: d["weightsManifest"][0]["weights"][0].update(quantization={"scale": 1}),
        "not plain float32",
    ),
    "an absurd shape": (
        lambda d: d["weightsManifest"][0]["weights"][0].update(shape=[1 << 60]),
        "absurd shape",
    ),
    "a shape of words": (
        lambda d: d["weightsManifest"][0]["weights"][0].update(shape=["a"]),
        "absurd shape",
    ),
    "a large shape": (
        lambda d: d["weightsManifest"][0]["weights"][0].update(shape=[4096, 4096]),
        "cut short",
    ),
    "a weight less": (lambda d: d["weightsManifest"][0]["weights"].pop(), "more than its weights"),
    "a weight without a name": (
        lambda d: d["weightsManifest"][0]["weights"][0].pop("name"),
        "without a name",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_TFJS)
def test_a_tfjs_model_with_anything_unexpected_is_refused(
    name: str, model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    change, word = HOSTILE_TFJS[name]
    path = tmp_path / "model.zip"
    path.write_bytes(change_tfjs(model, change))
    assert word in refused(read_tfjs, path)


def test_metadata_of_a_tfjs_model_is_checked(
    model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = tmp_path / "model.zip"
    for data, word in (
        (b"{", "not JSON"),
        (b"[]", "no record"),
        (b'{"labels": [1]}', "expected a list"),
    ):
        path.write_bytes(zip_bytes(tfjs_files(model) | {"metadata.json": data}))
        assert word in refused(read_tfjs, path)


def test_a_savedmodel_that_lacks_a_file_says_which(
    savedmodel: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert "keras_metadata.pb" in refused(read_savedmodel, tmp_path)


def test_a_zip_that_would_leave_its_folder_is_refused(
    tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../keras_model.h5", b"")
    assert "leaves its folder" in refused(read_foreign, path)
