"""A `.tflite` file taken apart: its operators in order, and the constants they refer to.

It is a flatbuffer: tables that point at each other by offsets. Law: every offset is checked by the
reading itself (`struct` refuses to read past the end); quantised constants come out as float32,
``(q - zero) * scale`` a channel. Knows nothing of networks (`tflite`).

Source: tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien.errors import ModelError

_MAX_ITEMS: Final = 4000
CODES: Final = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    22: "RESHAPE",
    25: "SOFTMAX",
    34: "PAD",
    40: "MEAN",
    114: "QUANTIZE",
}
# What a layer with a kernel takes at least: a picture and the kernel.
_LEAST_INPUTS: Final = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2}
_TYPES: Final[dict[int, np.dtype[Any]]] = {
    0: np.dtype("<f4"),
    2: np.dtype("<i4"),
    3: np.dtype("u1"),
    9: np.dtype("i1"),
}
HINT: Final = "mien reads .tflite files of Teachable Machine's image models."


@dataclass(frozen=True)
class Table:
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

    def table(self, field: int) -> Table | None:
        where = self._field(field)
        return None if where is None else Table(self.data, _follow(self.data, where))

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

    def tables(self, field: int) -> list[Table]:
        where = self._field(field)
        offsets = self.raw(field, "<u4")
        if where is None or len(offsets) > _MAX_ITEMS:
            raise ModelError("a list of tables in it is missing or too long")
        start = _follow(self.data, where) + 4
        return [Table(self.data, start + 4 * i + int(o)) for i, o in enumerate(offsets)]


def _get(data: bytes, kind: str, at: int) -> int:
    if at < 0:
        raise ModelError("an offset in it points before its start")
    value: int = struct.unpack_from(kind, data, at)[0]
    return value


def _follow(data: bytes, at: int) -> int:
    return at + _get(data, "<I", at)


@dataclass(frozen=True, kw_only=True)
class Op:
    kind: str
    inputs: list[int]
    output: int
    options: Table | None

    def option(self, field: int, kind: str = "<b", default: int = 0) -> int:
        return self.options.number(field, kind, default) if self.options else default


class Graph:
    """The operators in order, and the constants they refer to."""

    def __init__(self, data: bytes) -> None:
        model = Table(data, _follow(data, 0))
        codes = [_code(table) for table in model.tables(1)]
        subgraphs = model.tables(2)
        if len(subgraphs) != 1:
            raise ModelError(f"it has {len(subgraphs)} graphs; expected 1")
        self._buffers = model.tables(4)
        self._tensors = subgraphs[0].tables(0)
        self.ops = [self._op(table, codes) for table in subgraphs[0].tables(3)]
        self.input = self._only(subgraphs[0], 1)

    def _only(self, table: Table, field: int) -> int:
        ends = table.raw(field, "<i4")
        if len(ends) != 1:
            raise ModelError(f"it has {len(ends)} inputs; expected 1 picture")
        return int(ends[0])

    def _op(self, table: Table, codes: list[int]) -> Op:
        index = table.number(0, "<I")
        if index >= len(codes) or codes[index] not in CODES:
            code = codes[index] if index < len(codes) else index
            raise ModelError(f"operator {code} is none of MobileNet's", HINT)
        kind = CODES[codes[index]]
        inputs = [int(i) for i in table.raw(1, "<i4")]
        outputs = table.raw(2, "<i4")
        least = _LEAST_INPUTS.get(kind, 1)
        if len(inputs) < least or len(outputs) != 1:
            raise ModelError(
                f"a {kind} has {len(inputs)} inputs and {len(outputs)} outputs; expected at least "
                f"{least} and 1"
            )
        return Op(
            kind=kind,
            inputs=inputs,
            output=int(outputs[0]),
            options=table.table(4),
        )

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self._tensor(index).raw(0, "<i4"))

    def _tensor(self, index: int) -> Table:
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


def _code(table: Table) -> int:
    # The byte field came first and is kept for old readers; larger codes stand in the newer one.
    return max(table.number(0, "<b"), table.number(3, "<i"))


def _dequantised(values: np.ndarray[Any, Any], how: Table | None) -> np.ndarray[Any, Any]:
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
