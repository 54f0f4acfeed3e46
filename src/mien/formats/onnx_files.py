"""The model as ONNX in three forms: our own file, one that takes uint8 pictures, one in int8.

Law: the float file is byte for byte the model file; the others are made from its graph and carry
its metadata, so that labels and preprocessing travel with them. Mien reads back the first alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.formats.golden import range_of
from mien.model import Model, model_bytes
from mien.model.graph import INPUT

if TYPE_CHECKING:
    import onnx

_PREPARED: Final = "onnx.quant.pre_process"


def uint8_bytes(model: Model) -> bytes:
    """Give the model with `image` as uint8 ``(n, h, w, 3)``: cast and scaled in its first nodes."""
    from onnx import TensorProto
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array

    proto = _parsed(model)
    graph = proto.graph
    divisor, offset = range_of(model.preprocessing)
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == INPUT:
                node.input[i] = "image/scaled"
    first = [
        make_node("Cast", [INPUT], ["image/float"], "image/float", to=TensorProto.FLOAT),
        make_node("Div", ["image/float", "image/divisor"], ["image/divided"], "image/divided"),
        make_node("Add", ["image/divided", "image/offset"], ["image/scaled"], "image/scaled"),
    ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend(first + rest)
    graph.initializer.append(from_array(np.array(divisor, np.float32), "image/divisor"))
    graph.initializer.append(from_array(np.array(offset, np.float32), "image/offset"))
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    return bytes(proto.SerializeToString(deterministic=True))


def int8_bytes(model: Model) -> bytes:
    """Give the model with its two largest parts in int8, quantised while it runs; float in and out.

    These are the last convolution and the dense layers, two thirds of all weights. With every
    1 x 1 convolution in int8 the file is a third of its size instead of 61 %, and three golden
    pictures of twenty change their class (docs/log.md): MobileNetV2's narrow layers do not bear it.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    proto = _parsed(model)
    # Without this mark the quantiser advises on standard error to prepare the graph first, which
    # here is folded already.
    proto.metadata_props.add(key=_PREPARED, value="onnxruntime.quant")
    convolutions = [la.name for la in model.backbone.spec.layers[:-1]]
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        target = Path(folder) / "int8.onnx"
        quantize_dynamic(
            proto,
            target,
            op_types_to_quantize=["Conv", "MatMul"],
            nodes_to_exclude=convolutions,
            weight_type=QuantType.QUInt8,
        )
        return target.read_bytes()


def _parsed(model: Model) -> onnx.ModelProto:
    import onnx

    proto = onnx.ModelProto()
    proto.ParseFromString(model_bytes(model))
    return proto
