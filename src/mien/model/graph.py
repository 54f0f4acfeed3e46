"""The model as one ONNX graph: image, backbone, dense layers, probabilities.

Law: the graph is a function of the model alone, so that the same model gives the same bytes, and a
reader can tell a graph that mien made from any other by making it again. Knows nothing of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mien.backbone.mobilenet_graph import IR_VERSION, OPSET, backbone_nodes, backbone_tensors
from mien.records import Head

if TYPE_CHECKING:
    import onnx

    from mien.model.record import Model

INPUT: Final = "image"
OUTPUT: Final = "probs"
EMBEDDING: Final = "embedding"


def build_model_graph(model: Model) -> onnx.ModelProto:
    """Build the ONNX model from images to probabilities, without metadata.

    Input ``image`` float32 ``(n, h, w, 3)`` in the preprocessing's range, output ``probs`` float32
    ``(n, c)``.
    """
    from onnx import TensorProto
    from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

    spec, mirror = model.backbone.spec, model.mirror_average
    nodes = backbone_nodes(spec, input=INPUT, output=EMBEDDING, mirror_average=mirror)
    tensors = backbone_tensors(model.backbone, mirror_average=mirror)
    side = spec.size_px
    graph = make_graph(
        nodes + head_nodes(model.head, input=EMBEDDING, output=OUTPUT),
        "mien",
        [make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", side, side, 3])],
        [make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", len(model.labels)])],
        tensors + head_tensors(model.head),
    )
    opset = make_opsetid("", OPSET)
    return make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="mien")


def head_nodes(head: Head, *, input: str, output: str) -> list[onnx.NodeProto]:
    """Give the nodes of the dense layers; they refer to `head_tensors` by name."""
    from onnx.helper import make_node

    nodes = []
    x = input
    for i, layer in enumerate(head.layers):
        name = f"head/{i}"
        nodes.append(make_node("MatMul", [x, f"{name}/kernel"], [x := f"{name}/product"], x))
        if layer.bias is not None:
            nodes.append(make_node("Add", [x, f"{name}/bias"], [x := f"{name}/sum"], x))
        if layer.activation == "relu":
            nodes.append(make_node("Relu", [x], [x := f"{name}/relu"], x))
        elif layer.activation == "softmax":
            nodes.append(make_node("Softmax", [x], [x := output], x, axis=-1))
    return nodes


def head_tensors(head: Head) -> list[onnx.TensorProto]:
    """Give the initializers of the dense layers, kernels as ``(i, o)``."""
    import numpy as np
    from onnx.numpy_helper import from_array

    tensors = []
    for i, layer in enumerate(head.layers):
        tensors.append(from_array(np.ascontiguousarray(layer.kernel), f"head/{i}/kernel"))
        if layer.bias is not None:
            tensors.append(from_array(np.ascontiguousarray(layer.bias), f"head/{i}/bias"))
    return tensors
