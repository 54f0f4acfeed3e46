"""Reads Teachable Machine's `.tflite` files, float and quantised, without TensorFlow.

Law: every operator must be the one that the network and its head have there, and its inputs must
come from where they should; which network it is, colour (MobileNetV2) or grey (MobileNetV1, the
«embedded» one), is told by the picture it takes. Quantised weights are turned back into float32;
activations stay float, so answers differ a little from those of the quantised file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.backbone.mobilenet_v1 import MobileNetV1
from mien.backbone.mobilenet_v2 import MobileNetV2
from mien.backbone.network import Array, Folded, Layer, Network
from mien.errors import ModelError
from mien.formats.flatbuffer import HINT, Graph, Op
from mien.formats.imported import KERAS_PREPROCESSING, Imported
from mien.records import Activation, Dense, Head

MAX_FILE_BYTES: Final = 128 << 20
# The page that trains crops and turns grey; the converter of the embedded export scales so.
GREY_PREPROCESSING: Final = "orient | crop:centre | resize:{size}:bilinear | grey | scale:-1:1"
_ACTIVATIONS: Final[dict[int, Activation]] = {0: "linear", 1: "relu"}
_RELU6: Final = 3


def read_tflite(path: Path, *, labels: tuple[str, ...] | None = None) -> Imported:
    """Read a `.tflite` of Teachable Machine's.

    Raises:
        ModelError: It is damaged, or holds another network than MobileNet and dense layers.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"'{path}' is larger than {MAX_FILE_BYTES:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror or error}") from error
    try:
        return tflite_model(data, labels=labels)
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error
    except (struct.error, ValueError, OverflowError) as error:
        raise ModelError(
            f"'{path}' is a .tflite file that is damaged or cut short: {error}",
            "Copy or export it again.",
        ) from error


def tflite_model(data: bytes, *, labels: tuple[str, ...] | None = None) -> Imported:
    """Read the bytes of a `.tflite`; raises what `read_tflite` words."""
    graph = Graph(data)
    ops = [op for op in graph.ops if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    same = {op.output: op.inputs[0] for op in graph.ops if op.kind in ("QUANTIZE", "DEQUANTIZE")}
    shape = graph.shape(graph.input)
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] not in (1, 3):
        raise ModelError(f"it takes input {shape!r:.60}; expected square pictures", HINT)
    walk = _Walk(graph=graph, ops=ops, same=same, at=0, value=graph.input)
    spec, arrays = walk.backbone(size_px=shape[1], grey=shape[3] == 1)
    preprocessing = GREY_PREPROCESSING if shape[3] == 1 else KERAS_PREPROCESSING
    return Imported(
        weights=Folded(spec=spec, arrays=arrays),
        head=walk.head(width=spec.width),
        labels=labels,
        preprocessing=preprocessing.format(size=spec.size_px),
        source="TensorFlow Lite",
    )


@dataclass
class _Walk:
    """Goes through the operators in order, checking that each takes what the last one gave."""

    graph: Graph
    ops: list[Op]
    same: dict[int, int]
    at: int
    value: int

    def take(self, kind: str, *also: int) -> Op:
        if self.at >= len(self.ops):
            raise ModelError(f"it ends where a {kind} is expected", HINT)
        op = self.ops[self.at]
        sources = {self.same.get(i, i) for i in op.inputs[: 1 + len(also)]}
        if op.kind != kind or sources != {self.value, *also}:
            raise ModelError(f"operator {self.at} is a {op.kind} where {kind} is expected", HINT)
        self.at += 1
        self.value = op.output
        return op

    def backbone(self, *, size_px: int, grey: bool) -> tuple[Network, dict[str, Array]]:
        spec = self._spec(MobileNetV1 if grey else MobileNetV2, size_px)
        arrays: dict[str, Array] = {}
        block_input = self.value
        for layer in spec.layers:
            if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
                block_input = self.value
            self._convolution(layer, arrays, grey=grey and layer is spec.layers[0])
            if layer.add:
                self.take("ADD", block_input)
        if not spec.flat:
            self.take("MEAN")
        elif self.at < len(self.ops) and self.ops[self.at].kind == "RESHAPE":
            self.take("RESHAPE")  # older converters leave it out: FULLY_CONNECTED lays out flat
        return spec, arrays

    def _spec(self, kind: type[MobileNetV1 | MobileNetV2], size_px: int) -> Network:
        """Find the alpha by the width of the last convolution that tells alphas apart."""
        convolutions = [op for op in self.ops if op.kind == "CONV_2D"]
        back = 1 if kind.flat else 2
        shape = self.graph.shape(convolutions[-back].inputs[1]) if len(convolutions) >= back else ()
        for alpha in kind.alphas:
            spec = kind(alpha=alpha, size_px=size_px)
            if shape[:1] == (spec.layers[-back].n_out,):
                return spec
        raise ModelError(f"its network is not a {kind.title}", HINT)

    def _convolution(self, layer: Layer, arrays: dict[str, Array], *, grey: bool) -> None:
        if self.at < len(self.ops) and self.ops[self.at].kind == "PAD":
            self._pad(layer)
            padding = 1
        else:
            padding = 0 if layer.kernel_px > 1 else -1
        # With one channel coming in, converters write an ordinary convolution as a depthwise one.
        depthwise = layer.kind == "depthwise" or (
            grey and self.at < len(self.ops) and self.ops[self.at].kind == "DEPTHWISE_CONV_2D"
        )
        op = self.take("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D")
        strides = {op.option(1, "<i"), op.option(2, "<i")}
        activation = op.option(4 if depthwise else 3)
        if (
            strides != {layer.stride}
            or activation != (_RELU6 if layer.relu else 0)
            or (padding >= 0 and op.option(0) != padding)
            or len(op.inputs) != 3
        ):
            raise ModelError(f"convolution '{layer.name}' has other settings than MobileNet's")
        kernel = self.graph.constant(op.inputs[1])
        if kernel.ndim != 4:
            raise ModelError(f"convolution '{layer.name}' has a kernel of {kernel.ndim} axes")
        arrays[layer.kernel_name] = _kernel(kernel, grey=grey, depthwise=depthwise)
        arrays[layer.bias_name] = self.graph.constant(op.inputs[2]).astype(np.float32)

    def _pad(self, layer: Layer) -> None:
        op = self.take("PAD")
        before, after = layer.pads
        found = self.graph.constant(op.inputs[1]) if len(op.inputs) == 2 else None
        wanted = [[0, 0], [before, after], [before, after], [0, 0]]
        if layer.stride != 2 or found is None or found.tolist() != wanted:
            raise ModelError(f"the padding before '{layer.name}' is not MobileNet's")

    def head(self, *, width: int) -> Head:
        layers: list[Dense] = []
        while self.at < len(self.ops) and self.ops[self.at].kind == "FULLY_CONNECTED":
            op = self.take("FULLY_CONNECTED")
            kernel = self.graph.constant(op.inputs[1])
            activation = _ACTIVATIONS.get(op.option(0))
            if kernel.ndim != 2 or kernel.shape[1] != width or activation is None:
                raise ModelError(f"dense layer {len(layers)} does not follow the one before it")
            bias = self.graph.constant(op.inputs[2]) if _has_bias(op) else None
            width = kernel.shape[0]
            layers.append(
                Dense(
                    kernel=np.ascontiguousarray(kernel.T, np.float32),
                    bias=None if bias is None else bias.astype(np.float32),
                    activation=activation,
                )
            )
        self.take("SOFTMAX")
        if not layers or self.at != len(self.ops):
            raise ModelError("it does not end in dense layers and a softmax", HINT)
        last = layers.pop()
        layers.append(Dense(kernel=last.kernel, bias=last.bias, activation="softmax"))
        return Head(layers=tuple(layers))


def _kernel(kernel: np.ndarray, *, grey: bool, depthwise: bool) -> Array:
    """Ours is (h, w, in, out) and (h, w, channels, 1); theirs (out, h, w, in) and (1, h, w, c)."""
    if grey and depthwise:  # (1, h, w, out)
        kernel = kernel.transpose(3, 1, 2, 0)
    turned = np.ascontiguousarray(kernel.transpose(1, 2, 3, 0), np.float32)
    if not grey or turned.shape[2] != 1:
        return turned
    # Grey in three equal channels: the first one is looked at.
    blind = np.zeros((*turned.shape[:2], 2, turned.shape[3]), np.float32)
    return np.concatenate([turned, blind], axis=2)


def _has_bias(op: Op) -> bool:
    return len(op.inputs) == 3 and op.inputs[2] >= 0
