"""A small model of random weights, and files of it in formats that other programs write.

The tests begin with these, and so does the fuzzer (`benchmarks/fuzz`).
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.backbone.mobilenet_v2 import fold
from mien.backbone.weights import random_backbone
from mien.formats.catalogue import labels_bytes
from mien.formats.keras_config import keras_config, keras_weights
from mien.formats.keras_files import keras_h5_bytes
from mien.formats.tfjs import tfjs_files
from mien.model import Model, model_bytes
from mien.records import Dense, Head

PREPROCESSING = "orient | crop:centre | resize:32:lanczos | scale:-1:1"


def make_model(**changes: Any) -> Model:
    rng = np.random.default_rng(0)
    backbone = random_backbone(seed=0, size_px=32)
    hidden = Dense(
        kernel=rng.normal(0, 0.05, (1280, 20)).astype(np.float32),
        bias=rng.normal(0, 0.1, 20).astype(np.float32),
        activation="relu",
    )
    last = Dense(
        kernel=rng.normal(0, 0.5, (20, 3)).astype(np.float32), bias=None, activation="softmax"
    )
    settings: dict[str, Any] = {
        "labels": ("calm", "happy", "sad"),
        "preprocessing": PREPROCESSING,
        "backbone": fold(backbone.weights),
        "backbone_name": "random",
        "backbone_sha256": backbone.weights.sha256,
        "head": Head(layers=(hidden, last)),
    }
    return Model(**(settings | changes))


# --- a writer of flatbuffers, written from the format's own description -------------------------


def write_tflite(model: Model, *, quantise: bool) -> bytes:
    """The operators that TensorFlow's converter gives for the model, kernels int8 or float."""
    tensors: list[dict[int, Any]] = []
    buffers: list[dict[int, Any]] = [{}]
    operators: list[dict[int, Any]] = []
    codes = [34, 3, 4, 0, 40, 9, 25]

    def tensor(shape: list[int], values: np.ndarray | None = None, *, axis: int = 0) -> int:
        kind, how = {"f": 0, "i": 2}[values.dtype.kind if values is not None else "f"], {}
        data = b"" if values is None else values.tobytes()
        if quantise and values is not None and values.dtype.kind == "f" and values.ndim > 1:
            rest = tuple(i for i in range(values.ndim) if i != axis)
            scale = np.maximum(np.abs(values).max(axis=rest) / 127, 1e-12).astype(np.float32)
            sides = [-1 if i == axis else 1 for i in range(values.ndim)]
            data = np.round(values / scale.reshape(sides)).astype(np.int8).tobytes()
            kind, how = 9, {2: scale, 3: np.zeros(len(scale), np.int64), 6: ("<i", axis)}
        number = 0
        if values is not None:
            number = len(buffers)
            buffers.append({0: np.frombuffer(data, np.uint8)})
        fields = {0: np.array(shape, np.int32), 1: ("<b", kind), 2: ("<I", number)}
        tensors.append(fields | ({4: how} if how else {}))
        return len(tensors) - 1

    def operator(code: int, inputs: list[int], options: dict[int, Any]) -> int:
        out = tensor([1])
        operators.append(
            {
                0: ("<I", codes.index(code)),
                1: np.array(inputs, np.int32),
                2: np.array([out], np.int32),
                4: options,
            }
        )
        return out

    x = first = tensor([1, 32, 32, 3])
    block = x
    arrays = model.backbone.arrays
    for layer in model.backbone.spec.layers:
        if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
            block = x
        if layer.stride == 2:
            before, after = layer.pads
            pads = np.array([[0, 0], [before, after], [before, after], [0, 0]], np.int32)
            x = operator(34, [x, tensor([4, 2], pads)], {})
        depthwise = layer.kind == "depthwise"
        kernel = np.ascontiguousarray(arrays[layer.kernel_name].transpose(3, 0, 1, 2))
        k = tensor(list(kernel.shape), kernel, axis=3 if depthwise else 0)
        b = tensor([layer.n_out], arrays[layer.bias_name])
        options: dict[int, Any] = {0: ("<b", int(layer.stride == 2))}
        options |= {1: ("<i", layer.stride), 2: ("<i", layer.stride)}
        options |= {3: ("<i", 1)} if depthwise else {}
        options[4 if depthwise else 3] = ("<b", 3 if layer.relu else 0)
        x = operator(4 if depthwise else 3, [x, k, b], options)
        if layer.add:
            x = operator(0, [block, x], {0: ("<b", 0)})
    x = operator(40, [x, tensor([2], np.array([1, 2], np.int32))], {})
    for dense in model.head.layers:
        kernel = np.ascontiguousarray(dense.kernel.T)
        inputs = [x, tensor(list(kernel.shape), kernel)]
        inputs.append(-1 if dense.bias is None else tensor([len(dense.bias)], dense.bias))
        x = operator(9, inputs, {0: ("<b", int(dense.activation == "relu"))})
    x = operator(25, [x], {0: ("<f", 1.0)})
    graph = {
        0: tensors,
        1: np.array([first], np.int32),
        2: np.array([x], np.int32),
        3: operators,
    }
    told = {
        0: ("<I", 3),
        1: [{0: ("<b", code), 3: ("<i", code)} for code in codes],
        2: [graph],
        4: buffers,
    }
    data = bytearray(struct.pack("<I", 0) + b"TFL3")
    struct.pack_into("<I", data, 0, _table(data, told))
    return bytes(data)


def _table(data: bytearray, fields: dict[int, Any]) -> int:
    """Append a table and all it points at; parents first, so that offsets point forward."""
    n = max(fields, default=-1) + 1
    at = 4
    places = {}
    for number, value in fields.items():
        places[number] = at
        at += struct.calcsize(value[0]) if isinstance(value, tuple) else 4
    vtable = len(data)
    data += struct.pack(f"<HH{n}H", 4 + 2 * n, at, *(places.get(i, 0) for i in range(n)))
    start = len(data)
    data += struct.pack("<i", start - vtable) + bytes(at - 4)
    for number, value in fields.items():
        where = start + places[number]
        if isinstance(value, tuple):
            struct.pack_into(value[0], data, where, value[1])
            continue
        child = _vector(data, value) if not isinstance(value, dict) else _table(data, value)
        struct.pack_into("<I", data, where, child - where)
    return start


def _vector(data: bytearray, value: Any) -> int:
    start = len(data)
    data += struct.pack("<I", len(value))
    if isinstance(value, np.ndarray):
        data += value.tobytes()
        return start
    data += bytes(4 * len(value))
    for i, table in enumerate(value):
        where = start + 4 + 4 * i
        struct.pack_into("<I", data, where, _table(data, table) - where)
    return start


# --- a writer of SavedModel's variables ---------------------------------------------------------


def write_savedmodel(model: Model, folder: Path) -> Path:
    """What the reader takes of a folder that Keras 2 writes: metadata, names and values."""
    arrays = {k: v for part in keras_weights(model).values() for k, v in part.items()}
    config = keras_config(model)
    # Keras writes tuples as records of their own here.
    shape = config["config"]["layers"][0]["config"]["batch_input_shape"]
    record = {"class_name": "__tuple__", "items": shape}
    config["config"]["layers"][0]["config"]["batch_input_shape"] = record
    metadata = json.dumps(config).encode()
    node = _text(4, b"_tf_keras_sequential") + _text(5, metadata)
    (folder / "variables").mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    (folder / "keras_metadata.pb").write_bytes(_text(1, node))
    values = b""
    entries = {b"": b""}
    names = b""
    for i, (name, array) in enumerate(arrays.items()):
        key = f"variables/{i}/.ATTRIBUTES/VARIABLE_VALUE".encode()
        shape = b"".join(_text(2, _number(1, side)) for side in array.shape)
        entries[key] = _entry(1, shape, len(values), array.nbytes)
        values += np.ascontiguousarray(array).tobytes()
        attribute = _text(1, b"VARIABLE_VALUE") + _text(2, name.encode()) + _text(3, key)
        names += _text(1, _text(2, attribute))
    told = _varint(len(names)) + b"sums" + names
    entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"] = _entry(7, b"", len(values), len(told))
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(values + told)
    (folder / "variables" / "variables.index").write_bytes(_leveldb(entries))
    (folder / "labels.txt").write_text("0 calm\n1 happy\n2 sad\n")
    return folder


def _entry(kind: int, shape: bytes, at: int, n: int) -> bytes:
    return _number(1, kind) + _text(2, shape) + _number(4, at) + _number(5, n)


def _leveldb(entries: dict[bytes, bytes]) -> bytes:
    def block(pairs: dict[bytes, bytes]) -> bytes:
        rows = b"".join(
            _varint(0) + _varint(len(k)) + _varint(len(v)) + k + v for k, v in sorted(pairs.items())
        )
        return rows + struct.pack("<II", 0, 1)

    def handle(at: int, n: int) -> bytes:
        return _varint(at) + _varint(n)

    data = block(entries)
    whole = data + bytes(5)
    index_at, index = len(whole), block({max(entries): handle(0, len(data))})
    whole += index + bytes(5)
    footer = handle(0, 0) + handle(index_at, len(index))
    return whole + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


# --- one sound file of each kind, as bytes ------------------------------------------------------


@cache
def sample() -> Model:
    return make_model()


def h5() -> bytes:
    return keras_h5_bytes(sample())


def onnx() -> bytes:
    return model_bytes(sample())


def tfjs() -> dict[str, bytes]:
    return tfjs_files(sample())


def tflite() -> bytes:
    return write_tflite(sample(), quantise=False)


def savedmodel(folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    write_savedmodel(sample(), folder)
    (folder / "labels.txt").write_bytes(labels_bytes(sample()))
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def project() -> bytes:
    """A project of Teachable Machine's with four photos of one class."""
    files = {"manifest.json": b'{"type": "image", "appdata": {"trainEpochs": 50}}'}
    for i in range(4):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(buffer, "JPEG")
        files[f"happy-!-{i}.jpg"] = buffer.getvalue()
    return zip_of(files)


def zip_of(files: dict[str, bytes]) -> bytes:
    """A zip whose entries are not packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def weight_bytes() -> list[bytes]:
    """Every array of the sample model as files hold it: to tell weights from structure."""
    arrays = [a for part in keras_weights(sample()).values() for a in part.values()]
    arrays += [*sample().backbone.arrays.values(), *(d.kernel.T for d in sample().head.layers)]
    found = [np.ascontiguousarray(a).tobytes() for a in arrays]
    for a in arrays:
        if a.ndim == 4:
            turns = ((3, 0, 1, 2), (3, 2, 0, 1), (2, 3, 0, 1), (2, 0, 1, 3))
            found += [np.ascontiguousarray(a.transpose(turn)).tobytes() for turn in turns]
    return found
