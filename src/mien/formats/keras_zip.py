"""Reads a `.keras` file, Keras 3's zip, without Keras: the same networks as `keras_h5`.

Inside are ``config.json``, the description, and ``model.weights.h5``, in which a layer's arrays lie
under its kind and count (``layers/conv2d_3/vars/0``), not under its name. Law: as in `keras_h5`;
nothing but these two entries is opened, and neither is unpacked to disk.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.archive import open_archive
from mien.backbone.network import BATCH_NORM_ARRAYS, Array
from mien.errors import ModelError
from mien.formats.imported import Imported, labels_beside
from mien.formats.keras_h5 import (
    MAX_CONFIG_BYTES,
    MAX_FILE_BYTES,
    PROBLEMS,
    imported_keras,
    is_hard_link,
    plain_array,
)

if TYPE_CHECKING:
    import h5py

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
_MAX_DEPTH: Final = 6
_MAX_LAYERS: Final = 400
_HINT: Final = "Save it in Keras again, or as .h5: model.save('keras_model.h5')."
# What each kind of layer keeps, in Keras' order.
_ARRAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Conv2D": ("kernel",),
    "DepthwiseConv2D": ("depthwise_kernel",),
    "BatchNormalization": BATCH_NORM_ARRAYS,
    "Dense": ("kernel", "bias"),
}
_MODELS: Final = ("Sequential", "Functional", "Model")


def read_keras_zip(path: Path) -> Imported:
    """Read a `.keras` file, and ``labels.txt`` beside it.

    Raises:
        ModelError: As `keras_h5.read_keras_h5`, and what a stranger's zip can be (`archive`).
    """
    import h5py

    with open_archive(path) as archive:
        description = _json(archive.read(CONFIG, limit_bytes=MAX_CONFIG_BYTES), path)
        data = archive.read(WEIGHTS, limit_bytes=MAX_FILE_BYTES)
    labels = labels_beside(path)
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            arrays = dict(_arrays(file, description, depth=0))
        return imported_keras(description, arrays, labels=labels, source="Keras .keras")
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error
    except PROBLEMS as error:
        raise ModelError(f"{WEIGHTS} in '{path}' is not readable HDF5: {error}", _HINT) from error


def _json(data: bytes, path: Path) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{CONFIG} in '{path}' is not JSON: {error}") from error


def _arrays(group: h5py.Group, described: object, *, depth: int) -> Iterator[tuple[str, Array]]:
    """Walk description and arrays side by side, so that every array gets its layer's name."""
    seen: dict[str, int] = {}
    for kind, name, layer in _layers(described, depth):
        key = snake(kind)
        seen[key] = seen.get(key, -1) + 1
        where = f"layers/{key}_{seen[key]}" if seen[key] else f"layers/{key}"
        if kind in _MODELS:
            yield from _arrays(_inside(group, where), layer, depth=depth + 1)
        elif kind in _ARRAYS:
            yield from _own(_inside(group, f"{where}/vars"), kind, name)


def _layers(described: object, depth: int) -> Iterator[tuple[str, str, object]]:
    """Class, name and description of each layer of a model."""
    config = described.get("config") if isinstance(described, Mapping) else None
    layers = config.get("layers") if isinstance(config, Mapping) else None
    if not isinstance(layers, list) or len(layers) > _MAX_LAYERS or depth > _MAX_DEPTH:
        raise ModelError(f"its {CONFIG} lists no layers, or nests them too deep", _HINT)
    for layer in layers:
        inner = layer.get("config") if isinstance(layer, Mapping) else None
        kind = layer.get("class_name") if isinstance(layer, Mapping) else None
        name = inner.get("name") if isinstance(inner, Mapping) else None
        if not isinstance(kind, str) or not isinstance(name, str):
            raise ModelError(f"its {CONFIG} holds something that is no layer: {layer!r:.80}", _HINT)
        yield kind, name, layer


def _own(variables: h5py.Group, kind: str, name: str) -> Iterator[tuple[str, Array]]:
    """Give the arrays of one layer, called as in an `.h5`: ``Conv1/kernel``."""
    expected = _ARRAYS[kind]
    found = sorted(variables)
    if found != [str(i) for i in range(len(found))] or not 1 <= len(found) <= len(expected):
        raise ModelError(f"layer {name!r:.80} keeps {found!r:.80}; expected {len(expected)} arrays")
    for key, what in zip(found, expected, strict=False):
        if not is_hard_link(variables, key):
            raise ModelError(f"array {key} of layer {name!r:.80} is a link; mien reads none")
        yield f"{name}/{what}", plain_array(variables[key], f"{name}/{what}")


def _inside(group: h5py.Group, path: str) -> Any:
    """Go down a path, following nothing but hard links to groups."""
    import h5py

    for part in path.split("/"):
        if not is_hard_link(group, part) or not isinstance(group[part], h5py.Group):
            raise ModelError(f"its {WEIGHTS} has no group {path!r:.80}", _HINT)
        group = group[part]
    return group


def snake(kind: str) -> str:
    """Keras' way from a class to a path: ``Conv2D`` to ``conv2d``."""
    known: dict[str, str] = {
        "Conv2D": "conv2d",
        "DepthwiseConv2D": "depthwise_conv2d",
        "GlobalAveragePooling2D": "global_average_pooling2d",
        "ZeroPadding2D": "zero_padding2d",
        "BatchNormalization": "batch_normalization",
        "InputLayer": "input_layer",
        "ReLU": "re_lu",
    }
    return known.get(kind, kind.lower())
