"""Rounding to int8 keeps what int8 can hold, and the biases take back its shift."""

from __future__ import annotations

import re

import numpy as np

from mien.backbone.mobilenet_graph import build_graph
from mien.backbone.network import Folded
from mien.backbone.session import Session
from mien.formats.rounding import in_float, prepared_for_int8, rounded
from mien.model import Model


def test_a_rounded_kernel_has_at_most_255_values_a_channel_and_rounds_to_itself(
    model: Model,
) -> None:
    for layer in model.backbone.spec.layers[:4]:
        kernel = rounded(model.backbone.arrays[layer.kernel_name], layer)
        channels = kernel.reshape(-1, layer.n_out) if layer.kind == "conv" else kernel[..., 0]
        channels = channels.reshape(-1, layer.n_out)
        for channel in channels.T:
            steps = channel / (np.abs(channel).max() / 127)
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
        np.testing.assert_allclose(rounded(kernel, layer), kernel, rtol=1e-6)


def test_corrected_biases_bring_the_embedding_back_on_average(model: Model) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (12, 32, 32, 3)).astype(np.float32)
    spec, arrays = model.backbone.spec, dict(model.backbone.arrays)
    for layer in spec.layers:
        if not re.search(in_float(spec), layer.name):
            arrays[layer.kernel_name] = rounded(arrays[layer.kernel_name], layer)
    prepared = prepared_for_int8(model, images).backbone

    def mean(backbone: Folded) -> np.ndarray:
        return Session(build_graph(backbone)).embed(images).mean(axis=0)

    whole = mean(model.backbone)
    before = np.abs(mean(Folded(spec=spec, arrays=arrays)) - whole).mean()
    after = np.abs(mean(prepared) - whole).mean()
    assert after < before


def test_the_first_ten_blocks_of_a_mobilenet_v2_stay_as_they_are_and_no_others(
    model: Model, embedded: Model
) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    prepared, whole = prepared_for_int8(model, images).backbone.arrays, model.backbone.arrays
    same = {name for name in whole if np.array_equal(prepared[name], whole[name])}
    layers = model.backbone.spec.layers
    kept = [layer.name for layer in layers if layer.kernel_name in same]
    assert kept == [layer.name for layer in layers[: len(kept)]]
    assert (kept[0], kept[-1]) == ("Conv1", "block_10_project")
    # Operators are called after layers, several of them in one name where they were joined.
    pattern = in_float(model.backbone.spec)
    assert re.search(pattern, "net/bn_Conv1/Relu6;net/Conv1/Conv2D")
    assert re.search(pattern, "net/block_4_add/add")
    assert not re.search(pattern, "net/Conv_1_bn/ReadVariableOp")
    assert not re.search(pattern, "net/block_11_add/add")
    assert in_float(embedded.backbone.spec) == ""
