"""MobileNetV2, defined once: its layers under Keras' own names.

Source: Sandler et al., "MobileNetV2", CVPR 2018, table 2, with the widths, names and padding of
``keras/applications/mobilenet_v2.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mien.backbone.network import Layer, Network, Shape, convolution, halved, rounded_width
from mien.errors import ModelError

# The widths for which Keras publishes weights: an alpha that is none of them is a damaged file.
ALPHAS: Final = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)

# Width before alpha, stride and expansion of expanded_conv and block_1 .. block_16.
_BLOCKS: Final = (
    (16, 1, 1),
    (24, 2, 6), (24, 1, 6),
    (32, 2, 6), (32, 1, 6), (32, 1, 6),
    (64, 2, 6), (64, 1, 6), (64, 1, 6), (64, 1, 6),
    (96, 1, 6), (96, 1, 6), (96, 1, 6),
    (160, 2, 6), (160, 1, 6), (160, 1, 6),
    (320, 1, 6),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MobileNetV2(Network):
    """A MobileNetV2 without its classifier: pictures ``(n, h, w, 3)`` to embeddings ``(n, d)``.

    Attributes:
        alpha: Multiplies the widths; one of `ALPHAS`.
        size_px: Side of the square picture.

    Raises:
        ModelError: There is no such network.

    Example:
        >>> network = MobileNetV2(alpha=0.35, size_px=224)
        >>> network.width, len(network.layers), network.layers[0].kernel_shape
        (1280, 52, (3, 3, 3, 16))
    """

    title = "MobileNetV2"
    name = "mobilenet-v2"
    alphas = ALPHAS

    @property
    def width(self) -> int:
        """Width d of the embedding."""
        return rounded_width(1280 * self.alpha) if self.alpha > 1 else 1280

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every convolution; the average of the last one's picture is the embedding."""
        stem = rounded_width(32 * self.alpha)
        found = [
            convolution("Conv1", 3, stem, self.size_px, stride=2, kernel_px=3, norm="bn_Conv1")
        ]
        n_in, side = stem, halved(self.size_px)
        for i, (width, stride, expansion) in enumerate(_BLOCKS):
            n_out = rounded_width(int(width * self.alpha))
            found += _block(i, n_in, n_out, side, stride=stride, expansion=expansion)
            n_in, side = n_out, halved(side) if stride == 2 else side
        found.append(
            convolution("Conv_1", n_in, self.width, side, norm="Conv_1_bn", relu="out_relu")
        )
        return tuple(found)


def alpha_of(shapes: Mapping[str, Shape]) -> float:
    """Tell a network's alpha from the shapes of its weights, batch normalisations folded or not.

    Raises:
        ModelError: They are not those of a MobileNetV2.
    """
    for alpha in ALPHAS:
        layers = MobileNetV2(alpha=alpha, size_px=224).layers
        if all(shapes.get(la.kernel_name) == la.kernel_shape for la in layers):
            return alpha
    raise ModelError(
        "the network is not a MobileNetV2: its layers have other names or shapes",
        "mien reads models whose frozen part is Keras' MobileNetV2, as Teachable Machine's is.",
    )


def _block(
    i: int, n_in: int, n_out: int, side_px: int, *, stride: int, expansion: int
) -> list[Layer]:
    """An inverted residual block: widen, convolve each channel, narrow, add where shapes allow."""
    prefix = f"block_{i}" if i else "expanded_conv"
    wide = n_in * expansion
    found = [convolution(f"{prefix}_expand", n_in, wide, side_px)] if expansion > 1 else []
    depthwise = f"{prefix}_depthwise"
    pad = f"{prefix}_pad"
    found.append(
        convolution(
            depthwise, wide, wide, side_px, kind="depthwise", kernel_px=3, stride=stride, pad=pad
        )
    )
    side = halved(side_px) if stride == 2 else side_px
    add = f"{prefix}_add" if stride == 1 and n_in == n_out else None
    found.append(convolution(f"{prefix}_project", wide, n_out, side, relu=None, add=add))
    return found
