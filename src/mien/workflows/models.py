"""Open whatever a user calls a model: our `.onnx`, a run folder, a Teachable Machine export."""

from __future__ import annotations

from pathlib import Path

from mien.errors import ModelError
from mien.formats.importers import READS, is_foreign, read_foreign
from mien.model import Model, read_model
from mien.model.file import OTHER_HINT
from mien.workflows import runs


def open_model(path: Path) -> Model:
    """Open a model by what it is, not by what it is called.

    Args:
        path: A model file of ours, a run folder, or any export of Teachable Machine's.

    Raises:
        ModelError: There is nothing, or it is none of these.
        UserError: It is the folder of a run that was not finished.
    """
    if path.is_dir():
        if not (path / runs.RECORD).is_file() and is_foreign(path):
            return read_foreign(path).model()
        runs.read_run(path)
        return read_model(path / runs.MODEL)
    if not path.is_file():
        raise ModelError(
            f"there is no model at '{path}'",
            "Give a run folder, a model.onnx, or a Teachable Machine export.",
        )
    if is_foreign(path):
        return read_foreign(path).model()
    try:
        return read_model(path)
    except ModelError as error:
        # Called something else, it was never meant to be ONNX.
        if path.suffix.lower() == ".onnx" or error.hint != OTHER_HINT:
            raise
        raise ModelError(f"'{path}' is no model: it begins as none of them does", READS) from error
