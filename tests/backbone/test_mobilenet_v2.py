"""MobileNetV2 against an implementation of its own, and the reader of TF.js zips."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien.backbone.mobilenet_graph import build_graph
from mien.backbone.mobilenet_v2 import ALPHAS, MobileNetV2, alpha_of
from mien.backbone.network import Folded, Layer, Weights, fold
from mien.backbone.session import Session
from mien.backbone.tfjs_weights import read_tfjs_backbone
from mien.backbone.weights import random_backbone
from mien.errors import ModelError

WEIGHTS = random_backbone(seed=3, size_px=33).weights


def convolve(x: np.ndarray, kernel: np.ndarray, layer: Layer) -> np.ndarray:
    """A convolution by its definition, one place of the kernel after the other."""
    before, after = layer.pads
    x = np.pad(x, ((before, after), (before, after), (0, 0)))
    side = (x.shape[0] - layer.kernel_px) // layer.stride + 1
    out = np.zeros((side, side, layer.n_out))
    for i in range(layer.kernel_px):
        for j in range(layer.kernel_px):
            seen = x[i :: layer.stride, j :: layer.stride][:side, :side]
            if layer.kind == "conv":
                out += seen @ kernel[i, j]
            else:
                out += seen * kernel[i, j, :, 0]
    return out


def embed(weights: Weights, image: np.ndarray) -> np.ndarray:
    """The network by its definition, batch normalisations unfolded, in float64."""
    x = block = image.astype(np.float64)
    a = weights.arrays
    for layer in weights.spec.layers:
        if layer.name.endswith("_expand") or layer.name == "expanded_conv_depthwise":
            block = x
        x = convolve(x, a[layer.kernel_name], layer)
        norm = layer.batch_norm
        x = (x - a[f"{norm}/moving_mean"]) / np.sqrt(a[f"{norm}/moving_variance"] + 1e-3)
        x = x * a[f"{norm}/gamma"] + a[f"{norm}/beta"]
        if layer.relu:
            x = np.clip(x, 0, 6)
        if layer.add:
            x = x + block
    return x.mean(axis=(0, 1))


@pytest.mark.parametrize("size_px", [32, 33])
def test_the_graph_computes_what_the_definition_says(size_px: int) -> None:
    weights = random_backbone(seed=3, size_px=size_px).weights
    image = np.random.default_rng(0).uniform(-1, 1, (1, size_px, size_px, 3)).astype(np.float32)
    ours = Session(build_graph(weights)).embed(image)[0]
    theirs = embed(weights, image[0])
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize(("alpha", "width"), [(0.35, 1280), (0.5, 1280), (1.0, 1280), (1.4, 1792)])
def test_the_width_of_the_embedding_is_keras_own(alpha: float, width: int) -> None:
    assert MobileNetV2(alpha=alpha, size_px=96).width == width


def test_the_layers_are_those_of_teachable_machine() -> None:
    layers = MobileNetV2(alpha=0.35, size_px=224).layers
    widths = [la.n_out for la in layers if la.name.endswith("_project")]
    assert widths == [8, 8, 8, 16, 16, 16, 24, 24, 24, 24, 32, 32, 32, 56, 56, 56, 112]
    assert [la.name for la in layers if la.stride == 2] == [
        "Conv1", "block_1_depthwise", "block_3_depthwise", "block_6_depthwise",
        "block_13_depthwise",
    ]  # fmt: skip
    assert [la.add for la in layers if la.add] == [
        f"block_{i}_add" for i in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)
    ]
    assert layers[0].pads == (0, 1)
    assert layers[-1].side_px == 7


def test_an_odd_side_is_padded_on_both_sides() -> None:
    assert MobileNetV2(alpha=0.35, size_px=33).layers[0].pads == (1, 1)


@pytest.mark.parametrize(("alpha", "size_px"), [(0.4, 224), (0.35, 31), (0.35, 513)])
def test_a_network_that_does_not_exist_is_refused(alpha: float, size_px: int) -> None:
    with pytest.raises(ModelError, match="expected"):
        MobileNetV2(alpha=alpha, size_px=size_px)


def test_alpha_is_told_from_the_shapes() -> None:
    for alpha in ALPHAS:
        assert alpha_of(MobileNetV2(alpha=alpha, size_px=96).shapes) == alpha
    with pytest.raises(ModelError, match="not a MobileNetV2"):
        alpha_of({})


def changed(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    return dict(WEIGHTS.arrays) | arrays


ONE = WEIGHTS.arrays["bn_Conv1/gamma"]


@pytest.mark.parametrize(
    ("name", "array", "word"),
    [
        ("extra/kernel", ONE, "is none of"),
        ("bn_Conv1/gamma", ONE[:3], "has shape"),
        ("bn_Conv1/gamma", ONE.astype(np.float64), "expected float32"),
        ("bn_Conv1/gamma", ONE * np.float32(np.nan), "NaN or infinity"),
        ("bn_Conv1/moving_variance", -ONE - 1, "negative variance"),
    ],
)
def test_weights_that_differ_are_named(name: str, array: np.ndarray, word: str) -> None:
    with pytest.raises(ModelError, match=word) as caught:
        Weights(spec=WEIGHTS.spec, arrays=changed(**{name: array}))
    assert name in str(caught.value)


def test_a_missing_weight_is_named() -> None:
    arrays = {k: v for k, v in WEIGHTS.arrays.items() if k != "Conv_1/kernel"}
    with pytest.raises(ModelError, match="'Conv_1/kernel' is missing"):
        Weights(spec=WEIGHTS.spec, arrays=arrays)


def test_folding_that_overflows_is_refused() -> None:
    huge = np.full_like(ONE, 3e38)
    small = np.full_like(ONE, 1e-12)
    weights = Weights(
        spec=WEIGHTS.spec,
        arrays=changed(**{"bn_Conv1/gamma": huge, "bn_Conv1/moving_variance": small}),
    )
    with pytest.raises(ModelError, match="NaN or infinity"):
        fold(weights)


def test_the_digest_does_not_depend_on_order_but_on_every_value() -> None:
    turned = Weights(spec=WEIGHTS.spec, arrays=dict(reversed(WEIGHTS.arrays.items())))
    assert turned.sha256 == WEIGHTS.sha256
    other = ONE.copy()
    other[0] = np.nextafter(other[0], np.float32(9))
    changed_one = Weights(spec=WEIGHTS.spec, arrays=changed(**{"bn_Conv1/gamma": other}))
    assert changed_one.sha256 != WEIGHTS.sha256
    assert isinstance(fold(WEIGHTS), Folded)
    assert fold(WEIGHTS).sha256 != WEIGHTS.sha256


def tfjs_zip(path: Path, size: list[int | None]) -> Path:
    entries = [
        {"name": k, "shape": list(v.shape), "dtype": "float32"} for k, v in WEIGHTS.arrays.items()
    ]
    model = {
        "modelTopology": {"config": [{"config": {"batch_input_shape": size}}]},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": entries}],
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", json.dumps(model))
        archive.writestr("weights.bin", b"".join(v.tobytes() for v in WEIGHTS.arrays.values()))
    return path


def test_a_backbone_comes_out_of_a_tfjs_zip_bit_for_bit(tmp_path: Path) -> None:
    read = read_tfjs_backbone(tfjs_zip(tmp_path / "model.zip", [None, 33, 33, 3]))
    assert read.spec == WEIGHTS.spec
    assert read.sha256 == WEIGHTS.sha256


@pytest.mark.parametrize("size", [[None, 33, 32, 3], [None, 33, 33, 1], [None, "a", "a", 3]])
def test_a_zip_for_other_pictures_is_refused(size: list[int | None], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="takes"):
        read_tfjs_backbone(tfjs_zip(tmp_path / "model.zip", size))


@pytest.mark.study
def test_teachable_machines_own_backbone_has_the_digest_of_the_catalogue(mirror: Path) -> None:
    from mien.backbone.catalogue import BACKBONES

    read = read_tfjs_backbone(mirror / "teachablemachine-image-model.zip")
    assert read.sha256 == BACKBONES["mobilenet-v2-0.35"].sha256
