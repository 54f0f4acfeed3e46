"""Crafted files: whatever is not as it should be is refused, and named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.formats import lite_files, samples

from mien.errors import ModelError
from mien.formats.catalogue import EXPORTERS, zip_bytes
from mien.formats.importers import read_foreign
from mien.formats.keras_files import keras_h5_bytes
from mien.formats.keras_h5 import read_keras_h5
from mien.formats.savedmodel import read_savedmodel
from mien.formats.tfjs import read_tfjs, tfjs_files
from mien.model import Model
from mien.workflows.models import open_model


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


HOSTILE_SOURCE = {
    "no array": (b"int x = 1;", "no model as C source"),
    "an array of something else": (b"char d[] = { 0x01, 0x02 };", "no model as C source"),
    "a model cut short": (
        b"char d[] = { " + b", ".join(b"0x%02x" % byte for byte in samples.embedded()[:64]) + b"};",
        "damaged",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_SOURCE)
def test_a_sketch_without_a_sound_model_is_refused(
    name: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    source, word = HOSTILE_SOURCE[name]
    path = tmp_path / "sketch.zip"
    path.write_bytes(zip_bytes({"person_detect_model_data.cpp": source}))
    assert word in refused(read_foreign, path)


def change_keras(model: Model, change: Callable[[dict, h5py.File], None]) -> bytes:
    """A `.keras` file, its description and its arrays changed."""
    parts = samples.keras()
    config, buffer = json.loads(parts["config.json"]), io.BytesIO(parts["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(config, file)
    changed = {"config.json": json.dumps(config).encode(), "model.weights.h5": buffer.getvalue()}
    return zip_bytes(parts | changed)


def keras_dense(config: dict) -> dict:
    return config["config"]["layers"][2]["config"]["layers"][1]


KERAS_DENSE = "layers/sequential_1/layers/dense/vars"
HOSTILE_KERAS: dict[str, tuple[Callable[[dict, h5py.File], object], str]] = {
    "a Lambda": (lambda c, _: keras_dense(c).update(class_name="Lambda"), "Lambda"),
    "no layers": (lambda c, _: c.pop("config"), "lists no layers"),
    "a layer that is a number": (
        lambda c, _: c["config"]["layers"].append(7),
        "something that is no layer",
    ),
    "an array less": (lambda _, f: f.__delitem__(f"{KERAS_DENSE}/1"), "bias' is missing"),
    "an array more": (
        lambda _, f: f[KERAS_DENSE].create_dataset("2", data=np.zeros(1, np.float32)),
        "expected 2 arrays",
    ),
    "a soft link": (
        lambda _, f: (
            f.__delitem__(f"{KERAS_DENSE}/0"),
            f.__setitem__(f"{KERAS_DENSE}/0", h5py.SoftLink(f"/{KERAS_DENSE}/1")),
        ),
        "is a link",
    ),
    "a group for an array": (
        lambda _, f: (
            f.__delitem__(f"{KERAS_DENSE}/0"),
            f[KERAS_DENSE].create_group("0"),
        ),
        "is no array",
    ),
    "no weights of a layer": (lambda _, f: f.__delitem__("layers/sequential_1"), "has no group"),
}


@pytest.mark.parametrize("name", HOSTILE_KERAS)
def test_a_keras_zip_with_anything_unexpected_is_refused(
    name: str, model: Model, tmp_path: Path, refused: Callable[..., str]
) -> None:
    change, word = HOSTILE_KERAS[name]
    path = tmp_path / "model.keras"
    path.write_bytes(change_keras(model, change))
    assert word in refused(read_foreign, path)


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


@pytest.mark.parametrize("name", ["text.h5", "some.zip", "thing.tm", "labels.txt"])
def test_what_is_no_model_is_called_so_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("hello")
    with pytest.raises(ModelError, match="is no model") as caught:
        open_model(tmp_path / name)
    assert "TensorFlow.js" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "word"), [("model-uint8.onnx", "takes bytes"), ("model-int8.onnx", "int8")]
)
def test_an_onnx_variant_for_other_programs_is_named(
    name: str, word: str, model: Model, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(EXPORTERS["onnx"].files(model, None)[name])
    with pytest.raises(ModelError, match=word) as caught:
        open_model(tmp_path / name)
    assert "model.onnx" in caught.value.hint


def test_a_lite_file_that_is_cut_short_is_called_so(lite: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(lite[:5000])
    with pytest.raises(ModelError, match="cut short"):
        read_foreign(tmp_path / "model.tflite")


@pytest.mark.parametrize("code", [lite_files.CONV, lite_files.DEPTHWISE, lite_files.DENSE])
def test_a_lite_file_with_a_layer_without_a_kernel_is_refused(code: int, tmp_path: Path) -> None:
    lite = lite_files.LiteWriter(quantise=False)
    x = first = lite.tensor([1, 96, 96, 3])
    for _ in range(3):
        x = lite.operator(code, [x], {})
    (tmp_path / "model.tflite").write_bytes(lite.file(first, x))
    with pytest.raises(ModelError, match="has 1 inputs and 1 outputs; expected at least 2"):
        read_foreign(tmp_path / "model.tflite")
