"""Writes `.tflite` files, from the format's own description, as TensorFlow's converters do."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from mien.backbone.network import Layer
from mien.model import Model

PAD, CONV, DEPTHWISE, ADD, MEAN, DENSE, SOFTMAX, RESHAPE = 34, 3, 4, 0, 40, 9, 25, 22
SAME, VALID = 0, 1
RELU, RELU6 = 1, 3
FLOAT, INT32, INT8 = 0, 2, 9


class LiteWriter:
    """Tensors, buffers and operators of one graph; weights as float32 or, `quantise`, as int8."""

    def __init__(self, *, quantise: bool) -> None:
        self.quantise = quantise
        self.tensors: list[dict[int, Any]] = []
        self.buffers: list[dict[int, Any]] = [{}]
        self.operators: list[dict[int, Any]] = []
        self.codes: list[int] = []

    def tensor(self, shape: list[int], values: np.ndarray | None = None, *, axis: int = 0) -> int:
        kind = {"f": FLOAT, "i": INT32}[values.dtype.kind if values is not None else "f"]
        data, how = (b"" if values is None else values.tobytes()), {}
        if self.quantise and values is not None and kind == FLOAT and values.ndim > 1:
            rest = tuple(i for i in range(values.ndim) if i != axis)
            scale = np.maximum(np.abs(values).max(axis=rest) / 127, 1e-12).astype(np.float32)
            sides = [-1 if i == axis else 1 for i in range(values.ndim)]
            data = np.round(values / scale.reshape(sides)).astype(np.int8).tobytes()
            kind, how = INT8, {2: scale, 3: np.zeros(len(scale), np.int64), 6: ("<i", axis)}
        number = 0
        if values is not None:
            number = len(self.buffers)
            self.buffers.append({0: np.frombuffer(data, np.uint8)})
        fields = {0: np.array(shape, np.int32), 1: ("<b", kind), 2: ("<I", number)}
        self.tensors.append(fields | ({4: how} if how else {}))
        return len(self.tensors) - 1

    def operator(self, code: int, inputs: list[int], options: dict[int, Any]) -> int:
        out = self.tensor([1])
        if code not in self.codes:
            self.codes.append(code)
        self.operators.append(
            {
                0: ("<I", self.codes.index(code)),
                1: np.array(inputs, np.int32),
                2: np.array([out], np.int32),
                4: options,
            }
        )
        return out

    def convolution(
        self, x: int, layer: Layer, kernel: np.ndarray, bias: np.ndarray, *, padding: int
    ) -> int:
        """Kernel as (h, w, in, out), or (h, w, channels, 1) of a depthwise one."""
        depthwise = layer.kind == "depthwise"
        turned = np.ascontiguousarray(kernel.transpose(3, 0, 1, 2))
        k = self.tensor(list(turned.shape), turned, axis=3 if depthwise else 0)
        options: dict[int, Any] = {0: ("<b", padding)}
        options |= {1: ("<i", layer.stride), 2: ("<i", layer.stride)}
        options |= {3: ("<i", 1)} if depthwise else {}
        options[4 if depthwise else 3] = ("<b", RELU6 if layer.relu else 0)
        inputs = [x, k, self.tensor([layer.n_out], bias)]
        return self.operator(DEPTHWISE if depthwise else CONV, inputs, options)

    def head(self, x: int, model: Model) -> int:
        for dense in model.head.layers:
            kernel = np.ascontiguousarray(dense.kernel.T)
            inputs = [x, self.tensor(list(kernel.shape), kernel)]
            inputs.append(-1 if dense.bias is None else self.tensor([len(dense.bias)], dense.bias))
            options = {0: ("<b", RELU if dense.activation == "relu" else 0)}
            x = self.operator(DENSE, inputs, options)
        return self.operator(SOFTMAX, [x], {0: ("<f", 1.0)})

    def file(self, first: int, last: int) -> bytes:
        graph = {
            0: self.tensors,
            1: np.array([first], np.int32),
            2: np.array([last], np.int32),
            3: self.operators,
        }
        told = {
            0: ("<I", 3),
            1: [{0: ("<b", code), 3: ("<i", code)} for code in self.codes],
            2: [graph],
            4: self.buffers,
        }
        data = bytearray(struct.pack("<I", 0) + b"TFL3")
        struct.pack_into("<I", data, 0, _table(data, told))
        return bytes(data)


def write_tflite(model: Model, *, quantise: bool) -> bytes:
    """The operators that TensorFlow's converter gives for a model in colour."""
    lite = LiteWriter(quantise=quantise)
    x = block = first = lite.tensor([1, model.size_px, model.size_px, 3])
    arrays = model.backbone.arrays
    for layer in model.backbone.spec.layers:
        if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
            block = x
        padding = VALID if layer.stride == 2 else SAME
        if layer.stride == 2:
            before, after = layer.pads
            pads = np.array([[0, 0], [before, after], [before, after], [0, 0]], np.int32)
            x = lite.operator(PAD, [x, lite.tensor([4, 2], pads)], {})
        kernel, bias = arrays[layer.kernel_name], arrays[layer.bias_name]
        x = lite.convolution(x, layer, kernel, bias, padding=padding)
        if layer.add:
            x = lite.operator(ADD, [block, x], {0: ("<b", 0)})
    x = lite.operator(MEAN, [x, lite.tensor([2], np.array([1, 2], np.int32))], {})
    return lite.file(first, lite.head(x, model))


def write_embedded(model: Model, *, quantise: bool, flat_by_hand: bool = False) -> bytes:
    """The operators of Teachable Machine's embedded export, seen in a file of its users.

    One grey channel comes in, so that the first convolution became a depthwise one with a
    multiplier; padding is ``same`` everywhere; the dense layer lays the picture out itself, where
    later converters write a RESHAPE (`flat_by_hand`).
    """
    lite = LiteWriter(quantise=quantise)
    x = first = lite.tensor([1, model.size_px, model.size_px, 1])
    arrays = model.backbone.arrays
    for i, layer in enumerate(model.backbone.spec.layers):
        kernel, bias = arrays[layer.kernel_name], arrays[layer.bias_name]
        if i:
            x = lite.convolution(x, layer, kernel, bias, padding=SAME)
            continue
        grey = np.ascontiguousarray(kernel.sum(axis=2)[None])  # (1, h, w, out)
        inputs = [x, lite.tensor(list(grey.shape), grey, axis=3), lite.tensor([layer.n_out], bias)]
        options = {1: ("<i", 2), 2: ("<i", 2), 3: ("<i", layer.n_out), 4: ("<b", RELU6)}
        x = lite.operator(DEPTHWISE, inputs, options)
    if flat_by_hand:
        width = model.backbone.spec.width
        x = lite.operator(RESHAPE, [x, lite.tensor([2], np.array([-1, width], np.int32))], {})
    return lite.file(first, lite.head(x, model))


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
