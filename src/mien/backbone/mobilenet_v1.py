"""MobileNetV1 as Teachable Machine's «embedded image model» has it: small, and laid out flat.

Its base is the person detector of the Visual Wake Words: a quarter of the published widths, 96 px,
grey, and instead of an average the last 3 x 3 picture itself, number by number. A grey picture has
three equal channels here as everywhere in mien; the first kernel looks at the first of them alone.

Source: Howard et al., "MobileNets", 2017, table 1; the operators of a file that Teachable Machine
exported («TensorFlow Lite for Microcontrollers»). The layers are called as in
``keras/applications/mobilenet.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mien.backbone.network import Layer, Network, convolution, halved

ALPHAS: Final = (0.25, 0.5, 0.75, 1.0)
# Width before alpha, and stride, of conv_dw_1 with conv_pw_1 to conv_dw_13 with conv_pw_13.
_BLOCKS: Final = (
    (64, 1),
    (128, 2), (128, 1),
    (256, 2), (256, 1),
    (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MobileNetV1(Network):
    """A MobileNetV1 without its classifier: pictures ``(n, h, w, 3)`` to embeddings ``(n, d)``.

    Attributes:
        alpha: Multiplies the widths; one of `ALPHAS`.
        size_px: Side of the square picture.

    Raises:
        ModelError: There is no such network.

    Example:
        >>> network = MobileNetV1(alpha=0.25, size_px=96)
        >>> network.width, len(network.layers), network.layers[0].kernel_shape
        (2304, 27, (3, 3, 3, 8))
    """

    title = "MobileNetV1"
    name = "mobilenet-v1"
    alphas = ALPHAS
    flat = True

    @property
    def width(self) -> int:
        """Width d of the embedding: every number of the last picture."""
        last = self.layers[-1]
        return last.n_out * last.side_px**2

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every convolution; the last one's picture is the embedding."""
        stem = int(32 * self.alpha)
        found = [
            convolution("conv1", 3, stem, self.size_px, stride=2, kernel_px=3, norm="conv1_bn")
        ]
        n_in, side = stem, halved(self.size_px)
        for i, (width, stride) in enumerate(_BLOCKS, start=1):
            n_out = int(width * self.alpha)
            found += _pair(i, n_in, n_out, side, stride=stride)
            n_in, side = n_out, halved(side) if stride == 2 else side
        return tuple(found)


def _pair(i: int, n_in: int, n_out: int, side_px: int, *, stride: int) -> list[Layer]:
    """Convolve each channel, then mix them."""
    depthwise = convolution(
        f"conv_dw_{i}",
        n_in,
        n_in,
        side_px,
        kind="depthwise",
        kernel_px=3,
        stride=stride,
        norm=f"conv_dw_{i}_bn",
        pad=f"conv_pad_{i}",
    )
    side = halved(side_px) if stride == 2 else side_px
    return [depthwise, convolution(f"conv_pw_{i}", n_in, n_out, side, norm=f"conv_pw_{i}_bn")]
