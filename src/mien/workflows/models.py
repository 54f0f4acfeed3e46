"""Open whatever a user calls a model: our `.onnx`, a run folder, a Teachable Machine export."""

from __future__ import annotations

from pathlib import Path

from mien.errors import ModelError
from mien.formats.keras_h5 import read_keras_h5
from mien.model import Model, read_model
from mien.workflows import runs


def open_model(path: Path) -> Model:
    """Open a model by what it is, not by what it is called.

    Args:
        path: A model file of ours, a run folder, or a Teachable Machine `keras_model.h5`.

    Raises:
        ModelError: There is nothing, or it is none of these.
        UserError: It is the folder of a run that was not finished.
    """
    if path.is_dir():
        if (path / "keras_model.h5").is_file():
            return read_keras_h5(path / "keras_model.h5").model()
        runs.read_run(path)
        return read_model(path / runs.MODEL)
    if not path.is_file():
        raise ModelError(
            f"there is no model at '{path}'",
            "Give a run folder, a model.onnx, or a Teachable Machine keras_model.h5.",
        )
    if _is_hdf5(path):
        return read_keras_h5(path).model()
    return read_model(path)


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"
