"""What a frozen network is: convolutions under Keras' own names, and their weights.

Everything that reads, writes or runs a backbone derives from `Network.layers`. Law: a kernel
is ``(h, w, in, out)``, a depthwise kernel ``(h, w, channels, 1)``; a convolution of stride 2 is
padded before it runs (`Layer.pads`), so that it sees what TensorFlow's does; batch normalisations
have epsilon 1e-3. The networks themselves are in `mobilenet_v1` and `mobilenet_v2`. Knows nothing
of files, of ONNX (`mobilenet_graph`) or of pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Literal, TypeAlias

import numpy as np

from mien.errors import ModelError

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Shape: TypeAlias = tuple[int, ...]

MIN_SIZE_PX: Final = 32  # the networks halve their picture five times
MAX_SIZE_PX: Final = 512
BATCH_NORM_EPSILON: Final = 1e-3
BATCH_NORM_ARRAYS: Final = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A convolution without bias, its batch normalisation, and what follows it.

    Attributes:
        name: Keras' name of the convolution.
        kind: A depthwise convolution has one kernel a channel.
        n_in: Channels that come in.
        n_out: Channels that go out.
        kernel_px: Side of the kernel.
        stride: 1 or 2.
        side_px: Side of the square that comes in.
        batch_norm: Keras' name of the batch normalisation.
        pad: Keras' name of the padding layer before a convolution of stride 2, None at stride 1.
        relu: Keras' name of the ReLU6 that follows, None where none does.
        add: Keras' name of the sum with the block's input that follows, None where none does.
    """

    name: str
    kind: Literal["conv", "depthwise"]
    n_in: int
    n_out: int
    kernel_px: int
    stride: int
    side_px: int
    batch_norm: str
    pad: str | None = None
    relu: str | None = None
    add: str | None = None

    @property
    def kernel_name(self) -> str:
        """Name of the kernel's array, such as ``Conv1/kernel``."""
        return f"{self.name}/{'kernel' if self.kind == 'conv' else 'depthwise_kernel'}"

    @property
    def bias_name(self) -> str:
        """Name of the bias that folding gives, such as ``Conv1/bias``."""
        return f"{self.name}/bias"

    @property
    def kernel_shape(self) -> Shape:
        """``(h, w, in, out)``, or ``(h, w, channels, 1)`` of a depthwise convolution."""
        last = (self.n_in, self.n_out) if self.kind == "conv" else (self.n_in, 1)
        return (self.kernel_px, self.kernel_px, *last)

    @property
    def pads(self) -> tuple[int, int]:
        """Pixels of zeros before and after each side, as Keras' ``correct_pad`` has them."""
        half = self.kernel_px // 2
        return (half, half) if self.stride == 1 else (half - 1 + self.side_px % 2, half)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Names and shapes of the layer's weights, unfolded."""
        norm = {f"{self.batch_norm}/{name}": (self.n_out,) for name in BATCH_NORM_ARRAYS}
        return {self.kernel_name: self.kernel_shape, **norm}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A frozen network: pictures ``(n, h, w, 3)`` to embeddings ``(n, d)``.

    Attributes:
        alpha: Multiplies the widths; one of `alphas`.
        size_px: Side of the square picture.

    Raises:
        ModelError: There is no such network.
    """

    title: ClassVar[str]
    # As a model file calls it.
    name: ClassVar[str]
    alphas: ClassVar[tuple[float, ...]]
    # Whether the last picture is laid out number by number, instead of averaged a channel.
    flat: ClassVar[bool] = False

    alpha: float
    size_px: int

    def __post_init__(self) -> None:
        if self.alpha not in self.alphas:
            raise ModelError(
                f"{self.title} with alpha {self.alpha:g}; expected one of {self.alphas}"
            )
        if not MIN_SIZE_PX <= self.size_px <= MAX_SIZE_PX:
            raise ModelError(
                f"{self.title} for pictures of {self.size_px} px; "
                f"expected {MIN_SIZE_PX} to {MAX_SIZE_PX} px"
            )

    @property
    def width(self) -> int:
        """Width d of the embedding."""
        raise NotImplementedError

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every convolution, in order."""
        raise NotImplementedError

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """Names and shapes of all weights, in the order of the network."""
        return {k: v for layer in self.layers for k, v in layer.shapes.items()}

    @cached_property
    def folded_shapes(self) -> Mapping[str, Shape]:
        """Names and shapes of all kernels and biases after folding, in the order of the network."""
        pairs = ((la.kernel_name, la.kernel_shape, la.bias_name, la.n_out) for la in self.layers)
        return dict(p for k, s, b, n in pairs for p in ((k, s), (b, (n,))))


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """The weights of a `Network` as Keras keeps them, checked against it.

    Attributes:
        spec: The network.
        arrays: ``"Conv1/kernel"`` and so on, to float32 arrays; see `Network.shapes`.

    Raises:
        ModelError: A name is missing or unknown, a shape or kind is another one, a value is not
            finite, or a variance cannot be one. The message names the first array that differs.
    """

    spec: Network
    arrays: Mapping[str, Array]

    def __post_init__(self) -> None:
        arrays = check_arrays(self.arrays, self.spec.shapes)
        for name, array in arrays.items():
            if name.endswith("/moving_variance") and float(array.min()) < 0:
                raise ModelError(f"weight '{name}' has a negative variance, {array.min():g}")
        object.__setattr__(self, "arrays", arrays)

    @cached_property
    def sha256(self) -> str:
        """Digest of names, shapes and values, whatever file they came in."""
        return digest_arrays(self.arrays)


@dataclass(frozen=True, kw_only=True, eq=False)
class Folded:
    """The weights of a `Network` with its batch normalisations folded into kernels and biases.

    Attributes:
        spec: The network.
        arrays: ``"Conv1/kernel"``, ``"Conv1/bias"`` and so on; see `Network.folded_shapes`.

    Raises:
        ModelError: As `Weights`.
    """

    spec: Network
    arrays: Mapping[str, Array]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", check_arrays(self.arrays, self.spec.folded_shapes))

    @cached_property
    def sha256(self) -> str:
        """Digest of names, shapes and values; another one than that of the weights it came from."""
        return digest_arrays(self.arrays)


def digest_arrays(arrays: Mapping[str, Array]) -> str:
    """Digest named arrays: names in sorted order, shapes, and values as little-endian float32."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        state.update(f"{name} {arrays[name].shape}\n".encode())
        state.update(np.ascontiguousarray(arrays[name], "<f4").tobytes())
    return state.hexdigest()


def fold(weights: Weights) -> Folded:
    """Fold each batch normalisation into the convolution before it.

    With ``s = gamma / sqrt(moving_variance + epsilon)``: ``kernel * s`` and
    ``beta - moving_mean * s``, computed in float64 and rounded once.

    Raises:
        ModelError: A product is too large for float32.
    """
    folded: dict[str, Array] = {}
    for layer in weights.spec.layers:
        gamma, beta, mean, variance = (
            weights.arrays[f"{layer.batch_norm}/{name}"].astype(np.float64)
            for name in BATCH_NORM_ARRAYS
        )
        s = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        along = (
            s if layer.kind == "conv" else s[:, None]
        )  # a depthwise kernel's channels are axis 2
        kernel = weights.arrays[layer.kernel_name].astype(np.float64) * along
        with np.errstate(over="ignore"):  # what overflows is refused, with its name, by Folded
            folded[layer.kernel_name] = kernel.astype(np.float32)
            folded[layer.bias_name] = (beta - mean * s).astype(np.float32)
    return Folded(spec=weights.spec, arrays=folded)


def check_arrays(arrays: Mapping[str, Array], shapes: Mapping[str, Shape]) -> Mapping[str, Array]:
    """Check that `arrays` are float32, finite and exactly `shapes`; give them in that order.

    Raises:
        ModelError: The first that differs, by name.
    """
    for name in arrays:
        if name not in shapes:
            raise ModelError(f"weight '{name[:80]}' is none of the network's")
    checked = {}
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None:
            raise ModelError(f"weight '{name}' is missing")
        if array.shape != shape:
            raise ModelError(f"weight '{name}' has shape {array.shape}; expected {shape}")
        if array.dtype != np.float32:
            raise ModelError(f"weight '{name}' is {array.dtype}; expected float32")
        if not np.isfinite(array).all():
            raise ModelError(f"weight '{name}' holds NaN or infinity")
        checked[name] = array
    return checked


def rounded_width(width: float) -> int:
    """Round a width to a multiple of 8 that is not more than a tenth below it, at least 8."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8


def halved(side_px: int) -> int:
    """Side of what a convolution of stride 2 puts out."""
    return (side_px + 1) // 2


def convolution(
    name: str,
    n_in: int,
    n_out: int,
    side_px: int,
    *,
    norm: str = "",
    stride: int = 1,
    kernel_px: int = 1,
    kind: Literal["conv", "depthwise"] = "conv",
    relu: str | None = "",
    add: str | None = None,
    pad: str | None = None,
) -> Layer:
    """A layer with Keras' habits of naming: an empty name is the convolution's with a suffix."""
    return Layer(
        name=name,
        kind=kind,
        n_in=n_in,
        n_out=n_out,
        kernel_px=kernel_px,
        stride=stride,
        side_px=side_px,
        batch_norm=norm or f"{name}_BN",
        pad=(pad or f"{name}_pad") if stride == 2 else None,
        relu=f"{name}_relu" if relu == "" else relu,
        add=add,
    )
