"""Reads the description of a Keras model, as `.h5`, `.keras` and TensorFlow.js files hold it.

Law: a description is accepted only if every layer in it is one that mien would put there: one of
the networks of `backbone`, an average or a flat picture, dense layers. The first layer that differs
is named. Nothing is built from it but plain records; a Lambda is a word like any other here, and
refused. Knows nothing of files and of weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mien.backbone.mobilenet_v1 import MobileNetV1
from mien.backbone.mobilenet_v2 import MobileNetV2
from mien.backbone.network import BATCH_NORM_EPSILON, Layer, Network
from mien.errors import ModelError
from mien.records import Activation

_HINT: Final = (
    "mien reads Teachable Machine's image models: MobileNetV2, a global average, dense layers."
)
_MAX_DEPTH: Final = 6  # Teachable Machine nests three deep
_MAX_LAYERS: Final = 400  # MobileNetV2 has 155


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """A dense layer as described: its name, width, whether it has a bias, and its activation."""

    name: str
    units: int
    bias: bool
    activation: Activation


@dataclass(frozen=True, kw_only=True)
class Topology:
    """What a description says: which network, and which dense layers follow it.

    Attributes:
        spec: The frozen network.
        dense: The layers of the head.
        mirror_average: Whether image and mirror image are averaged, as mien writes it.
    """

    spec: Network
    dense: tuple[DenseLayer, ...]
    mirror_average: bool = False


@dataclass(frozen=True, kw_only=True)
class _Node:
    kind: str
    name: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]


def read_topology(description: object) -> Topology:
    """Read a model's description, parsed from JSON.

    Args:
        description: ``{"class_name": "Sequential", "config": …}`` of Keras 2, Keras 3 or
            TensorFlow.js.

    Raises:
        ModelError: It holds a layer that is not the expected one, by name; or none at all.
    """
    nodes = list(_flat(description, depth=0))
    if len(nodes) > _MAX_LAYERS:
        raise ModelError(f"the model has {len(nodes)} layers; expected a MobileNetV2", _HINT)
    size_px = _size_px(nodes)
    nodes = [node for node in nodes if node.kind != "InputLayer"]
    at = next((i for i, n in enumerate(nodes) if n.kind in _POOLS), None)
    if at is None:
        odd = next((n for n in nodes if n.kind not in _KINDS), None)
        what = f"layer {odd.name!r:.80} is a {odd.kind!r:.40}" if odd else "no global average"
        raise ModelError(f"the model holds {what}; expected MobileNetV2 and a head", _HINT)
    body = nodes[:at]
    mirrored = bool(body) and body[-1].kind == "Average"
    if mirrored:
        body = _without_mirror(body, size_px=size_px)
    spec = _spec(body, size_px=size_px, calls=2 if mirrored else 1)
    _check(nodes[at], *pool_of(spec))
    dense = tuple(_dense(node) for node in nodes[at + 1 :])
    return Topology(spec=spec, dense=dense, mirror_average=mirrored)


def _without_mirror(nodes: list[_Node], *, size_px: int) -> list[_Node]:
    """Check and take away the layers that mien writes for a mirror image; see `keras_config`."""
    expected: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("Permute", "mirror_out", "input_1", {"dims": [1, 3, 2]}),
        (
            "Conv2D",
            "mirror_swap",
            "mirror_out",
            {"filters": size_px, "kernel_size": [1, 1], "use_bias": False, "activation": "linear"},
        ),
        ("Permute", "mirror_in", "mirror_swap", {"dims": [1, 3, 2]}),
    )
    for node, (kind, name, source, essential) in zip(nodes, expected, strict=False):
        if node.name != name or node.inputs != (source,):
            raise ModelError(f"layer {node.name!r:.80} is unexpected; expected '{name}'", _HINT)
        _check(node, kind, essential)
    if nodes[-1].inputs != ("out_relu", "out_relu"):
        raise ModelError(f"layer {nodes[-1].name!r:.80} averages something unexpected", _HINT)
    return nodes[3:-1]


def _flat(description: object, *, depth: int) -> Iterator[_Node]:
    """Walk through nested models, yielding their layers in order."""
    kind, name, config, inputs = _described(description)
    if kind not in ("Sequential", "Functional", "Model"):
        yield _Node(kind=kind, name=name, config=config, inputs=inputs)
        return
    layers = config.get("layers")
    if depth >= _MAX_DEPTH or not isinstance(layers, list) or len(layers) > _MAX_LAYERS:
        raise ModelError(f"model {name!r:.80} is nested too deep or lists no layers", _HINT)
    for layer in layers:
        yield from _flat(layer, depth=depth + 1)


def _described(description: object) -> tuple[str, str, Mapping[str, Any], tuple[str, ...]]:
    if not isinstance(description, Mapping) or not isinstance(description.get("class_name"), str):
        raise ModelError(f"the model holds something that is no layer: {description!r:.80}", _HINT)
    config = description.get("config")
    if isinstance(config, list):  # TensorFlow.js' Sequential
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise ModelError(f"a layer of the model has no settings: {description!r:.80}", _HINT)
    name = config.get("name", description.get("name", ""))
    if not isinstance(name, str):
        raise ModelError(f"a layer of the model is called {name!r:.80}", _HINT)
    inputs = tuple(_input_names(description.get("inbound_nodes", [])))
    return description["class_name"], name, config, inputs


def _input_names(inbound: object) -> Iterator[str]:
    """Names of the layers that feed a layer, in Keras 2's form or Keras 3's.

    Keras 2 and TensorFlow.js: ``[[["a", 0, 0, {}], ["b", 0, 0, {}]]]``. Keras 3: a dict with
    ``args``, in which each tensor is ``{"config": {"keras_history": ["a", 0, 0]}}``.
    """
    todo: list[object] = [inbound]
    for _ in range(1000):  # an Add has some ten parts
        if not todo:
            return
        part = todo.pop(0)
        if isinstance(part, list) and len(part) >= 3 and isinstance(part[0], str):
            yield part[0]
        elif isinstance(part, list):
            todo += part
        elif isinstance(part, Mapping):
            history = part.get("keras_history")
            todo += [history] if history else [v for v in part.values() if not isinstance(v, str)]


def _size_px(nodes: list[_Node]) -> int:
    for node in nodes:
        shape = node.config.get("batch_shape", node.config.get("batch_input_shape"))
        if node.kind == "InputLayer" and isinstance(shape, list):
            if len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3 and _is_int(shape[1]):
                return int(shape[1])
            raise ModelError(f"the model takes input {shape!r:.80}; expected square colour images")
    raise ModelError("the model does not say what size of image it takes", _HINT)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _spec(nodes: list[_Node], *, size_px: int, calls: int) -> Network:
    """Find which network the layers are, and check every one of them against it."""
    filters = {node.name: node.config.get("filters") for node in nodes}
    for kind in (MobileNetV2, MobileNetV1):
        for alpha in kind.alphas:
            spec = kind(alpha=alpha, size_px=size_px)
            # The last layer whose width is another one for every alpha.
            last = spec.layers[-1 if spec.flat else -2]
            if filters.get(last.name) == last.n_out:
                _check_backbone(nodes, spec, calls=calls)
                return spec
    odd = next((n for n in nodes if n.kind not in _KINDS), None)
    if odd:
        raise ModelError(f"layer {odd.name!r:.80} is a {odd.kind!r:.40}, which mien refuses", _HINT)
    raise ModelError("the model's frozen part is not Keras' MobileNetV2", _HINT)


def _check_backbone(nodes: list[_Node], spec: Network, *, calls: int) -> None:
    expected = list(expected_backbone(spec, pad_stem=nodes[0].kind == "ZeroPadding2D"))
    names = {node.name for node in nodes}
    for node, (kind, name, inputs, essential) in zip(nodes, expected, strict=False):
        if node.name != name:
            raise ModelError(f"layer {node.name!r:.80} ({node.kind!r:.40}) is unexpected; "
                             f"{spec.title} has '{name}' there", _HINT)  # fmt: skip
        _check(node, kind, essential)
        # The first layer's input is the model's own; its name is free.
        if set(node.inputs) & names != set(inputs) or (
            inputs and len(node.inputs) != calls * len(inputs)
        ):
            raise ModelError(f"layer '{name}' is fed by {node.inputs!r:.80}; expected {inputs}")
    if len(nodes) != len(expected):
        raise ModelError(
            f"the model has {len(nodes)} layers before its average; "
            f"{spec.title} has {len(expected)}"
        )


def pool_of(spec: Network) -> tuple[str, dict[str, Any]]:
    """Give class and settings of the layer that makes the embedding out of the last picture."""
    return ("Flatten", {}) if spec.flat else ("GlobalAveragePooling2D", {"keepdims": False})


_POOLS: Final = ("GlobalAveragePooling2D", "Flatten")
_Expected = tuple[str, str, tuple[str, ...], Mapping[str, Any]]


def expected_backbone(spec: Network, *, pad_stem: bool = True) -> Iterator[_Expected]:
    """Yield Keras' layers of a network: class, name, inputs, and the settings that matter.

    Args:
        spec: The network.
        pad_stem: Whether the first convolution is padded by a layer of its own (as Teachable
            Machine's is) or by its own padding ``same`` (as in Keras since 2.4), which is the same.
    """
    before: str | None = None
    block_input: str | None = None
    for layer in spec.layers:
        if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
            block_input = before
        for kind, name, settings in _parts(layer, pad_stem=pad_stem):
            inputs = tuple(x for x in (block_input, before) if x) if kind == "Add" else (before,)
            yield kind, name, tuple(x for x in inputs if x), settings
            before = name


def _parts(layer: Layer, *, pad_stem: bool) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    padded = layer.pad is not None and (pad_stem or layer.kind == "depthwise")
    if padded:
        before, after = layer.pads
        yield "ZeroPadding2D", layer.pad or "", {"padding": [[before, after], [before, after]]}
    conv: dict[str, Any] = {
        "kernel_size": [layer.kernel_px] * 2,
        "strides": [layer.stride] * 2,
        "padding": ("valid",)
        if padded
        else ("same", "valid")
        if layer.kernel_px == 1
        else ("same",),
        "use_bias": False,
        "activation": "linear",
        "dilation_rate": [1, 1],
        "groups": 1,
    }
    if layer.kind == "conv":
        yield "Conv2D", layer.name, {**conv, "filters": layer.n_out}
    else:
        yield "DepthwiseConv2D", layer.name, {**conv, "depth_multiplier": 1}
    norm = {"epsilon": BATCH_NORM_EPSILON, "center": True, "scale": True}
    yield "BatchNormalization", layer.batch_norm, {**norm, "axis": (-1, 3, [3], [-1])}
    if layer.relu:
        yield "ReLU", layer.relu, {"max_value": 6, "negative_slope": 0, "threshold": 0}
    if layer.add:
        yield "Add", layer.add, {}


# The kinds of layers that mien reads; what is not among them is refused by its name.
_KINDS: Final = frozenset(
    {
        "InputLayer",
        "ZeroPadding2D",
        "Conv2D",
        "DepthwiseConv2D",
        "BatchNormalization",
        "ReLU",
        "Add",
        "GlobalAveragePooling2D",
        "Flatten",
        "Dense",
    }
)
# What a setting is where the description leaves it out.
_DEFAULTS: Final[Mapping[str, Any]] = {
    "groups": 1,
    "negative_slope": 0,
    "threshold": 0,
    "keepdims": False,
    "dilation_rate": [1, 1],
    "depth_multiplier": 1,
}


def _check(node: _Node, kind: str, essential: Mapping[str, Any]) -> None:
    """Check a layer's class and settings; a tuple stands for «one of these»."""
    if node.kind != kind:
        raise ModelError(f"layer {node.name!r:.80} is a {node.kind!r:.40}; expected {kind}", _HINT)
    if node.config.get("data_format", "channels_last") not in ("channels_last", None):
        raise ModelError(f"layer {node.name!r:.80} has its channels first; expected last")
    for key, expected in essential.items():
        value = node.config.get(key, _DEFAULTS.get(key))
        if key in ("negative_slope", "threshold") and value is None:
            value = 0
        if not any(_same(value, one) for one in _choices(expected)):
            raise ModelError(
                f"layer {node.name!r:.80} has {key} {value!r:.80}; expected {expected!r:.80}", _HINT
            )


def _choices(expected: object) -> tuple[object, ...]:
    return expected if isinstance(expected, tuple) else (expected,)


def _same(value: object, expected: object) -> bool:
    if isinstance(expected, float) and isinstance(value, float):
        return abs(value - expected) <= 1e-6 * expected  # TensorFlow.js writes a float32's digits
    return type(value) in (type(expected), float) and value == expected


def _dense(node: _Node) -> DenseLayer:
    if node.kind != "Dense":
        raise ModelError(f"layer {node.name!r:.80} is a {node.kind!r:.40}; expected Dense", _HINT)
    units, bias = node.config.get("units"), node.config.get("use_bias", True)
    activation = node.config.get("activation", "linear")
    if activation not in ("relu", "linear", "softmax"):
        raise ModelError(
            f"dense layer {node.name!r:.80} has activation {activation!r:.80}; "
            "expected relu, linear or softmax",
            _HINT,
        )
    if not _is_int(units) or not isinstance(bias, bool):
        raise ModelError(
            f"dense layer {node.name!r:.80} has units {units!r:.40}, bias {bias!r:.40}"
        )
    assert isinstance(units, int)
    return DenseLayer(name=node.name, units=units, bias=bias, activation=activation)
