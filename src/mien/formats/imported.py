"""What every reader of a foreign model gives, and how labels lie beside it.

Law: a reader gives weights by the names of `backbone.network` and dense layers, or an error;
nothing half-read. Knows no single format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.backbone.catalogue import BACKBONES
from mien.backbone.network import MAX_SIZE_PX, Array, Folded, Weights, fold
from mien.errors import ModelError
from mien.formats.topology import DenseLayer
from mien.model import Model
from mien.records import Dense, Head

# What Teachable Machine's own script for its Keras export does to a photo.
KERAS_PREPROCESSING: Final = "orient | crop:centre | resize:{size}:lanczos | scale:-1:1"
LABELS_FILE: Final = "labels.txt"
NAME_THEM: Final = (
    f"Put {LABELS_FILE}, a line a class in the model's order, beside the model's file."
)
# The convolution by which mien writes «mirrored» in Keras' words.
MIRROR_KERNEL: Final = "mirror_swap/kernel"
_MAX_LABELS_BYTES: Final = 1 << 20
# Teachable Machine numbers its labels: "0 surprise".
_NUMBERED: Final = re.compile(r"(\d+) (.*)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """A classifier out of a foreign file.

    Attributes:
        weights: Of the frozen network; already folded where the file holds them so.
        head: The dense layers.
        labels: The classes in order; None where neither the file nor one beside it names them.
        preprocessing: How the format's own consumer prepares a photo.
        source: The file's kind, such as ``Keras .h5``, for the model's provenance.
        mirror_average: Whether image and mirror image are averaged.
    """

    weights: Weights | Folded
    head: Head
    labels: tuple[str, ...] | None
    preprocessing: str
    source: str
    mirror_average: bool = False

    @property
    def n_classes(self) -> int:
        """How many classes the head tells apart."""
        return int(self.head.layers[-1].kernel.shape[1])

    def model(self, *, labels: Sequence[str] | None = None) -> Model:
        """Make a model of mien's of it; classes without a name are called «class 1» and so on.

        Raises:
            ModelError: The labels are not one for each class, or head and backbone do not fit.
        """
        named = labels or self.labels or _numbers_for_names(self.n_classes)
        sha256 = self.weights.sha256
        known = (name for name, entry in BACKBONES.items() if entry.sha256 == sha256)
        return Model(
            labels=tuple(named),
            preprocessing=self.preprocessing,
            backbone=fold(self.weights) if isinstance(self.weights, Weights) else self.weights,
            backbone_name=next(known, "imported"),
            backbone_sha256=sha256,
            head=self.head,
            mirror_average=self.mirror_average,
            provenance={"imported_from": self.source},
        )


def _numbers_for_names(n_classes: int) -> list[str]:
    return [f"class {i + 1}" for i in range(n_classes)]


def are_unnamed(labels: Sequence[str]) -> bool:
    """Whether labels are what `Imported.model` calls classes that have no names."""
    return list(labels) == _numbers_for_names(len(labels))


def head_of(layers: Sequence[DenseLayer], arrays: Mapping[str, Array]) -> Head:
    """Make the head out of the dense layers' description and the arrays called after them.

    Raises:
        ModelError: An array is missing, or is not of the width that the layer says.
    """
    made = []
    for layer in layers:
        kernel = _found(arrays, f"{layer.name}/kernel")
        if kernel.ndim != 2 or kernel.shape[1] != layer.units:
            found = f"weight '{layer.name}/kernel' has shape {kernel.shape}"
            raise ModelError(f"{found}; expected (…, {layer.units})")
        bias = _found(arrays, f"{layer.name}/bias") if layer.bias else None
        made.append(Dense(kernel=kernel, bias=bias, activation=layer.activation))
    return Head(layers=tuple(made))


def split_arrays(
    arrays: Mapping[str, Array], layers: Sequence[DenseLayer]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Part the arrays of a file into the backbone's and the dense layers'.

    The kernel that mien writes to mirror an image is checked and left out.

    Raises:
        ModelError: Two dense layers have one name, or the mirror does something else.
    """
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise ModelError(f"two dense layers of the model have one name: {names!r:.120}")
    dense = {name: array for name, array in arrays.items() if name.rpartition("/")[0] in names}
    arrays = dict(arrays)
    swap = arrays.pop(MIRROR_KERNEL, None)
    if swap is not None and not _turns_around(swap):
        raise ModelError(f"weight '{MIRROR_KERNEL}' does not mirror an image")
    return {name: array for name, array in arrays.items() if name not in dense}, dense


def _turns_around(swap: Array) -> bool:
    side = swap.shape[-1] if swap.ndim == 4 else 0
    if swap.shape != (1, 1, side, side) or not 0 < side <= MAX_SIZE_PX:
        return False
    return bool((swap[0, 0] == np.eye(side, dtype=np.float32)[::-1]).all())


def _found(arrays: Mapping[str, Array], name: str) -> Array:
    if name not in arrays:
        raise ModelError(f"weight {name!r:.90} is missing")
    return np.ascontiguousarray(arrays[name], np.float32)


def labels_beside(path: Path) -> tuple[str, ...] | None:
    """Read ``labels.txt`` in the folder of `path`, None where there is none.

    Raises:
        ModelError: It cannot be read or is not text.
    """
    beside = path.with_name(LABELS_FILE)
    if not beside.is_file():
        return None
    try:
        with beside.open("rb") as file:
            data = file.read(_MAX_LABELS_BYTES + 1)
    except OSError as error:
        raise ModelError(f"cannot read labels '{beside}': {error.strerror or error}") from error
    return parse_labels(data, name=str(beside))


def parse_labels(data: bytes, *, name: str) -> tuple[str, ...]:
    r"""Parse the lines of a labels file, numbered as Teachable Machine's (``0 surprise``) or not.

    Raises:
        ModelError: It is too large, is not UTF-8, or its numbers are not 0, 1, 2, ….

    Example:
        >>> parse_labels(b"0 surprise\n1 not at all\n", name="labels.txt")
        ('surprise', 'not at all')
    """
    if len(data) > _MAX_LABELS_BYTES:
        raise ModelError(f"'{name}' has more than {_MAX_LABELS_BYTES:,} bytes; expected labels")
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        what = f"'{name}' is not UTF-8 text: byte {error.start} is {data[error.start]:#x}"
        raise ModelError(what, "Save it again as UTF-8.") from error
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if not lines or not all(numbered):
        return tuple(lines)
    numbers = [int(match[1][:9]) for match in numbered if match]
    if numbers != list(range(len(lines))):
        raise ModelError(f"'{name}' numbers its labels {numbers[:8]}; expected 0, 1, 2 and so on")
    return tuple(match[2].strip() for match in numbered if match)
