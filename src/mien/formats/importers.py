"""Opens a foreign model by what it is, not by what it is called.

Law: the first bytes and the names inside decide; what is recognised but not supported is named.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from mien.archive import Archive, open_archive
from mien.errors import ModelError
from mien.formats.imported import LABELS_FILE, Imported, labels_beside
from mien.formats.keras_h5 import MAX_FILE_BYTES, read_keras_h5
from mien.formats.keras_zip import CONFIG, WEIGHTS, read_keras_zip
from mien.formats.savedmodel import read_savedmodel
from mien.formats.sketch import SKETCH, read_sketch
from mien.formats.tfjs import MODEL, read_tfjs
from mien.formats.tflite import read_tflite
from mien.model import Model

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_MAX_LABELS_BYTES: Final = 1 << 20
READS: Final = (
    "mien opens .keras and what Teachable Machine exports: keras_model.h5, SavedModel, "
    "TensorFlow.js, .tflite, the zips of these, its Arduino sketch; 'mien import' takes its .tm "
    "projects and zips of samples too."
)


def read_foreign(path: Path) -> Imported:
    """Read a model that another program wrote: a file, a folder or a zip.

    Raises:
        ModelError: There is nothing, it is none of the formats, or its reader refuses it.
    """
    if path.is_dir():
        return _read_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror or error}") from error
    if not head:
        raise ModelError(f"'{path}' is empty: it has 0 bytes", "Download or copy it again.")
    if head.startswith(_HDF5):
        return read_keras_h5(path)
    if head[4:8] == b"TFL3":
        return read_tflite(path, labels=labels_beside(path))
    if head.startswith(b"PK"):
        return _read_zip(path)
    if head.lstrip().startswith(b"{"):
        return read_tfjs(path)
    raise ModelError(f"'{path}' is no model that mien knows: it begins with {head[:8]!r}", READS)


def foreign_model(path: Path) -> Model:
    """Read a model that another program wrote, and make one of ours of it.

    Raises:
        ModelError: As `read_foreign`, or its labels are not one for each class.
    """
    imported = read_foreign(path)
    try:
        return imported.model()
    except ModelError as error:
        raise ModelError(f"'{path}': {error.message}", error.hint) from error


def is_foreign(path: Path) -> bool:
    """Tell whether something looks like a foreign model, by its first bytes or its files."""
    if path.is_dir():
        names = ("keras_model.h5", MODEL, "saved_model.pb", "model.savedmodel")
        return any((path / name).exists() for name in names) or any(
            [*path.glob("*.tflite"), *path.glob("*.keras")]
        )
    with path.open("rb") as file:
        head = file.read(16)
    return head.startswith((_HDF5, b"PK", b"{")) or head[4:8] == b"TFL3"


def _read_folder(path: Path) -> Imported:
    if (path / "keras_model.h5").is_file():
        return read_keras_h5(path / "keras_model.h5")
    if (path / MODEL).is_file():
        return read_tfjs(path)
    for folder in (path, path / "model.savedmodel"):
        if (folder / "saved_model.pb").is_file():
            return read_savedmodel(folder)
    keras = sorted(path.glob("*.keras"))
    if keras:
        return read_keras_zip(keras[0])
    lite = sorted(path.glob("*.tflite"))
    if lite:
        return read_tflite(lite[0], labels=labels_beside(lite[0]))
    raise ModelError(f"folder '{path}' holds no model that mien knows", READS)


def _read_zip(path: Path) -> Imported:
    """Read a zip of an export; where a library wants files, they lie in a folder of our naming."""
    with open_archive(path) as archive:
        names = archive.names
        if MODEL in names:
            return read_tfjs(path)
        if "manifest.json" in names:
            raise ModelError(
                f"'{path}' is a Teachable Machine project, not a model",
                "Run `mien import` on it to get its photos, then `mien train`.",
            )
        if CONFIG in names and WEIGHTS in names:
            return read_keras_zip(path)
        sketch = next((name for name in names if name.endswith(SKETCH)), None)
        if sketch is not None:
            return read_sketch(archive, sketch)
        for name in names:
            if name.endswith((".h5", ".keras", ".tflite")) or name.endswith("saved_model.pb"):
                return _unpacked(archive, name)
    raise ModelError(f"zip '{path}' holds no model that mien knows", READS)


def _unpacked(archive: Archive, name: str) -> Imported:
    """Unpack the model at `name` and its labels under names that we choose, then read them."""
    base = name.rpartition("/")[0]
    wanted = {name: Path(name).name}
    if name.endswith("saved_model.pb"):
        prefix = f"{base}/" if base else ""
        inside = ("variables/variables.index", "variables/variables.data-00000-of-00001")
        wanted |= {f"{prefix}{part}": part for part in (*inside, "keras_metadata.pb")}
    for labels in (f"{base}/{LABELS_FILE}" if base else LABELS_FILE, LABELS_FILE):
        wanted.setdefault(labels, LABELS_FILE)
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        for source, target in wanted.items():
            if source not in archive.names:
                continue
            limit = _MAX_LABELS_BYTES if target == LABELS_FILE else MAX_FILE_BYTES
            place = Path(folder) / target
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(archive.read(source, limit_bytes=limit))
        whole = Path(folder) / Path(name).name
        try:
            return read_foreign(whole.parent if name.endswith(".pb") else whole)
        except ModelError as error:
            # The user knows the zip, not our folder.
            message = error.message.replace(str(whole), f"{archive.path}:{name}")
            message = message.replace(folder, str(archive.path))
            raise ModelError(message, error.hint) from error
