"""A backbone's weights, from wherever they are: the package, this machine, a mirror, the network.

Law: what is handed out has the digest that the catalogue names, or it is not handed out; never
another backbone in silence. Knows nothing of preprocessing and of running it (`session`).
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from mien.backbone.catalogue import BackboneEntry, backbone_entry
from mien.backbone.mobilenet_v2 import MobileNetV2
from mien.backbone.network import Array, Network, Weights
from mien.backbone.tfjs_weights import read_tfjs_backbone
from mien.errors import FetchError, ModelError
from mien.fetch import fetch, find
from mien.files import write_bytes
from mien.places import user_data
from mien.records import Progress, no_progress

# The largest MobileNetV2 (alpha 1.4) has 18 MB of weights.
_MAX_BYTES: Final = 64 << 20

Whereabouts = Literal["built in", "here", "mirror", "not here"]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A frozen network: weights and the name that recipes and model files call it.

    Attributes:
        name: In the catalogue, or what the model file that it came from calls it.
        weights: Of a MobileNetV2.
    """

    name: str
    weights: Weights

    @property
    def sha256(self) -> str:
        """Digest of the weights, part of the key of every cached embedding."""
        return self.weights.sha256

    @property
    def spec(self) -> Network:
        """The network's definition."""
        return self.weights.spec

    @property
    def width(self) -> int:
        """Width d of an embedding."""
        return self.weights.spec.width


def load_backbone(
    name: str, *, download: bool = False, progress: Progress = no_progress
) -> Backbone:
    """Load a backbone of the catalogue.

    Args:
        name: In `BACKBONES`.
        download: Whether the network may be asked where it is neither here nor in the mirror.
        progress: Told how far a download is.

    Raises:
        RecipeError: The catalogue has no such backbone.
        FetchError: It cannot be had; the hint names every way to have it.
        ModelError: Its file is not what the catalogue says.
    """
    entry = backbone_entry(name)
    path = _kept(entry)
    if path is None:
        assert entry.source is not None
        path = fetch(entry.source, download=download, progress=progress)
    weights = read_npz(path, entry) if path.suffix == ".npz" else read_tfjs_backbone(path)
    return Backbone(name=name, weights=_checked(weights, entry, where=str(path)))


def find_backbone(name: str) -> tuple[Whereabouts, Path | None]:
    """Say where a backbone is, without loading or fetching it."""
    entry = backbone_entry(name)
    if (path := _kept(entry)) is not None:
        return ("built in" if entry.kind == "builtin" else "here"), path
    assert entry.source is not None
    if (path := find(entry.source)) is not None:
        return ("here" if path.is_relative_to(user_data()) else "mirror"), path
    return "not here", None


def keep_backbone(name: str, weights: Weights, *, where: str) -> Path:
    """Keep weights that the user has, such as those in a Teachable Machine export, for later.

    Args:
        name: In the catalogue.
        weights: Must be exactly those of the catalogue.
        where: The file they came from, for the message.

    Raises:
        ModelError: They are another network's, or other weights of the same network.
    """
    entry = backbone_entry(name)
    if entry.source is None:
        raise FetchError(f"'{name}' is built in", "There is nothing to fetch.")
    path = _taken_out(entry)
    write_bytes(path, to_npz(_checked(weights, entry, where=where)))
    return path


def random_backbone(seed: int, *, alpha: float = 0.35, size_px: int = 64) -> Backbone:
    """Make a backbone of random weights, for tests and trials that need none of meaning.

    Kernels are He-normal (He et al. 2015, equation 10), so that activations neither die nor grow.
    """
    rng = np.random.default_rng(seed)
    spec = MobileNetV2(alpha=alpha, size_px=size_px)
    arrays = {name: _random(name, shape, rng) for name, shape in spec.shapes.items()}
    return Backbone(name=f"random-{seed}", weights=Weights(spec=spec, arrays=arrays))


def to_npz(weights: Weights) -> bytes:
    """The bytes of an ``.npz`` that `read_npz` reads; the same weights give the same bytes."""
    file = io.BytesIO()
    np.savez(file, **{name: weights.arrays[name] for name in sorted(weights.arrays)})  # type: ignore[arg-type]
    return file.getvalue()


def read_npz(path: Path, entry: BackboneEntry) -> Weights:
    """Read weights kept as ``.npz``, for the network that `entry` describes.

    Raises:
        ModelError: It is damaged or holds other arrays.
    """
    spec = MobileNetV2(alpha=entry.alpha, size_px=entry.size_px)
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
                raise ModelError(f"'{path}' holds more than {_MAX_BYTES:,} bytes of weights")
        with np.load(path, allow_pickle=False) as stored:
            for name in stored.files:
                arrays[name] = stored[name]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"'{path}' cannot be read as weights: {error}",
            f"Delete it and run `mien backbones fetch {entry.name}` again.",
        ) from error
    return Weights(spec=spec, arrays=arrays)


def _kept(entry: BackboneEntry) -> Path | None:
    if entry.file_name is not None:
        return Path(__file__).parent / "weights" / entry.file_name
    path = _taken_out(entry)
    return path if path.is_file() else None


def _taken_out(entry: BackboneEntry) -> Path:
    return user_data() / "backbones" / f"{entry.name}.npz"


def _checked(weights: Weights, entry: BackboneEntry, *, where: str) -> Weights:
    found = weights.spec
    if (found.alpha, found.size_px) != (entry.alpha, entry.size_px):
        raise ModelError(
            f"'{where}' holds MobileNetV2 with alpha {found.alpha:g} for {found.size_px} px; "
            f"'{entry.name}' has alpha {entry.alpha:g} for {entry.size_px} px"
        )
    if weights.sha256 != entry.sha256:
        raise ModelError(
            f"'{where}' holds weights with sha256 {weights.sha256}, "
            f"expected {entry.sha256} for '{entry.name}'",
            "It is the same network, trained otherwise: its embeddings would be others.",
        )
    return weights


def _random(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    kind = name.rsplit("/", 1)[1]
    if kind.endswith("kernel"):
        # A depthwise kernel (h, w, channels, 1) sums over h and w alone.
        fan_in = int(np.prod(shape[:2] if kind == "depthwise_kernel" else shape[:3]))
        return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape).astype(np.float32)
    return np.full(shape, 1.0 if kind in ("gamma", "moving_variance") else 0.0, np.float32)
