"""Reads Teachable Machine's SavedModel folders without TensorFlow.

What is taken: ``keras_metadata.pb``, the model's description in Keras' words, and ``variables/``, a
sorted table of names (LevelDB's) beside the values. The graph in ``saved_model.pb``, which may hold
any operation, is never opened. Law: every length is checked before it is used, nothing is run.

Sources: tensorflow/core/protobuf/tensor_bundle.proto and trackable_object_graph.proto,
keras/protobuf/saved_metadata.proto, leveldb/doc/table_format.md.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.backbone.network import Array, Weights
from mien.errors import ModelError
from mien.formats.imported import (
    KERAS_PREPROCESSING,
    Imported,
    head_of,
    labels_beside,
    split_arrays,
)
from mien.formats.topology import read_topology

FOLDER: Final = "model.savedmodel"
METADATA: Final = "keras_metadata.pb"
INDEX: Final = "variables/variables.index"
VALUES: Final = "variables/variables.data-00000-of-00001"
_MAX_BYTES: Final = 128 << 20
_MAX_SMALL_BYTES: Final = 16 << 20
_MAGIC: Final = 0xDB4775248B80FB57
_GRAPH_KEY: Final = b"_CHECKPOINTABLE_OBJECT_GRAPH"
_FLOAT, _STRING = 1, 7
_HINT: Final = "Export from Teachable Machine as TensorFlow, Savedmodel, and unpack the zip."
Fields = dict[int, list[int | bytes]]


def read_savedmodel(folder: Path) -> Imported:
    """Read the folder of a SavedModel that Keras 2 wrote, and ``labels.txt`` beside it.

    Raises:
        ModelError: A file is missing or damaged, or it is another network than Teachable Machine's.
    """
    labels = _labels(folder)
    try:
        description = _description(_read(folder / METADATA, _MAX_SMALL_BYTES))
        arrays = _variables(
            _read(folder / INDEX, _MAX_SMALL_BYTES), _read(folder / VALUES, _MAX_BYTES)
        )
        topology = read_topology(description)
        base, dense = split_arrays(arrays, topology.dense)
        return Imported(
            weights=Weights(spec=topology.spec, arrays=base),
            head=head_of(topology.dense, dense),
            labels=labels,
            preprocessing=KERAS_PREPROCESSING.format(size=topology.spec.size_px),
            source="TensorFlow SavedModel",
            mirror_average=topology.mirror_average,
        )
    except ModelError as error:
        raise ModelError(f"'{folder}': {error.message}", error.hint) from error
    except (struct.error, ValueError, IndexError, OverflowError, RecursionError) as error:
        raise ModelError(f"'{folder}' is a damaged SavedModel: {error}", _HINT) from error


def _labels(folder: Path) -> tuple[str, ...] | None:
    """Labels inside the folder, or beside one that is called as Teachable Machine calls it."""
    inside = labels_beside(folder / METADATA)
    return labels_beside(folder) if inside is None and folder.name == FOLDER else inside


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        what = f"cannot read '{path.name}': {error.strerror or error}"
        raise ModelError(what, _HINT) from error
    if len(data) > limit:
        raise ModelError(f"'{path.name}' has more than {limit:,} bytes")
    return data


def _description(data: bytes) -> object:
    """The description of the outermost model, the first of the saved objects that has one."""
    for node in _fields(data).get(1, []):
        fields = _fields(_bytes(node))
        name = _bytes(fields.get(4, [b""])[0])
        if name in (b"_tf_keras_sequential", b"_tf_keras_model", b"_tf_keras_network"):
            return _without_tuples(json.loads(_bytes(fields.get(5, [b""])[0])))
    raise ModelError(f"its {METADATA} describes no Keras model", _HINT)


def _without_tuples(value: Any) -> Any:
    """Turn tuples and shapes, which Keras writes as records of their own, into lists."""
    if isinstance(value, list):
        return [_without_tuples(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return _without_tuples(value["items"])
    return {key: _without_tuples(item) for key, item in value.items()}


def _variables(index: bytes, values: bytes) -> dict[str, Array]:
    """Every variable that the checkpoint's object graph names, called ``Conv1/kernel``."""
    entries = dict(_table(index))
    if _GRAPH_KEY not in entries:
        raise ModelError("its variables have no names")
    arrays: dict[str, Array] = {}
    for name, key in _names(_tensor_text(entries[_GRAPH_KEY], values)):
        entry = entries.get(key)
        if entry is None or name in arrays:
            raise ModelError(f"variable {name!r:.80} is missing or stands twice")
        array = _tensor(entry, values, name)
        if array is not None:
            arrays[name] = array
    return arrays


def _names(graph: bytes) -> Iterator[tuple[str, bytes]]:
    """Name of each variable, its last two parts, and its key in the table."""
    for node in _fields(graph).get(1, []):
        for attribute in _fields(_bytes(node)).get(2, []):
            fields = _fields(_bytes(attribute))
            full = _bytes(fields.get(2, [b""])[0]).decode()
            if "/" in full:
                yield "/".join(full.split("/")[-2:]), _bytes(fields.get(3, [b""])[0])


def _slice(entry: bytes, values: bytes) -> tuple[int, list[int], bytes]:
    fields = _fields(entry)
    kind = _int(fields.get(1, [0])[0])
    shape = [_int(_fields(_bytes(d)).get(1, [0])[0]) for d in _dims(fields)]
    at, n = _int(fields.get(4, [0])[0]), _int(fields.get(5, [0])[0])
    if _int(fields.get(3, [0])[0]) != 0 or 7 in fields or at + n > len(values):
        raise ModelError("a variable lies outside its file, or in several")
    return kind, shape, values[at : at + n]


def _dims(fields: Fields) -> list[int | bytes]:
    return _fields(_bytes(fields.get(2, [b""])[0])).get(2, [])


def _tensor(entry: bytes, values: bytes, name: str) -> Array | None:
    """A float32 array; None for what is no weight (counters of an optimizer)."""
    kind, shape, data = _slice(entry, values)
    if kind != _FLOAT:
        return None
    if len(shape) > 4 or any(side < 1 for side in shape) or 4 * math.prod(shape) != len(data):
        raise ModelError(f"variable {name!r:.80} has an absurd shape, {shape!r:.60}")
    return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)


def _tensor_text(entry: bytes, values: bytes) -> bytes:
    """A single text: its length, four bytes of a checksum, its bytes."""
    kind, _, data = _slice(entry, values)
    n, at = _varint(data, 0)
    if kind != _STRING or at + 4 + n > len(data):
        raise ModelError("its variables have no names")
    return data[at + 4 : at + 4 + n]


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table."""
    if len(data) < 48 or struct.unpack_from("<Q", data, len(data) - 8)[0] != _MAGIC:
        raise ModelError(f"'{INDEX}' is no table of variables", _HINT)
    at = len(data) - 48
    _, at = _varint(data, at)
    _, at = _varint(data, at)
    for _, handle in _block(data, *_handle(data, at)):
        yield from _block(data, *_handle(handle, 0))


def _handle(data: bytes, at: int) -> tuple[int, int]:
    offset, at = _varint(data, at)
    size, _ = _varint(data, at)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if offset + size + 1 > len(data) or size < 4:
        raise ModelError(f"'{INDEX}' ends within a block")
    if data[offset + size]:
        raise ModelError(f"'{INDEX}' is compressed; TensorFlow writes it plainly")
    block = data[offset : offset + size]
    end = size - 4 - 4 * int(struct.unpack_from("<I", block, size - 4)[0])
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        n, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + n + length > end:
            raise ModelError(f"'{INDEX}' holds an entry that reaches past its block")
        key = key[:shared] + block[at : at + n]
        yield key, block[at + n : at + n + length]
        at += n + length


def _fields(data: bytes) -> Fields:
    """Fields of a protocol buffer message by number, numbers and bytes as they are."""
    fields: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value: int | bytes
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 5):
            n = 8 if kind == 1 else 4
            value, at = data[at : at + n], at + n
        elif kind == 2:
            n, at = _varint(data, at)
            value, at = data[at : at + n], at + n
        else:
            raise ModelError(f"a message in it has a field of unknown kind {kind}")
        if at > len(data):
            raise ModelError("a message in it ends within a field")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ModelError("a number in it has too many digits")


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ModelError("a message in it has a number where text is expected")
    return value


def _int(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ModelError("a message in it has text where a number is expected")
    return value
