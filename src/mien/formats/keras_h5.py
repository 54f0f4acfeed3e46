"""Reads Teachable Machine's `keras_model.h5` with h5py alone, in Keras 2's layout and Keras 3's.

Law: nothing is built, called or unpickled; only plain, contiguous, finite float32 arrays that lie
in the file itself are taken, each by its layer's name. HDF5 answers damaged files with
`RuntimeError`, `KeyError`, `OverflowError`, `OSError` and others: they are worded here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.backbone.network import Array, Weights
from mien.errors import ModelError
from mien.formats.imported import (
    KERAS_PREPROCESSING,
    Imported,
    head_of,
    labels_beside,
    split_arrays,
)
from mien.formats.topology import read_topology

if TYPE_CHECKING:
    import h5py

SUFFIXES: Final = (".h5", ".hdf5")
MAX_FILE_BYTES: Final = 256 << 20
MAX_CONFIG_BYTES: Final = 4 << 20  # Teachable Machine's is 90 kB
_MAX_OBJECTS: Final = 1500  # MobileNetV2 and a head are 372
_MAX_DEPTH: Final = 8
_MAX_VALUES: Final = 16 << 20
_NOT_KERAS: Final = "Export from Teachable Machine as TensorFlow, Keras."
# Everything that h5py was seen to raise on damaged files.
PROBLEMS: Final = (
    RuntimeError,
    KeyError,
    OverflowError,
    OSError,
    ValueError,
    TypeError,
    MemoryError,
    AttributeError,
    IndexError,
)


def read_keras_h5(path: Path) -> Imported:
    """Read a Keras model file of Teachable Machine's, and ``labels.txt`` beside it.

    Raises:
        ModelError: The file cannot be read, is damaged, holds a layer or an array that is not the
            expected one (named), or data that lies outside the file, linked, virtual, compressed or
            pickled.
    """
    import h5py

    _check_size(path)
    try:
        with h5py.File(path, "r") as file:
            description, arrays = _description(file), _arrays(file)
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error
    except PROBLEMS as error:
        raise ModelError(f"'{path}' is not a readable HDF5 file: {error}", _NOT_KERAS) from error
    labels = labels_beside(path)
    try:
        return imported_keras(description, arrays, labels=labels)
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error


def imported_keras(
    description: object,
    arrays: dict[str, Array],
    *,
    labels: tuple[str, ...] | None,
    source: str = "Keras .h5",
) -> Imported:
    """Put a description and the arrays that its layers name together.

    Raises:
        ModelError: They do not fit, or describe another network than Teachable Machine's.
    """
    topology = read_topology(description)
    base, dense = split_arrays(arrays, topology.dense)
    head = head_of(topology.dense, dense)
    unused = set(dense) - {f"{la.name}/{kind}" for la in topology.dense for kind in _kinds(la.bias)}
    if unused:
        raise ModelError(f"weight {min(unused)!r:.90} belongs to no layer of the model")
    return Imported(
        weights=Weights(spec=topology.spec, arrays=base),
        head=head,
        labels=labels,
        preprocessing=KERAS_PREPROCESSING.format(size=topology.spec.size_px),
        source=source,
        mirror_average=topology.mirror_average,
    )


def _kinds(bias: bool) -> tuple[str, ...]:
    return ("kernel", "bias") if bias else ("kernel",)


def _check_size(path: Path) -> None:
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror or error}") from error
    if n_bytes > MAX_FILE_BYTES:
        raise ModelError(f"'{path}' is larger than {MAX_FILE_BYTES:,} bytes; not such a model")


def _description(file: h5py.File) -> object:
    if "model_config" not in file.attrs:
        raise ModelError("an HDF5 file, but no Keras model: it has no 'model_config'", _NOT_KERAS)
    attribute = file.attrs.get_id("model_config")
    if attribute.shape != () or attribute.get_storage_size() > MAX_CONFIG_BYTES:
        raise ModelError("its 'model_config' is no text of sensible length")
    text = file.attrs["model_config"]
    if not isinstance(text, str | bytes) or len(text) > MAX_CONFIG_BYTES:
        raise ModelError("its 'model_config' is no text of sensible length")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"its 'model_config' is not JSON: {error}") from error


def _arrays(file: h5py.File) -> dict[str, Array]:
    """Every array under ``model_weights``, called after its layer: ``Conv1/kernel``."""
    arrays: dict[str, Array] = {}
    if not is_hard_link(file, "model_weights"):
        raise ModelError("it has no 'model_weights' of its own")
    for path, dataset in _datasets(file["model_weights"], (), [0]):
        name = "/".join(path[-2:]).removesuffix(":0")
        if name in arrays:
            raise ModelError(f"two arrays are called {name!r:.90}")
        arrays[name] = plain_array(dataset, name)
    return arrays


def _datasets(
    group: Any, path: tuple[str, ...], seen: list[int]
) -> Iterator[tuple[tuple[str, ...], h5py.Dataset]]:
    """Walk a group, following nothing but hard links, so that the file is never left."""
    import h5py

    if not isinstance(group, h5py.Group) or len(path) > _MAX_DEPTH:
        raise ModelError(f"{'/'.join(path)!r:.90} is nested too deep or is no group")
    for key in group:
        seen[0] += 1
        if seen[0] > _MAX_OBJECTS:
            raise ModelError(f"it holds more than {_MAX_OBJECTS} objects; expected a MobileNetV2")
        where = (*path, key)
        if not is_hard_link(group, key):
            raise ModelError(f"{'/'.join(where)!r:.90} is a link; mien reads no linked data")
        item = group[key]
        if isinstance(item, h5py.Dataset):
            yield where, item
        else:
            yield from _datasets(item, where, seen)


def is_hard_link(group: h5py.Group, key: str) -> bool:
    """Tell whether something lies in the file itself, not behind a link out of it."""
    import h5py

    return isinstance(group.get(key, getlink=True), h5py.HardLink)


def plain_array(dataset: Any, name: str) -> Array:
    """Take an array, its layout and size checked before a byte of it is read.

    Raises:
        ModelError: It is no array of finite float32, or does not lie plainly in the file.
    """
    from h5py import Dataset, h5d

    if not isinstance(dataset, Dataset):
        raise ModelError(f"weight {name!r:.90} is no array")
    layout = dataset.id.get_create_plist()
    if dataset.is_virtual or dataset.external or layout.get_layout() == h5d.VIRTUAL:
        raise ModelError(f"weight {name!r:.90} lies outside the file; mien reads no external data")
    if layout.get_layout() not in (h5d.CONTIGUOUS, h5d.COMPACT) or layout.get_nfilters():
        raise ModelError(f"weight {name!r:.90} is compressed or chunked; Keras writes it plainly")
    if dataset.dtype != np.dtype("<f4"):
        raise ModelError(f"weight {name!r:.90} is {dataset.dtype!s:.40}; expected float32")
    if dataset.shape is None or len(dataset.shape) > 4 or dataset.size > _MAX_VALUES:
        raise ModelError(f"weight {name!r:.90} has an absurd shape, {dataset.shape!r:.60}")
    array = np.asarray(dataset[()], dtype=np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"weight {name!r:.90} holds NaN or infinity")
    return array
