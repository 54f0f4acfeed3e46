"""Prepares a model for int8 weights: the biases take back what rounding the kernels shifts.

Rounding a kernel to 255 steps shifts the mean of what its channels put out, and MobileNetV2's
depthwise channels, nine numbers each, bear that badly: on the study's model it changed 5 of 30
answers. Channel by channel and layer by layer, the bias is moved until the mean over training
images is the float model's again; then 1 of 30 changes (docs/log.md).

The first ten blocks of a MobileNetV2 stay in float: their pictures, not their kernels, bear int8
worst (the difference of channels that all carry the brightness), and they hold a fifth of the
weights' bytes only.

Law: kernels are rounded as LiteRT's converter rounds them, symmetric, one scale an output channel,
so that its own rounding changes nothing more. Source: Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019, section 4.2, in its empirical form.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from mien.backbone.mobilenet_graph import build_graph
from mien.backbone.mobilenet_v2 import MobileNetV2
from mien.backbone.network import Array, Folded, Layer, Network
from mien.model import Model

_STEPS: Final = 127
# The means settle with some dozen images; each is run once for every layer.
_IMAGES: Final = 40


# Of a MobileNetV2: a layer's name, and the name of an operator that TensorFlow makes of it.
_FLOATS: Final = r"(?:^|[/;])(?:bn_)?(?:Conv1|expanded_conv|block_(?:[1-9]|10))(?:[_/]|$)"


def in_float(spec: Network) -> str:
    """Give the pattern for names of layers that stay in float; empty where none does."""
    return _FLOATS if isinstance(spec, MobileNetV2) else ""


def rounded(kernel: Array, layer: Layer) -> Array:
    """Round a kernel to int8 steps, one scale an output channel, and give it as float32."""
    axes = (0, 1, 2) if layer.kind == "conv" else (0, 1, 3)
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / _STEPS
    scale[scale == 0] = 1
    stepped: Array = (np.round(kernel / scale) * scale).astype(np.float32)
    return stepped


def prepared_for_int8(model: Model, images: Float32[np.ndarray, "n h w 3"]) -> Model:
    """Round the backbone's kernels and correct its biases, but for the layers `in_float`.

    Args:
        model: In float.
        images: Training photos in the model's own preprocessing.

    Returns:
        A model that answers nearly as `model` does, and whose kernels int8 holds exactly.
    """
    spec = model.backbone.spec
    seen = images[:: max(1, len(images) // _IMAGES)]
    floats = in_float(spec)
    layers = [layer for layer in spec.layers if not (floats and re.search(floats, layer.name))]
    wanted = _means(model.backbone, [layer.name for layer in layers], seen)
    arrays = dict(model.backbone.arrays)
    for layer in layers:
        arrays[layer.kernel_name] = rounded(arrays[layer.kernel_name], layer)
    for layer in layers:
        found = _means(Folded(spec=spec, arrays=arrays), [layer.name], seen)[layer.name]
        moved = arrays[layer.bias_name] + (wanted[layer.name] - found)
        arrays[layer.bias_name] = moved.astype(np.float32)
    return dataclasses.replace(model, backbone=Folded(spec=spec, arrays=arrays))


def _means(
    backbone: Folded, names: list[str], images: Float32[np.ndarray, "n h w 3"]
) -> Mapping[str, np.ndarray[Any, Any]]:
    """Mean of each named convolution's channels, ``(channels,)`` float64, before any ReLU."""
    import onnxruntime
    from onnx import TensorProto
    from onnx.helper import make_tensor_value_info

    graph = build_graph(backbone)
    del graph.graph.output[:]
    graph.graph.output.extend(make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    sums = [np.zeros(1)] * len(names)
    for image in images:
        made = session.run(None, {"image": image[None]})
        sums = [
            one + array.mean(axis=(0, 2, 3), dtype=np.float64)
            for one, array in zip(sums, made, strict=True)
        ]
    return {name: total / len(images) for name, total in zip(names, sums, strict=True)}
