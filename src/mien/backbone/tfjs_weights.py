"""Reads the weights out of a TensorFlow.js layers model, by name.

A Teachable Machine export is a zip with ``model.json`` (topology and a list of weights) and
``weights.bin`` (their values, one after the other). Law: nothing in the archive is executed or
written to disk, every size is checked before memory is taken, and quantised weights are refused
by name. Knows nothing of what the layers mean; `mobilenet_v2.Weights` checks that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.archive import open_archive
from mien.backbone.mobilenet_v2 import MobileNetV2, alpha_of
from mien.backbone.network import Array, Weights
from mien.errors import ModelError

# The largest MobileNetV2 (alpha 1.4) is 18 MB of weights and 0.3 MB of JSON.
MAX_JSON_BYTES: Final = 4 << 20
MAX_WEIGHTS_BYTES: Final = 64 << 20
MAX_WEIGHTS: Final = 1000


def read_tfjs_backbone(path: Path) -> Weights:
    """Take the MobileNetV2 out of a Teachable Machine image model (``model.json`` in a zip).

    Raises:
        ModelError: The file is not such a zip, is damaged, or holds another network.
    """
    model, arrays = read_tfjs_zip(path)
    base = {name: array for name, array in arrays.items() if not name.startswith("dense_")}
    alpha = alpha_of({name: array.shape for name, array in base.items()})
    spec = MobileNetV2(alpha=alpha, size_px=input_side_px(model, path=path))
    return Weights(spec=spec, arrays=base)


def read_tfjs_zip(path: Path) -> tuple[Mapping[str, Any], dict[str, Array]]:
    """Read ``model.json`` and all weights of a zipped TensorFlow.js layers model.

    Returns:
        The parsed ``model.json`` and the weights by name, float32.

    Raises:
        ModelError: The zip is damaged, too large or holds no such model.
    """
    with open_archive(path) as archive:
        if "model.json" not in archive.names:
            raise ModelError(
                f"'{path}' holds no model.json; expected a TensorFlow.js model",
                "Export from Teachable Machine as TensorFlow.js, «Download».",
            )
        data = archive.read("model.json", limit_bytes=MAX_JSON_BYTES)
        model = parse_model_json(data, path=path)
        names = {name for group in model["weightsManifest"] for name in group["paths"]}
        blobs = {name: archive.read(name, limit_bytes=MAX_WEIGHTS_BYTES) for name in names}
    return model, weights_of(model, blobs, path=path)


def parse_model_json(data: bytes, *, path: Path) -> dict[str, Any]:
    """Parse ``model.json`` and check the parts of it that mien reads.

    Raises:
        ModelError: It is not JSON, or not that of a layers model with its weights listed.
    """
    what = f"'{path}'" if path.suffix == ".json" else f"model.json in '{path}'"
    try:
        model = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{what} is not JSON: {error}") from error
    if not isinstance(model, dict) or not isinstance(model.get("modelTopology"), dict):
        raise ModelError(f"{what} holds no model; expected TensorFlow.js' 'modelTopology'")
    manifest = model.get("weightsManifest")
    if not isinstance(manifest, list) or not all(map(_is_group, manifest)):
        raise ModelError(f"{what} lists no weights; expected 'weightsManifest'")
    return model


def _is_group(group: object) -> bool:
    return (
        isinstance(group, dict)
        and isinstance(group.get("weights"), list)
        and isinstance(group.get("paths"), list)
        and all(isinstance(name, str) for name in group["paths"])
    )


def weights_of(
    model: Mapping[str, Any], blobs: Mapping[str, bytes], *, path: Path
) -> dict[str, Array]:
    """Cut the files of weights into named float32 arrays.

    Raises:
        ModelError: A weight is quantised, has an absurd shape, or the files are too short or long.
    """
    arrays: dict[str, Array] = {}
    for group in model["weightsManifest"]:
        data = b"".join(blobs[name] for name in group["paths"])
        at = 0
        for entry in group["weights"]:
            name, shape = _name_and_shape(entry, path=path)
            n_bytes = 4 * math.prod(shape)
            if name in arrays or len(arrays) >= MAX_WEIGHTS:
                raise ModelError(f"'{path}' lists weight {name!r:.80} twice, or too many weights")
            if at + n_bytes > len(data):
                raise ModelError(f"'{path}' ends inside weight {name!r:.80}: the file is cut short")
            arrays[name] = np.frombuffer(data, "<f4", n_bytes // 4, at).reshape(shape)
            at += n_bytes
        if at != len(data):
            raise ModelError(f"'{path}' has {len(data) - at} bytes more than its weights need")
    return arrays


def _name_and_shape(entry: object, *, path: Path) -> tuple[str, tuple[int, ...]]:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(name, str):
        raise ModelError(f"'{path}' lists a weight without a name")
    if entry.get("dtype") != "float32" or "quantization" in entry:
        raise ModelError(
            f"weight {name!r:.80} in '{path}' is not plain float32",
            "Export the model again without quantisation.",
        )
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) > 4 or not all(map(_is_side, shape)):
        raise ModelError(f"weight {name!r:.80} in '{path}' has an absurd shape, {shape!r:.80}")
    return name, tuple(shape)


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_WEIGHTS_BYTES


def input_side_px(model: Mapping[str, Any], *, path: Path) -> int:
    """Find the side of the square picture in the topology's first ``batch_input_shape``.

    Raises:
        ModelError: There is none, or it is not that of square colour pictures.
    """
    shape = _first_input_shape(model["modelTopology"], depth=0)
    if shape is None or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        raise ModelError(f"'{path}' takes input {shape!r:.80}; expected square colour pictures")
    if not _is_side(shape[1]):
        raise ModelError(f"'{path}' takes pictures of {shape[1]!r:.40} px")
    return int(shape[1])


def _first_input_shape(node: object, *, depth: int) -> list[Any] | None:
    if depth > 20:  # a Teachable Machine model's topology is 9 deep
        return None
    children: list[object] = []
    if isinstance(node, dict):
        shape = node.get("batch_input_shape")
        if isinstance(shape, list):
            return shape
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    for child in children:
        found = _first_input_shape(child, depth=depth + 1)
        if found is not None:
            return found
    return None
