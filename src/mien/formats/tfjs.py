"""TensorFlow.js layers models as Teachable Machine has them, in and out.

They are `model.json`, `weights.bin` and `metadata.json`, in a folder or zipped. Law: what is
written is read unchanged by Teachable Machine's own JavaScript library (`@teachablemachine/image`
on TensorFlow.js 1.3.1); what is read is checked layer by layer and byte by byte, and nothing in it
runs. Source of the layout: files that Teachable Machine exports.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.archive import open_archive
from mien.backbone.network import Array, Folded, Weights
from mien.backbone.tfjs_weights import (
    MAX_JSON_BYTES,
    MAX_WEIGHTS_BYTES,
    parse_model_json,
    weights_of,
)
from mien.errors import ModelError
from mien.files import to_json
from mien.formats.golden import range_of
from mien.formats.imported import Imported, head_of, split_arrays
from mien.formats.keras_config import Config, keras_config, keras_weights
from mien.formats.topology import read_topology
from mien.image.preprocessing import Divide, Preprocessing, Scale
from mien.model import Model

# The page that trains and the JavaScript library: a canvas crop and x / 127 - 1.
BROWSER_PREPROCESSING: Final = "orient | crop:centre | resize:{size}:bilinear | divide:127:minus:1"
MODEL, WEIGHTS, METADATA = "model.json", "weights.bin", "metadata.json"
TFJS_VERSION: Final = "1.3.1"
PACKAGE_VERSION: Final = "0.8.5"
_MAX_METADATA_BYTES: Final = 1 << 20


def tfjs_files(model: Model, *, name: str = "untitled") -> dict[str, bytes]:
    """Give the three files of a TensorFlow.js export, by name.

    Args:
        model: What is exported.
        name: What Teachable Machine shows as the model's name.
    """
    model = for_browser(model)
    arrays = {k: v for part in keras_weights(model).values() for k, v in part.items()}
    manifest = [
        {"name": key, "shape": list(array.shape), "dtype": "float32"}
        for key, array in arrays.items()
    ]
    topology = {
        **_as_tfjs(keras_config(model)),
        "keras_version": f"tfjs-layers {TFJS_VERSION}",
        "backend": "tensor_flow.js",
    }
    described = {
        "modelTopology": topology,
        "weightsManifest": [{"paths": [WEIGHTS], "weights": manifest}],
    }
    metadata = {
        "tfjsVersion": TFJS_VERSION,
        "tmVersion": "2.4.10",
        "packageVersion": PACKAGE_VERSION,
        "packageName": "@teachablemachine/image",
        "userMetadata": {"mien": {"preprocessing": model.preprocessing}},
        "modelName": name,
        "labels": list(model.labels),
        "imageSize": model.size_px,
    }
    blob = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values())
    return {
        MODEL: json.dumps(described, separators=(",", ":")).encode(),
        WEIGHTS: blob,
        METADATA: to_json(metadata).encode(),
    }


def for_browser(model: Model) -> Model:
    """Make the model take pixels as Teachable Machine's library scales them, ``x / 127 - 1``.

    Pixels p reach the library's model as ``b = p / 127 - 1``, where this one wants
    ``m = p / d + o``; so ``m = s b + t`` with ``s = 127 / d`` and ``t = s + o``, which goes into
    the first convolution: its kernel times s, its bias plus t times the sum of the kernel. Exact
    but at the picture's edge, where the padding's 0 stands for b, not for m: a difference of t a
    pixel, 0.004 where m is -1 to 1.
    """
    divisor, offset = range_of(model.preprocessing)
    s = 127.0 / divisor
    t = s + offset
    first = model.backbone.spec.layers[0]
    kernel = model.backbone.arrays[first.kernel_name].astype(np.float64)
    bias = model.backbone.arrays[first.bias_name] + t * kernel.sum(axis=(0, 1, 2))
    arrays = dict(model.backbone.arrays)
    arrays |= {first.kernel_name: (kernel * s).astype(np.float32)}
    arrays |= {first.bias_name: bias.astype(np.float32)}
    steps = list(Preprocessing.parse(model.preprocessing).steps)
    if isinstance(steps[-1], Scale | Divide):
        steps.pop()
    words = [*map(str, steps), "divide:127:minus:1"]
    return dataclasses.replace(
        model,
        backbone=Folded(spec=model.backbone.spec, arrays=arrays),
        preprocessing=" | ".join(words),
    )


def _as_tfjs(config: Config) -> Config:
    """Turn Keras 2's description into TensorFlow.js 1's.

    Its stacks are plain lists without input layers, its functional models are called ``Model``.
    """
    kind, inner = config["class_name"], dict(config["config"])
    if kind == "Sequential":
        return {"class_name": kind, "config": _stack(inner["layers"])}
    if kind == "ReLU":
        inner = {key: inner[key] for key in ("name", "trainable", "max_value")}
    if kind == "Functional":
        inner["layers"] = [_as_tfjs(layer) for layer in inner["layers"]]
        inner |= {key: [inner[key]] for key in ("input_layers", "output_layers")}
        kind = "Model"
    return {**config, "class_name": kind, "config": inner}


def _stack(layers: list[Config]) -> list[Config]:
    first, *rest = layers
    made = [_as_tfjs(layer) for layer in rest]
    if made[0]["class_name"] not in ("Sequential", "Model"):
        made[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
    return made


def read_tfjs(path: Path) -> Imported:
    """Read a TensorFlow.js export of Teachable Machine's: its zip, its folder or its model.json.

    Raises:
        ModelError: It is damaged, or holds another network than Teachable Machine's.
    """
    files = _zipped(path) if path.is_file() and path.suffix != ".json" else _in_folder(path)
    model = parse_model_json(files[MODEL], path=path)
    blobs = {name: _blob(files, name, path) for name in _blob_names(model)}
    arrays = weights_of(model, blobs, path=path)
    metadata = _metadata(files.get(METADATA), path)
    try:
        return _imported(model["modelTopology"], arrays, metadata)
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error


def _imported(
    description: object, arrays: Mapping[str, Array], metadata: Mapping[str, Any]
) -> Imported:
    topology = read_topology(description)
    base, dense = split_arrays(arrays, topology.dense)
    return Imported(
        weights=Weights(spec=topology.spec, arrays=base),
        head=head_of(topology.dense, dense),
        labels=_labels(metadata),
        preprocessing=_preprocessing(metadata, topology.spec.size_px),
        source="TensorFlow.js",
        mirror_average=topology.mirror_average,
    )


def _blob_names(model: Mapping[str, Any]) -> list[str]:
    return [name for group in model["weightsManifest"] for name in group["paths"]]


def _blob(files: Mapping[str, bytes], name: str, path: Path) -> bytes:
    if name not in files:
        raise ModelError(
            f"'{path}' lists weights in {name!r:.80}, which is not there",
            f"Keep {MODEL}, {WEIGHTS} and {METADATA} together, as they were downloaded.",
        )
    return files[name]


def _zipped(path: Path) -> dict[str, bytes]:
    with open_archive(path) as archive:
        if MODEL not in archive.names:
            raise ModelError(
                f"'{path}' holds no {MODEL}; expected a TensorFlow.js model",
                "Export from Teachable Machine as TensorFlow.js, «Download».",
            )
        wanted = {MODEL: MAX_JSON_BYTES, METADATA: _MAX_METADATA_BYTES}
        bins = {name: MAX_WEIGHTS_BYTES for name in archive.names if name.endswith(".bin")}
        return {
            name: archive.read(name, limit_bytes=limit)
            for name, limit in (wanted | bins).items()
            if name in archive.names
        }


def _in_folder(path: Path) -> dict[str, bytes]:
    """Read the three files of a folder; the names in `model.json` are never followed further.

    Where a file is given, it is the `model.json`, whatever it is called: «model (1).json».
    """
    folder = path if path.is_dir() else path.parent
    model = folder / MODEL if path.is_dir() else path
    limits = {METADATA: _MAX_METADATA_BYTES}
    try:
        limits |= {p.name: MAX_WEIGHTS_BYTES for p in sorted(folder.glob("*.bin"))[:100]}
        if not model.is_file():
            raise ModelError(f"'{folder}' holds no {MODEL}; expected a TensorFlow.js model")
        return {MODEL: _read(model, MAX_JSON_BYTES)} | {
            name: _read(folder / name, limit)
            for name, limit in limits.items()
            if (folder / name).is_file()
        }
    except OSError as error:
        raise ModelError(f"cannot read '{folder}': {error.strerror or error}") from error


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ModelError(f"'{path}' has more than {limit:,} bytes")
    return data


def _metadata(data: bytes | None, path: Path) -> Mapping[str, Any]:
    if data is None:
        return {}
    try:
        metadata = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{METADATA} of '{path}' is not JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise ModelError(f"{METADATA} of '{path}' is no record")
    return metadata


def _labels(metadata: Mapping[str, Any]) -> tuple[str, ...] | None:
    labels = metadata.get("labels")
    if labels is None:
        return None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ModelError(f"{METADATA} has labels {labels!r:.80}; expected a list of texts")
    return tuple(labels)


def _preprocessing(metadata: Mapping[str, Any], size_px: int) -> str:
    """What the browser does; where mien wrote the file, what the model was trained with."""
    user = metadata.get("userMetadata")
    own = user.get("mien") if isinstance(user, dict) else None
    text = own.get("preprocessing") if isinstance(own, dict) else None
    if isinstance(text, str) and len(text) < 500:
        return text
    return BROWSER_PREPROCESSING.format(size=size_px)
