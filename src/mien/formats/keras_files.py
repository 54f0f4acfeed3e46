"""Writes a model as Keras files: `keras_model.h5`, which Keras 2 and Keras 3 open, and `.keras`.

Law: written with h5py and zipfile alone; the same model gives the same bytes. The layout of the
`.h5` is Keras 2's, as Teachable Machine's own; that of the `.keras` is Keras 3's.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.backbone.network import Array
from mien.formats.keras_config import Config, keras_config, keras_weights, walk_layers
from mien.formats.keras_zip import snake
from mien.model import Model

if TYPE_CHECKING:
    import h5py

# What the files say wrote them: versions whose layouts these are.
KERAS_2: Final = "2.4.0"
KERAS_3: Final = "3.0.0"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the least that a zip can hold, for equal bytes


def keras_h5_bytes(model: Model) -> bytes:
    """Give the bytes of `keras_model.h5`."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False) as file:
        file.attrs["keras_version"] = KERAS_2
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(keras_config(model))
        group = file.create_group("model_weights")
        parts = keras_weights(model)
        group.attrs["layer_names"] = _texts(list(parts))
        group.attrs["keras_version"] = KERAS_2
        group.attrs["backend"] = "tensorflow"
        for name, arrays in parts.items():
            part = group.create_group(name)
            part.attrs["weight_names"] = _texts([f"{key}:0" for key in arrays])
            for key, array in arrays.items():
                part.create_dataset(f"{key}:0", data=np.ascontiguousarray(array))
    return buffer.getvalue()


def keras_bytes(model: Model) -> bytes:
    """Give the bytes of a `.keras` file."""
    metadata = {"keras_version": KERAS_3, "date_saved": "1980-01-01@00:00:00"}
    config = keras_config(model)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (
            ("metadata.json", json.dumps(metadata).encode()),
            ("config.json", json.dumps(_as_keras_3(config)).encode()),
            ("model.weights.h5", _keras_3_weights(model, config)),
        ):
            archive.writestr(zipfile.ZipInfo(name, date_time=_DATE), data)
    return buffer.getvalue()


def _texts(names: list[str]) -> Array:
    return np.array([name.encode() for name in names])


def _as_keras_3(config: Config) -> Config:
    """Turn Keras 2's description into Keras 3's: modules named, shapes called by their new name."""
    inner: Config = dict(config["config"])
    if "layers" in inner:
        inner["layers"] = [_as_keras_3(layer) for layer in inner["layers"]]
    if "batch_input_shape" in inner:
        inner["batch_shape"] = inner.pop("batch_input_shape")
    kind = config["class_name"]
    modules = {"Sequential": "keras", "Functional": "keras.src.models.functional"}
    module = modules.get(kind, "keras.layers")
    return {**config, "module": module, "registered_name": None, "config": inner}


def _keras_3_weights(model: Model, config: Config) -> bytes:
    """Store each layer's arrays where Keras 3 looks for them: by kind and count, not by name."""
    import h5py

    arrays = {k: v for part in keras_weights(model).values() for k, v in part.items()}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False) as file:
        _store(file, config, arrays)
    return buffer.getvalue()


def _store(group: h5py.Group, config: Config, arrays: dict[str, Array]) -> None:
    seen: dict[str, int] = {}
    for layer in config["config"]["layers"]:
        kind = snake(layer["class_name"])
        seen[kind] = seen.get(kind, -1) + 1
        where = group.require_group("layers/" + (f"{kind}_{seen[kind]}" if seen[kind] else kind))
        if "layers" in layer["config"]:
            _store(where, layer, arrays)
        variables = where.require_group("vars")
        name = layer["config"]["name"]
        own = [array for key, array in arrays.items() if key.rpartition("/")[0] == name]
        for i, array in enumerate(own):
            variables.create_dataset(str(i), data=np.ascontiguousarray(array))


__all__ = ["keras_bytes", "keras_h5_bytes", "walk_layers"]
