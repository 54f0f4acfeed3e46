"""Reads Teachable Machine's `.tflite` files, float and quantised, without TensorFlow.

A `.tflite` is a flatbuffer: tables that point at each other by offsets. Law: every offset is
checked by the reading itself (`struct` refuses to read past the end), every operator must be the
one that MobileNetV2 and its head have there, and its inputs must come from where they should.
Quantised weights are turned back into float32, ``(q - zero) * scale`` a channel; activations stay
float, so answers differ a little from those of the quantised file.

Source: tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.backbone.mobilenet_v2 import ALPHAS, Array, Folded, Layer, MobileNetV2
from mien.errors import ModelError
from mien.formats.imported import KERAS_PREPROCESSING, Imported
from mien.records import Activation, Dense, Head

MAX_FILE_BYTES: Final = 128 << 20
_MAX_ITEMS: Final = 4000
_CODES: Final = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    25: "SOFTMAX",
    34: "PAD",
    40: "MEAN",
    114: "QUANTIZE",
}
_TYPES: Final[dict[int, np.dtype[Any]]] = {
    0: np.dtype("<f4"),
    2: np.dtype("<i4"),
    3: np.dtype("u1"),
    9: np.dtype("i1"),
}
_ACTIVATIONS: Final[dict[int, Activation]] = {0: "linear", 1: "relu"}
_RELU6: Final = 3


@dataclass(frozen=True)
class _Table:
    """A flatbuffer table: fields by number, absent ones None."""

    data: bytes
    at: int

    def _field(self, number: int) -> int | None:
        vtable = self.at - _get(self.data, "<i", self.at)
        if vtable < 0 or 4 + 2 * number >= _get(self.data, "<H", vtable):
            return None
        offset = _get(self.data, "<H", vtable + 4 + 2 * number)
        return self.at + offset if offset else None

    def number(self, field: int, kind: str, default: int = 0) -> int:
        where = self._field(field)
        return default if where is None else int(_get(self.data, kind, where))

    def table(self, field: int) -> _Table | None:
        where = self._field(field)
        return None if where is None else _Table(self.data, _follow(self.data, where))

    def raw(self, field: int, kind: str) -> np.ndarray[Any, Any]:
        """A vector of plain numbers; empty where it is absent."""
        where = self._field(field)
        dtype = np.dtype(kind)
        if where is None:
            return np.empty(0, dtype)
        start = _follow(self.data, where)
        n = _get(self.data, "<I", start)
        if start + 4 + n * dtype.itemsize > len(self.data):
            raise ModelError("a list in it reaches past the end of the file")
        return np.frombuffer(self.data, dtype, n, start + 4)

    def tables(self, field: int) -> list[_Table]:
        where = self._field(field)
        offsets = self.raw(field, "<u4")
        if where is None or len(offsets) > _MAX_ITEMS:
            raise ModelError("a list of tables in it is missing or too long")
        start = _follow(self.data, where) + 4
        return [_Table(self.data, start + 4 * i + int(o)) for i, o in enumerate(offsets)]


def _get(data: bytes, kind: str, at: int) -> int:
    if at < 0:
        raise ModelError("an offset in it points before its start")
    value: int = struct.unpack_from(kind, data, at)[0]
    return value


def _follow(data: bytes, at: int) -> int:
    return at + _get(data, "<I", at)


@dataclass(frozen=True, kw_only=True)
class _Op:
    kind: str
    inputs: list[int]
    output: int
    options: _Table | None

    def option(self, field: int, kind: str = "<b", default: int = 0) -> int:
        return self.options.number(field, kind, default) if self.options else default


class _Graph:
    """The operators in order, and the constants they refer to."""

    def __init__(self, data: bytes) -> None:
        model = _Table(data, _follow(data, 0))
        codes = [_code(table) for table in model.tables(1)]
        subgraphs = model.tables(2)
        if len(subgraphs) != 1:
            raise ModelError(f"it has {len(subgraphs)} graphs; expected 1")
        self._buffers = model.tables(4)
        self._tensors = subgraphs[0].tables(0)
        self.ops = [self._op(table, codes) for table in subgraphs[0].tables(3)]
        self.input = self._only(subgraphs[0], 1)

    def _only(self, table: _Table, field: int) -> int:
        ends = table.raw(field, "<i4")
        if len(ends) != 1:
            raise ModelError(f"it has {len(ends)} inputs; expected 1 picture")
        return int(ends[0])

    def _op(self, table: _Table, codes: list[int]) -> _Op:
        index = table.number(0, "<I")
        if index >= len(codes) or codes[index] not in _CODES:
            code = codes[index] if index < len(codes) else index
            raise ModelError(f"operator {code} is none of MobileNetV2's", _HINT)
        inputs = [int(i) for i in table.raw(1, "<i4")]
        outputs = table.raw(2, "<i4")
        if not inputs or len(outputs) != 1:
            raise ModelError(f"a {_CODES[codes[index]]} has no input or not one output")
        return _Op(
            kind=_CODES[codes[index]],
            inputs=inputs,
            output=int(outputs[0]),
            options=table.table(4),
        )

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self._tensor(index).raw(0, "<i4"))

    def _tensor(self, index: int) -> _Table:
        if not 0 <= index < len(self._tensors):
            raise ModelError(f"an operator refers to tensor {index}, which is not there")
        return self._tensors[index]

    def constant(self, index: int) -> np.ndarray[Any, Any]:
        """Values of a constant tensor, quantised ones turned back into float32."""
        tensor, shape = self._tensor(index), self.shape(index)
        kind = tensor.number(1, "<b")
        buffer = tensor.number(2, "<I")
        if kind not in _TYPES or buffer >= len(self._buffers) or any(s < 1 for s in shape):
            raise ModelError(f"tensor {index} has type {kind} and shape {shape!r:.60}")
        data = self._buffers[buffer].raw(0, "u1").tobytes()
        if len(data) != _TYPES[kind].itemsize * int(np.prod(shape, dtype=np.float64)):
            raise ModelError(f"tensor {index} has {len(data)} bytes, not those of {shape!r:.60}")
        values = np.frombuffer(data, _TYPES[kind]).reshape(shape)
        return values if kind == 0 else _dequantised(values, tensor.table(4))


def _code(table: _Table) -> int:
    # The byte field came first and is kept for old readers; larger codes stand in the newer one.
    return max(table.number(0, "<b"), table.number(3, "<i"))


def _dequantised(values: np.ndarray[Any, Any], how: _Table | None) -> np.ndarray[Any, Any]:
    if how is None:
        return values
    scale, zero = how.raw(2, "<f4").astype(np.float64), how.raw(3, "<i8").astype(np.float64)
    if not len(scale):
        return values
    axis = how.number(6, "<i")
    if len(scale) != len(zero) or not 0 <= axis < max(values.ndim, 1):
        raise ModelError("a tensor's quantisation does not fit it")
    if len(scale) > 1:
        if values.shape[axis] != len(scale):
            raise ModelError("a tensor's quantisation does not fit it")
        sides = [1] * values.ndim
        sides[axis] = len(scale)
        scale, zero = scale.reshape(sides), zero.reshape(sides)
    with np.errstate(over="ignore", invalid="ignore"):  # refused as not finite by `Folded`
        floats: np.ndarray[Any, Any] = ((values - zero) * scale).astype(np.float32)
    return floats


_HINT: Final = "mien reads .tflite files of Teachable Machine's image models."


def read_tflite(path: Path, *, labels: tuple[str, ...] | None = None) -> Imported:
    """Read a `.tflite` of Teachable Machine's.

    Raises:
        ModelError: It is damaged, or holds another network than MobileNetV2 and dense layers.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"'{path}' is larger than {MAX_FILE_BYTES:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror or error}") from error
    try:
        return _read(_Graph(data), labels)
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error
    except (struct.error, ValueError, OverflowError) as error:
        raise ModelError(f"'{path}' is a damaged .tflite file: {error}") from error


def _read(graph: _Graph, labels: tuple[str, ...] | None) -> Imported:
    ops = [op for op in graph.ops if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    same = {op.output: op.inputs[0] for op in graph.ops if op.kind in ("QUANTIZE", "DEQUANTIZE")}
    shape = graph.shape(graph.input)
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise ModelError(f"it takes input {shape!r:.60}; expected square colour pictures", _HINT)
    walk = _Walk(graph=graph, ops=ops, same=same, at=0, value=graph.input)
    spec, arrays = walk.backbone(size_px=shape[1])
    return Imported(
        weights=Folded(spec=spec, arrays=arrays),
        head=walk.head(width=spec.width),
        labels=labels,
        preprocessing=KERAS_PREPROCESSING.format(size=spec.size_px),
        source="TensorFlow Lite",
    )


@dataclass
class _Walk:
    """Goes through the operators in order, checking that each takes what the last one gave."""

    graph: _Graph
    ops: list[_Op]
    same: dict[int, int]
    at: int
    value: int

    def take(self, kind: str, *also: int) -> _Op:
        if self.at >= len(self.ops):
            raise ModelError(f"it ends where a {kind} is expected", _HINT)
        op = self.ops[self.at]
        sources = {self.same.get(i, i) for i in op.inputs[: 1 + len(also)]}
        if op.kind != kind or sources != {self.value, *also}:
            raise ModelError(f"operator {self.at} is a {op.kind} where {kind} is expected", _HINT)
        self.at += 1
        self.value = op.output
        return op

    def backbone(self, *, size_px: int) -> tuple[MobileNetV2, dict[str, Array]]:
        spec = self._spec(size_px)
        arrays: dict[str, Array] = {}
        block_input = self.value
        for layer in spec.layers:
            if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
                block_input = self.value
            self._convolution(layer, arrays)
            if layer.add:
                self.take("ADD", block_input)
        self.take("MEAN")
        return spec, arrays

    def _spec(self, size_px: int) -> MobileNetV2:
        last = [op for op in self.ops if op.kind == "CONV_2D"][-2:]
        width = self.graph.shape(last[0].inputs[1])[:1] if len(last) == 2 else ()
        for alpha in ALPHAS:
            spec = MobileNetV2(alpha=alpha, size_px=size_px)
            if width == (spec.layers[-2].n_out,):
                return spec
        raise ModelError("its network is not a MobileNetV2", _HINT)

    def _convolution(self, layer: Layer, arrays: dict[str, Array]) -> None:
        if self.at < len(self.ops) and self.ops[self.at].kind == "PAD":
            self._pad(layer)
            padding = 1
        else:
            padding = 0 if layer.kernel_px > 1 else -1
        depthwise = layer.kind == "depthwise"
        op = self.take("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D")
        strides = {op.option(1, "<i"), op.option(2, "<i")}
        activation = op.option(4 if depthwise else 3)
        if (
            strides != {layer.stride}
            or activation != (_RELU6 if layer.relu else 0)
            or (padding >= 0 and op.option(0) != padding)
            or len(op.inputs) != 3
        ):
            raise ModelError(f"convolution '{layer.name}' has other settings than MobileNetV2's")
        kernel = self.graph.constant(op.inputs[1])
        if kernel.ndim != 4:
            raise ModelError(f"convolution '{layer.name}' has a kernel of {kernel.ndim} axes")
        # Ours is (h, w, in, out) and (h, w, channels, 1); theirs (out, h, w, in) and (1, h, w, c).
        turned = kernel.transpose(1, 2, 3, 0)
        arrays[layer.kernel_name] = np.ascontiguousarray(turned, np.float32)
        arrays[layer.bias_name] = self.graph.constant(op.inputs[2]).astype(np.float32)

    def _pad(self, layer: Layer) -> None:
        op = self.take("PAD")
        before, after = layer.pads
        found = self.graph.constant(op.inputs[1]) if len(op.inputs) == 2 else None
        wanted = [[0, 0], [before, after], [before, after], [0, 0]]
        if layer.stride != 2 or found is None or found.tolist() != wanted:
            raise ModelError(f"the padding before '{layer.name}' is not MobileNetV2's")

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
            raise ModelError("it does not end in dense layers and a softmax", _HINT)
        last = layers.pop()
        layers.append(Dense(kernel=last.kernel, bias=last.bias, activation="softmax"))
        return Head(layers=tuple(layers))


def _has_bias(op: _Op) -> bool:
    return len(op.inputs) == 3 and op.inputs[2] >= 0
