"""Open whatever a user calls a model: our `.onnx`, a run folder, a Teachable Machine export."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.errors import ModelError
from mien.formats.importers import READS, foreign_model, is_foreign
from mien.model import Model, read_model
from mien.model.file import OTHER_HINT
from mien.workflows import runs

# What `mien export` writes beside a model.onnx.
EXPORT_RECORD: Final = "golden.json"
_EXPECTED: Final = "Give a run folder, a model.onnx, or a Teachable Machine export."


def open_model(path: Path) -> Model:
    """Open a model by what it is, not by what it is called.

    Args:
        path: A model file of ours, a run folder, or any export of Teachable Machine's.

    Raises:
        ModelError: There is nothing, or it is none of these.
        UserError: It is the folder of a run that was not finished.
    """
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise ModelError(f"there is no model at '{path}'", _EXPECTED)
    if is_foreign(path):
        return foreign_model(path)
    try:
        return read_model(path)
    except ModelError as error:
        # Called something else, it was never meant to be ONNX.
        if path.suffix.lower() == ".onnx" or error.hint != OTHER_HINT:
            raise
        raise ModelError(f"'{path}' is no model: it {_beginning(path)}", READS) from error


def _in_folder(folder: Path) -> Model:
    if (folder / runs.RECORD).is_file():
        runs.read_run(folder)
        return read_model(folder / runs.MODEL)
    if is_foreign(folder):
        return foreign_model(folder)
    if (folder / runs.MODEL).is_file() and (folder / EXPORT_RECORD).is_file():
        return read_model(folder / runs.MODEL)
    raise ModelError(
        f"folder '{folder}' holds no model: neither the {runs.RECORD} of a finished run, nor an "
        "export",
        _EXPECTED,
    )


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    return f"begins with {head!r}" if head else "is empty, 0 bytes"
