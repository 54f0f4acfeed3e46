"""The ONNX graph of a frozen network, its batch normalisations folded.

Law: pictures come in as float32 ``(n, h, w, 3)`` in the range that the backbone's preprocessing
gives, embeddings go out as ``(n, d)``; initializers carry the names of `Folded.arrays`, so that a
graph can be read back into weights. Knows nothing of heads, files and sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.backbone.network import MAX_SIZE_PX, Array, Folded, Network, Weights, fold

if TYPE_CHECKING:
    import onnx

# Opset 17 is what every ONNX Runtime since 1.12 (2022) reads; nothing newer is needed here.
OPSET: Final = 17
IR_VERSION: Final = 8


def build_graph(
    weights: Weights | Folded,
    *,
    input: str = "image",
    output: str = "embedding",
    mirror_average: bool = False,
) -> onnx.ModelProto:
    """Build the ONNX model from pictures to embeddings.

    Args:
        weights: Of the backbone.
        input: Name of the input, float32 ``(n, h, w, 3)`` in the preprocessing's range.
        output: Name of the output, float32 ``(n, d)``.
        mirror_average: Whether the embedding is the mean of the picture's and its mirror image's.

    Raises:
        ModelError: Folding overflows.
    """
    from onnx import TensorProto
    from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

    folded = fold(weights) if isinstance(weights, Weights) else weights
    spec = folded.spec
    graph = make_graph(
        backbone_nodes(spec, input=input, output=output, mirror_average=mirror_average),
        "mobilenet_v2",
        [make_tensor_value_info(input, TensorProto.FLOAT, ["n", spec.size_px, spec.size_px, 3])],
        [make_tensor_value_info(output, TensorProto.FLOAT, ["n", spec.width])],
        backbone_tensors(folded, mirror_average=mirror_average),
    )
    opset = make_opsetid("", OPSET)
    return make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="mien")


def backbone_nodes(
    spec: Network, *, input: str, output: str, mirror_average: bool = False
) -> list[onnx.NodeProto]:
    """Give the ONNX nodes from the tensor `input` to the tensor `output`.

    They refer to the tensors of `backbone_tensors` by name. With `mirror_average`
    the embedding is the mean of the picture's and its mirror image's: both run as one batch.
    """
    from onnx.helper import make_node

    nodes = []
    x = input
    if mirror_average:
        window = ["mirror/start", "mirror/end", "mirror/axis", "mirror/step"]
        nodes.append(make_node("Slice", [x, *window], ["mirror"], "mirror"))
        nodes.append(make_node("Concat", [x, "mirror"], ["both"], "both", axis=0))
        x = "both"
    nodes.append(make_node("Transpose", [x], ["nchw"], "nchw", perm=[0, 3, 1, 2]))
    x = block_input = "nchw"
    for layer in spec.layers:
        if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
            block_input = x
        before, after = layer.pads
        nodes.append(
            make_node(
                "Conv",
                [x, layer.kernel_name, layer.bias_name],
                [x := layer.name],
                layer.name,
                kernel_shape=[layer.kernel_px] * 2,
                strides=[layer.stride] * 2,
                pads=[before, before, after, after],
                group=layer.n_in if layer.kind == "depthwise" else 1,
            )
        )
        if layer.relu:
            nodes.append(make_node("Clip", [x, "zero", "six"], [x := layer.relu], layer.relu))
        if layer.add:
            nodes.append(make_node("Add", [block_input, x], [x := layer.add], layer.add))
    pooled = "embeddings_nchw"
    if spec.flat:  # in TensorFlow's order of numbers: row, column, channel
        nodes.append(make_node("Transpose", [x], [pooled], pooled, perm=[0, 2, 3, 1]))
    else:
        nodes.append(make_node("GlobalAveragePool", [x], [pooled], pooled))
    flat = "embeddings_of_both" if mirror_average else output
    nodes.append(make_node("Flatten", [pooled], [flat], "flat", axis=1))
    if mirror_average:
        nodes.append(make_node("Reshape", [flat, "pairs_shape"], ["pairs"], "pairs"))
        nodes.append(make_node("ReduceMean", ["pairs"], [output], output, axes=[0], keepdims=0))
    return nodes


def backbone_tensors(folded: Folded, *, mirror_average: bool = False) -> list[onnx.TensorProto]:
    """Give the initializers that `backbone_nodes` refers to, kernels as ``(out, in, h, w)``."""
    from onnx.numpy_helper import from_array

    tensors = [
        from_array(np.ascontiguousarray(to_oihw(array, name=name)), name)
        for name, array in folded.arrays.items()
    ]
    constants = constant_arrays(folded.spec, mirror_average=mirror_average)
    return tensors + [from_array(array, name) for name, array in constants.items()]


def constant_arrays(spec: Network, *, mirror_average: bool) -> dict[str, np.ndarray[Any, Any]]:
    """Give the small constants that `backbone_nodes` refers to."""
    arrays: dict[str, np.ndarray[Any, Any]] = {"zero": np.float32(0), "six": np.float32(6)}  # type: ignore[dict-item]
    if mirror_average:
        # Backwards from the last column to before the first: NumPy's x[:, :, ::-1].
        bounds = {"start": -1, "end": -MAX_SIZE_PX - 1, "axis": 2, "step": -1}
        arrays |= {f"mirror/{k}": np.array([v], np.int64) for k, v in bounds.items()}
        arrays["pairs_shape"] = np.array([2, -1, spec.width], np.int64)
    return {name: np.asarray(array) for name, array in arrays.items()}


def to_oihw(array: Array, *, name: str) -> Array:
    """Turn a Keras kernel into ONNX' order of axes; a bias stays as it is."""
    if name.endswith("/depthwise_kernel"):
        return array.transpose(2, 3, 0, 1)
    return array.transpose(3, 2, 0, 1) if name.endswith("/kernel") else array


def from_oihw(array: Array, *, name: str) -> Array:
    """Turn an ONNX kernel into Keras' order of axes: the inverse of `to_oihw`."""
    if name.endswith("/depthwise_kernel"):
        return array.transpose(2, 3, 0, 1)
    return array.transpose(2, 3, 1, 0) if name.endswith("/kernel") else array
