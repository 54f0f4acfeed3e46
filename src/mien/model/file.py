"""The model file: one ONNX graph that any runtime opens, with everything about it in its metadata.

Law: a file is read only if its graph is, node for node, the graph that mien itself would write for
the metadata in it; arrays are taken by name with the shapes that follow from that, and nothing else
in the file is looked at. So nothing is executed, nothing outside the file is opened, and what is
handed to ONNX Runtime is always a graph that mien built.

How to bump `VERSION`: raise it when a file written by the new code could be misread by the old:
when the graph for given metadata changes, or a key changes its meaning. A new optional key needs no
bump. Keep the old graph builder beside the new one, in ``model/graph_v1.py`` and so on, and choose
by the version found in the file in `read_model`: files in people's hands must stay readable. A file
with a higher version than `VERSION` is refused with the advice to upgrade mien.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.backbone.mobilenet_graph import from_oihw, to_oihw
from mien.backbone.mobilenet_v1 import MobileNetV1
from mien.backbone.mobilenet_v2 import MobileNetV2
from mien.backbone.network import Array, Folded, Network
from mien.errors import ModelError
from mien.files import write_bytes
from mien.model.graph import build_model_graph
from mien.model.record import MAX_HEAD_WIDTH, MAX_LAYERS, Model
from mien.records import Dense, Head, plain

if TYPE_CHECKING:
    import onnx

VERSION: Final = 1
SUFFIX: Final = ".onnx"
# MobileNetV2 with alpha 1.4 is 18 MB; fingerprints of a million photos would be 70 MB.
MAX_FILE_BYTES: Final = 128 << 20
_PREFIX: Final = "mien."
_VARIANT_HINT: Final = "Give the model.onnx that was written beside it."
OTHER_HINT: Final = "`mien import` reads Teachable Machine's exports; other ONNX files it does not."


def write_model(path: Path, model: Model) -> None:
    """Write `model` to `path`, whole or not at all; the same model gives the same bytes.

    Raises:
        UserError: The folder cannot be written.
    """
    write_bytes(path, model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """Give the bytes that `write_model` writes."""
    proto = build_model_graph(model)
    for key, value in metadata_of(model).items():
        proto.metadata_props.add(key=_PREFIX + key, value=value)
    return bytes(proto.SerializeToString(deterministic=True))


def metadata_of(model: Model) -> dict[str, str]:
    """Give the metadata in the file, each value JSON but ``card`` and ``preprocessing``."""
    spec = model.backbone.spec
    layers = [
        {"width": la.kernel.shape[1], "bias": la.bias is not None, "activation": la.activation}
        for la in model.head.layers
    ]
    values = {
        "format": VERSION,
        "labels": model.labels,
        "network": {"name": spec.name, "alpha": spec.alpha, "size_px": spec.size_px},
        "backbone": {"name": model.backbone_name, "sha256": model.backbone_sha256},
        "mirror_average": model.mirror_average,
        "head": {"layers": layers, "calibrated": model.head.calibrated},
        "recipe": model.recipe,
        "seed": model.seed,
        "fingerprints": model.fingerprints,
        "exams": model.exams,
        "provenance": model.provenance,
    }
    words = {"preprocessing": model.preprocessing, "card": model.card}
    return {key: _json(value) for key, value in values.items()} | words


def read_model(path: Path) -> Model:
    """Read a model file that mien wrote, whoever it came from.

    Raises:
        ModelError: It cannot be read, is too large, is no ONNX file, is none of mien's, is of a
            newer version, or its graph, its arrays or its metadata are not what mien writes.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(
                f"'{path}' is larger than {MAX_FILE_BYTES:,} bytes; not a model of mien"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror or error}") from error
    return model_from_bytes(data, name=str(path))


def model_from_bytes(data: bytes, *, name: str) -> Model:
    """Read a model from the bytes of its file; `name` is for messages.

    Raises:
        ModelError: As `read_model`.
    """
    proto = _parse(data, name)
    try:
        metadata = _metadata(proto)
        _refuse_variants(proto)
        model = _model(metadata, proto)
        _check_graph(proto, model)
    except ModelError as error:
        raise ModelError(f"'{name}': {error.message}", error.hint) from error
    return model


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise ModelError(f"'{name}' is not an ONNX file: {error}", OTHER_HINT) from error
    return proto


def _metadata(proto: onnx.ModelProto) -> dict[str, str]:
    # Text that is no UTF-8 comes as bytes.
    if not all(isinstance(t, str) for p in proto.metadata_props for t in (p.key, p.value)):
        raise ModelError("its metadata is not UTF-8 text")
    metadata = {p.key.removeprefix(_PREFIX): p.value for p in proto.metadata_props}
    if len(metadata) != len(proto.metadata_props):
        raise ModelError("its metadata names something twice")
    if "format" not in metadata:
        raise ModelError("an ONNX file, but none of mien's: it holds no labels", OTHER_HINT)
    version = _parsed(metadata, "format", int)
    if version > VERSION:
        raise ModelError(
            f"its format is {version}; this mien reads up to {VERSION}", "Upgrade mien."
        )
    if version < 1:
        raise ModelError(f"its format is {version}; expected 1 to {VERSION}")
    return metadata


def _refuse_variants(proto: onnx.ModelProto) -> None:
    """Name what `mien export --to onnx` writes beside the model for other programs."""
    import onnx

    takes = [one.type.tensor_type.elem_type for one in proto.graph.input]
    if onnx.TensorProto.UINT8 in takes:
        raise ModelError("it is the variant that takes bytes", _VARIANT_HINT)
    names = [tensor.name for tensor in proto.graph.initializer]
    if not all(isinstance(name, str) for name in names):  # text that is no UTF-8 comes as bytes
        raise ModelError("the name of an array is not UTF-8 text")
    if any(name.endswith("_quantized") for name in names):
        raise ModelError("it is the variant in int8", _VARIANT_HINT)


def _model(metadata: Mapping[str, str], proto: onnx.ModelProto) -> Model:
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    if len(tensors) != len(proto.graph.initializer):
        raise ModelError("two of its arrays have one name")
    spec = _spec(_parsed(metadata, "network", dict))
    arrays = {}
    for name, shape in spec.folded_shapes.items():
        flat = to_oihw(np.empty(shape, np.float32), name=name).shape
        arrays[name] = from_oihw(_array(tensors, name, flat), name=name)
    folded = Folded(spec=spec, arrays=arrays)
    backbone = _parsed(metadata, "backbone", dict)
    seed = _parsed(metadata, "seed", (int, type(None)))
    return Model(
        labels=_texts(metadata, "labels"),
        preprocessing=_text(metadata, "preprocessing"),
        backbone=folded,
        backbone_name=_member(backbone, "name", str),
        backbone_sha256=_member(backbone, "sha256", str),
        head=_head(_parsed(metadata, "head", dict), tensors, width=spec.width),
        mirror_average=_parsed(metadata, "mirror_average", bool),
        recipe=_parsed(metadata, "recipe", dict),
        seed=seed,
        fingerprints=_texts(metadata, "fingerprints"),
        exams=tuple(_listed(metadata, "exams", dict)),
        card=_text(metadata, "card"),
        provenance=_parsed(metadata, "provenance", dict),
    )


_NETWORKS: Final[tuple[type[MobileNetV1 | MobileNetV2], ...]] = (MobileNetV2, MobileNetV1)


def _spec(network: Mapping[str, Any]) -> Network:
    known = {kind.name: kind for kind in _NETWORKS}
    kind = known.get(str(network.get("name")))
    if kind is None:
        names = " or ".join(repr(name) for name in known)
        raise ModelError(f"its network is {network.get('name')!r:.80}; expected {names}")
    alpha = network.get("alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float):
        raise ModelError(f"its network's alpha is {alpha!r:.80}; expected a number")
    return kind(alpha=alpha, size_px=_member(network, "size_px", int))


def _head(head: Mapping[str, Any], tensors: Mapping[str, onnx.TensorProto], *, width: int) -> Head:
    described = _member(head, "layers", list)
    if not 1 <= len(described) <= MAX_LAYERS:
        raise ModelError(f"its head has {len(described)} layers; expected 1 to {MAX_LAYERS}")
    layers = []
    for i, one in enumerate(described):
        n_out = _member(one, "width", int)
        if not 1 <= n_out <= MAX_HEAD_WIDTH:
            raise ModelError(f"dense layer {i} has width {n_out}; expected 1 to {MAX_HEAD_WIDTH}")
        has_bias = _member(one, "bias", bool)
        activation = one.get("activation")
        if activation not in ("relu", "linear", "softmax"):
            raise ModelError(f"dense layer {i} has activation {activation!r:.80}")
        layers.append(
            Dense(
                kernel=_array(tensors, f"head/{i}/kernel", (width, n_out)),
                bias=_array(tensors, f"head/{i}/bias", (n_out,)) if has_bias else None,
                activation=activation,
            )
        )
        width = n_out
    return Head(layers=tuple(layers), calibrated=_member(head, "calibrated", bool))


def _array(tensors: Mapping[str, onnx.TensorProto], name: str, shape: tuple[int, ...]) -> Array:
    """Take one array by name, with its bytes in the file itself and of exactly this shape."""
    tensor = tensors.get(name)
    if tensor is None:
        raise ModelError(f"array '{name}' is missing")
    if tensor.data_location or tensor.external_data or tensor.HasField("segment"):
        raise ModelError(f"array '{name}' lies outside the file; mien reads no external data")
    if tensor.data_type != 1 or tuple(tensor.dims) != shape:
        raise ModelError(f"array '{name}' has shape {tuple(tensor.dims)!r:.80}; expected {shape}")
    if len(tensor.raw_data) != 4 * int(np.prod(shape)):
        raise ModelError(f"array '{name}' has {len(tensor.raw_data)} bytes, not those of {shape}")
    array = np.frombuffer(tensor.raw_data, "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"array '{name}' holds NaN or infinity")
    return array


def _check_graph(proto: onnx.ModelProto, model: Model) -> None:
    """Check that the file is what mien would write for `model`, metadata apart."""
    own = build_model_graph(model)
    del proto.metadata_props[:]
    if proto.SerializeToString(deterministic=True) == own.SerializeToString(deterministic=True):
        return
    for found, made in zip(proto.graph.node, own.graph.node, strict=False):
        if found != made:
            raise ModelError(
                f"its node {found.name!r:.60} ({found.op_type!r:.40}) is not the "
                f"'{made.op_type}' that mien writes there",
                "The graph was changed after mien wrote it. Export it again from the original.",
            )
    raise ModelError("its graph is not the one that mien writes for its metadata")


def _json(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _text(metadata: Mapping[str, str], key: str) -> str:
    if key not in metadata:
        raise ModelError(f"its metadata has no '{_PREFIX}{key}'")
    return metadata[key]


def _parsed(metadata: Mapping[str, str], key: str, kind: Any) -> Any:
    try:
        value = json.loads(_text(metadata, key))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"its metadata '{_PREFIX}{key}' is not JSON: {error}") from error
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ModelError(f"its metadata '{_PREFIX}{key}' is {value!r:.80}")
    return value


def _listed(metadata: Mapping[str, str], key: str, kind: type) -> list[Any]:
    values: list[Any] = _parsed(metadata, key, list)
    if not all(isinstance(value, kind) for value in values):
        raise ModelError(f"its metadata '{_PREFIX}{key}' holds something unexpected")
    return values


def _texts(metadata: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(_listed(metadata, key, str))


def _member(record: object, key: str, kind: type) -> Any:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ModelError(f"its metadata has {key} = {value!r:.80}; expected {kind.__name__}")
    return value
