"""Writes what mien reads of a SavedModel, from the formats' own descriptions."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from mien.formats.keras_config import keras_config, keras_weights
from mien.model import Model


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
