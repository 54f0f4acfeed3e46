"""Describes a model in Keras' words: the configuration that `.h5`, TensorFlow.js and `.keras` hold.

Law: one description that Keras 2, Keras 3 and TensorFlow.js all build: Teachable Machine's nesting,
none of the settings that only one of them knows. The order of weights is Keras' own: first what is
trained, layer by layer, then the moving averages. Knows nothing of files.

A model that averages an image with its mirror image holds the mirror as three plain layers: the
width becomes the channels, a 1 x 1 convolution whose kernel is the identity turned around swaps
them, and the width comes back. Sums of one number and zeros are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from mien.backbone.network import BATCH_NORM_EPSILON, Array, Folded
from mien.formats.imported import MIRROR_KERNEL
from mien.formats.topology import expected_backbone, pool_of
from mien.model import Model

BACKBONE_MODEL: Final = "mobilenetv2"
BACKBONE_STACK: Final = "sequential_1"
HEAD_STACK: Final = "sequential_2"
_POOL_NAMES: Final = {"GlobalAveragePooling2D": "global_average_pooling2d", "Flatten": "flatten"}
Config = dict[str, Any]


def keras_config(model: Model) -> Config:
    """Describe the model: ``Sequential[Sequential[backbone, average], Sequential[dense…]]``."""
    size = model.size_px
    shape = [None, size, size, 3]
    inner = _mirrored(model) if model.mirror_average else _backbone(model, name=BACKBONE_MODEL)
    pool_kind = pool_of(model.backbone.spec)[0]
    pool = _layer(pool_kind, _POOL_NAMES[pool_kind], data_format="channels_last")
    backbone = _sequential(BACKBONE_STACK, [_input(f"{BACKBONE_STACK}_input", shape), inner, pool])
    dense = [_dense(model, i) for i in range(len(model.head.layers))]
    head_input = _input("head_input", [None, model.backbone.spec.width])
    head = _sequential(HEAD_STACK, [head_input, *dense])
    return _sequential("sequential", [_input("image", shape), backbone, head])


def keras_weights(model: Model) -> dict[str, dict[str, Array]]:
    """Give the weights by part (`BACKBONE_STACK`, `HEAD_STACK`), each in Keras' order.

    Batch normalisations, which are folded into the convolutions, come back as ones that add the
    bias: gamma 1, beta the bias, mean 0, variance 1 - epsilon.
    """
    head: dict[str, Array] = {}
    for i, layer in enumerate(model.head.layers):
        head[f"{dense_name(i)}/kernel"] = layer.kernel
        if layer.bias is not None:
            head[f"{dense_name(i)}/bias"] = layer.bias
    trained, averages = _unfolded(model.backbone)
    if model.mirror_average:
        swap = np.eye(model.size_px, dtype=np.float32)[::-1]
        trained = {MIRROR_KERNEL: swap[None, None], **trained}
    return {BACKBONE_STACK: {**trained, **averages}, HEAD_STACK: head}


def dense_name(i: int) -> str:
    """Name of the i-th dense layer, from 0, as Teachable Machine calls them."""
    return f"dense_Dense{i + 1}"


def _unfolded(folded: Folded) -> tuple[dict[str, Array], dict[str, Array]]:
    trained: dict[str, Array] = {}
    averages: dict[str, Array] = {}
    for layer in folded.spec.layers:
        norm, n = layer.batch_norm, layer.n_out
        trained[layer.kernel_name] = folded.arrays[layer.kernel_name]
        trained[f"{norm}/gamma"] = np.ones(n, np.float32)
        trained[f"{norm}/beta"] = folded.arrays[layer.bias_name]
        averages[f"{norm}/moving_mean"] = np.zeros(n, np.float32)
        averages[f"{norm}/moving_variance"] = np.full(n, 1 - BATCH_NORM_EPSILON, np.float32)
    return trained, averages


def _backbone(model: Model, *, name: str) -> Config:
    """The frozen network as a functional model, layer for layer Keras' own."""
    first = "input_1"
    size = model.size_px
    layers = [_node(_input(first, [None, size, size, 3]), [])]
    for kind, layer_name, inputs, settings in expected_backbone(model.backbone.spec):
        config = _settings(kind, settings)
        calls = [[(before, 0) for before in inputs or (first,)]]
        layers.append(_node(_layer(kind, layer_name, **config), calls))
    return _functional(name, layers, first=first)


def _mirrored(model: Model) -> Config:
    """Backbone of the image and of its mirror image, averaged before the pooling.

    Every layer is called twice, instead of a model within a model: Keras 2 and Keras 3 count the
    calls of an inner model from 1 and from 0.
    """
    first = "input_1"
    size = model.size_px
    turn = {"dims": [1, 3, 2]}
    ones: Config = {"kernel_size": [1, 1], "strides": [1, 1], "padding": ("valid",)}
    swap = _settings("Conv2D", {"filters": size, **ones})
    layers = [
        _node(_input(first, [None, size, size, 3]), []),
        _node(_layer("Permute", "mirror_out", **turn), [[(first, 0)]]),
        _node(_layer("Conv2D", "mirror_swap", **swap), [[("mirror_out", 0)]]),
        _node(_layer("Permute", "mirror_in", **turn), [[("mirror_swap", 0)]]),
    ]
    for kind, layer_name, inputs, settings in expected_backbone(model.backbone.spec):
        calls = [[(before, call) for before in inputs] for call in (0, 1)]
        if not inputs:
            calls = [[(first, 0)], [("mirror_in", 0)]]
        layers.append(_node(_layer(kind, layer_name, **_settings(kind, settings)), calls))
    last = layers[-1]["config"]["name"]
    average = _layer("Average", "mirror_average")
    layers.append(_node(average, [[(last, 0), (last, 1)]]))
    return _functional(BACKBONE_MODEL, layers, first=first)


def _settings(kind: str, essential: Any) -> Config:
    """What a layer's configuration says, from the settings that a reader checks."""
    settings = {key: value for key, value in essential.items() if key != "groups"}
    for key in ("padding", "axis"):
        if isinstance(settings.get(key), tuple):
            settings[key] = settings[key][0]
    if kind in ("Conv2D", "DepthwiseConv2D"):
        settings |= {"data_format": "channels_last", "activation": "linear", "use_bias": False}
        settings |= {"dilation_rate": [1, 1]}
    if kind == "ZeroPadding2D":
        settings["data_format"] = "channels_last"
    if kind == "ReLU":
        settings = {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}
    if kind == "BatchNormalization":
        settings["momentum"] = 0.999
    return settings


def _dense(model: Model, i: int) -> Config:
    layer = model.head.layers[i]
    units = layer.kernel.shape[1]
    bias = layer.bias is not None
    return _layer("Dense", dense_name(i), units=units, activation=layer.activation, use_bias=bias)


def _layer(kind: str, name: str, **settings: Any) -> Config:
    config = {"name": name, "trainable": True, "dtype": "float32", **settings}
    return {"class_name": kind, "config": config}


def _input(name: str, shape: list[int | None]) -> Config:
    config = {"batch_input_shape": shape, "dtype": "float32", "sparse": False, "name": name}
    return {"class_name": "InputLayer", "config": config}


def _node(layer: Config, calls: list[list[tuple[str, int]]]) -> Config:
    """Wire a layer: for each call of it, the layers that feed it and which call of theirs."""
    inbound = [[[name, call, 0, {}] for name, call in inputs] for inputs in calls]
    return {**layer, "name": layer["config"]["name"], "inbound_nodes": inbound}


def _functional(name: str, layers: list[Config], *, first: str) -> Config:
    last = layers[-1]["config"]["name"]
    # One tensor, not a list of one: Keras 3 hands a list on to the next layer as two tensors,
    # which is why it cannot open Teachable Machine's own files.
    ends = {"input_layers": [first, 0, 0], "output_layers": [last, 0, 0]}
    config = {"name": name, "layers": layers, **ends}
    return {"class_name": "Functional", "config": config}


def _sequential(name: str, layers: list[Config]) -> Config:
    return {"class_name": "Sequential", "config": {"name": name, "layers": layers}}


def walk_layers(config: Config) -> Iterator[Config]:
    """Yield every layer of a description that is no model itself, in order."""
    for layer in config["config"]["layers"]:
        if "layers" in layer["config"]:
            yield from walk_layers(layer)
        else:
            yield layer
