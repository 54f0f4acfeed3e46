"""MobileNetV2 (alpha 0.35) in PyTorch, layer for layer the one that Keras builds.

The network turns a batch of grey faces `(n, 3, h, w)`, range -1..1, into embeddings
`(n, 1280)`: the average over the last feature map. Every layer carries Keras's name, so
weights go in and out under Keras's names and axis order (`Conv1/kernel` is
`(height, width, in, out)`), batch normalisations unfolded. Knows nothing of training.

What differs from the usual PyTorch MobileNetV2, and would silently cost accuracy:
Keras pads a convolution of stride 2 on the right and bottom only where the side is even
(`correct_pad`), its batch normalisation has epsilon 1e-3, and the widths are rounded to
multiples of 8. Source: Sandler et al., "MobileNetV2", CVPR 2018, and
`keras/applications/mobilenet_v2.py`.
"""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

EMBEDDING_WIDTH = 1280
BATCH_NORM_EPSILON = 1e-3
STEM_WIDTH = 16
# (expansion, width, stride) of expanded_conv and block_1 .. block_16 at alpha 0.35.
BLOCKS = (
    (1, 8, 1),
    (6, 8, 2), (6, 8, 1),
    (6, 16, 2), (6, 16, 1), (6, 16, 1),
    (6, 24, 2), (6, 24, 1), (6, 24, 1), (6, 24, 1),
    (6, 32, 1), (6, 32, 1), (6, 32, 1),
    (6, 56, 2), (6, 56, 1), (6, 56, 1),
    (6, 112, 1),
)  # fmt: skip
BATCH_NORM_NAMES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


class SameConv2d(nn.Conv2d):
    """A convolution without bias that pads as Keras's MobileNetV2 does.

    While training on a CPU, a depthwise convolution of stride 2 is computed as every
    second answer of one of stride 1: the same numbers, and oneDNN's backward pass for
    stride 2 is so slow that four times the answers still take half the time.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(
            n_in,
            n_out,
            kernel,
            stride,
            kernel // 2 if stride == 1 else 0,
            groups=groups,
            bias=False,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride[0] == 1:
            return super().forward(x)
        odd = x.shape[2] % 2, x.shape[3] % 2
        if self.training and self.groups > 1:
            y = F.conv2d(x, self.weight, padding=1, groups=self.groups)
            return y[:, :, 1 - odd[0] :: 2, 1 - odd[1] :: 2]
        return super().forward(F.pad(x, (odd[1], 1, odd[0], 1)))


def batch_norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=BATCH_NORM_EPSILON, momentum=0.01)


class Block(nn.Module):
    """An inverted residual: widen, convolve each channel, narrow, add."""

    def __init__(self, n_in: int, expansion: int, n_out: int, stride: int):
        super().__init__()
        wide = n_in * expansion
        if expansion > 1:
            self.expand = SameConv2d(n_in, wide, 1)
            self.expand_BN = batch_norm(wide)
        self.depthwise = SameConv2d(wide, wide, 3, stride, groups=wide)
        self.depthwise_BN = batch_norm(wide)
        self.project = SameConv2d(wide, n_out, 1)
        self.project_BN = batch_norm(n_out)
        self.widens = expansion > 1
        self.adds = stride == 1 and n_in == n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self.expand_BN(self.expand(x))) if self.widens else x
        y = F.relu6(self.depthwise_BN(self.depthwise(y)))
        y = self.project_BN(self.project(y))
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    """The network up to its averaged feature map.

    Example:
        >>> MobileNetV2()(torch.zeros(2, 3, 96, 96)).shape
        torch.Size([2, 1280])
    """

    def __init__(self):
        super().__init__()
        self.Conv1 = SameConv2d(3, STEM_WIDTH, 3, stride=2)
        self.bn_Conv1 = batch_norm(STEM_WIDTH)
        blocks, n_in = [], STEM_WIDTH
        for expansion, n_out, stride in BLOCKS:
            blocks.append(Block(n_in, expansion, n_out, stride))
            n_in = n_out
        self.blocks = nn.ModuleList(blocks)
        self.Conv_1 = SameConv2d(n_in, EMBEDDING_WIDTH, 1)
        self.Conv_1_bn = batch_norm(EMBEDDING_WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.bn_Conv1(self.Conv1(x)))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.Conv_1_bn(self.Conv_1(x))).mean((2, 3))


def keras_layers(network: MobileNetV2) -> dict[str, nn.Module]:
    """Every layer that has weights, under Keras's name, in the order of the network."""
    layers: dict[str, nn.Module] = {"Conv1": network.Conv1, "bn_Conv1": network.bn_Conv1}
    for i, block in enumerate(network.blocks):
        prefix = f"block_{i}" if i else "expanded_conv"
        layers |= {f"{prefix}_{name}": layer for name, layer in block.named_children()}
    return layers | {"Conv_1": network.Conv_1, "Conv_1_bn": network.Conv_1_bn}


def to_keras(network: MobileNetV2) -> dict[str, np.ndarray]:
    """The weights as float32 arrays in Keras's names and axis order.

    Kernels are `(h, w, in, out)`, depthwise kernels `(h, w, channels, 1)`.
    """
    arrays = {}
    for name, layer in keras_layers(network).items():
        if isinstance(layer, nn.BatchNorm2d):
            for keras, ours in BATCH_NORM_NAMES.items():
                arrays[f"{name}/{keras}"] = getattr(layer, ours)
        elif layer.groups > 1:
            arrays[f"{name}/depthwise_kernel"] = layer.weight.permute(2, 3, 0, 1)
        else:
            arrays[f"{name}/kernel"] = layer.weight.permute(2, 3, 1, 0)
    return {k: np.ascontiguousarray(v.detach().float().cpu().numpy()) for k, v in arrays.items()}


@torch.no_grad()
def from_keras(network: MobileNetV2, arrays: dict[str, np.ndarray]) -> None:
    """Puts arrays as `to_keras` gives them into `network`.

    Raises:
        KeyError: a layer has no array.
        RuntimeError: an array has the wrong shape.
    """
    for name, layer in keras_layers(network).items():
        if isinstance(layer, nn.BatchNorm2d):
            for keras, ours in BATCH_NORM_NAMES.items():
                getattr(layer, ours).copy_(torch.from_numpy(arrays[f"{name}/{keras}"]))
        elif layer.groups > 1:
            kernel = torch.from_numpy(arrays[f"{name}/depthwise_kernel"])
            layer.weight.copy_(kernel.permute(2, 3, 0, 1))
        else:
            layer.weight.copy_(torch.from_numpy(arrays[f"{name}/kernel"]).permute(3, 2, 0, 1))


def read_teachable_machine(path: Path) -> dict[str, np.ndarray]:
    """The backbone's arrays inside a Teachable Machine image model (a TF.js zip)."""
    with zipfile.ZipFile(path) as archive:
        groups = json.loads(archive.read("model.json"))["weightsManifest"]
        arrays = {}
        for group in groups:
            blob, at = b"".join(archive.read(p) for p in group["paths"]), 0
            for weight in group["weights"]:
                n = int(np.prod(weight["shape"]))
                if weight["dtype"] != "float32" or "quantization" in weight:
                    raise ValueError(f"{path}: {weight['name']} is not plain float32")
                arrays[weight["name"]] = (
                    np.frombuffer(blob, "<f4", n, at).reshape(weight["shape"]).copy()
                )
                at += 4 * n
    return arrays


def read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes beside and renames, so that a reader sees the old file or the new one."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        np.savez_compressed(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(path: Path) -> MobileNetV2:
    """The network with the weights of an `.npz` of ours or a Teachable Machine zip."""
    network = MobileNetV2()
    from_keras(network, read_teachable_machine(path) if path.suffix == ".zip" else read_npz(path))
    return network.eval()
