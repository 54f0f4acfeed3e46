"""Quantises a model to int8 but for named operators, and lets bytes in and out at its borders.

TensorFlow's converter takes bytes only where all of a model is in int8, so the borders are written
here: a DEQUANTIZE before the first operator and a QUANTIZE after the last. Knows nothing of mien.
"""

import re
from typing import Any

import numpy as np

# Shares from 0 to 1 in bytes, as the converter writes them.
OUT_STEP, OUT_ZERO = 1 / 256, 0


def quantised(converter: Any, job: dict[str, Any]) -> bytes:
    """Give the file.

    Args:
        converter: With a representative dataset.
        job: ``floats``, a pattern for the names of operators that stay in float; ``divisor`` and
            ``offset``: a byte ``x`` comes in as ``x / divisor + offset``.
    """
    import tensorflow as tf

    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=converter.representative_dataset
    )
    debugger.options = tf.lite.experimental.QuantizationDebugOptions(
        denylisted_nodes=_named(debugger.calibrated_model, job["floats"])
    )
    data = bytes(debugger.get_nondebug_quantized_model())
    step = 1 / job["divisor"]
    return with_bytes(data, step=step, zero=round(-job["offset"] / step))


def _named(model: bytes, pattern: str) -> list[str]:
    """Names of the operators that match; an operator goes by the name of what it puts out."""
    from tensorflow.lite.tools import flatbuffer_utils

    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(model)).subgraphs[0]
    names = [graph.tensors[op.outputs[0]].name.decode() for op in graph.operators]
    return [name for name in names if re.search(pattern, name)]


def with_bytes(data: bytes, *, step: float, zero: int) -> bytes:
    """Let a model with floats at its borders take and give uint8."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    graph = model.subgraphs[0]
    given, made = int(graph.inputs[0]), int(graph.outputs[0])
    first = _like(graph, given, name=b"image_bytes", step=step, zero=zero)
    last = _like(graph, made, name=b"probs_bytes", step=OUT_STEP, zero=OUT_ZERO)
    kinds = schema.BuiltinOperator
    graph.operators.insert(0, _operator(model, kinds.DEQUANTIZE, first, given))
    graph.operators.append(_operator(model, kinds.QUANTIZE, made, last))
    graph.inputs, graph.outputs = np.array([first], np.int32), np.array([last], np.int32)
    for signature in model.signatureDefs or []:
        signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex = first, last
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _like(graph: Any, other: int, *, name: bytes, step: float, zero: int) -> int:
    """Add a uint8 tensor of another one's shape, and give its number."""
    from tensorflow.lite.python import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.buffer = name, schema.TensorType.UINT8, 0
    tensor.shape = graph.tensors[other].shape
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [step], [zero]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(model: Any, kind: int, source: int, target: int) -> Any:
    """An operator of a kind with one tensor in and one out."""
    from tensorflow.lite.python import schema_py_generated as schema

    known = [code.builtinCode for code in model.operatorCodes]
    if kind not in known:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 1
        model.operatorCodes.append(code)
        known.append(kind)
    operator = schema.OperatorT()
    operator.opcodeIndex = known.index(kind)
    operator.inputs, operator.outputs = np.array([source]), np.array([target])
    return operator
