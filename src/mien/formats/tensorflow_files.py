"""The formats that only TensorFlow writes: SavedModel and LiteRT.

Law: TensorFlow runs in a process of its own (`programs`), is fed the Keras file that mien writes,
and is an optional extra: without it the error names the extra. Which Python has it is said by
``MIEN_TENSORFLOW_PYTHON``, this one where that is not set.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ModelError
from mien.formats.golden import range_of
from mien.formats.keras_files import keras_h5_bytes
from mien.formats.programs import (
    LIBRARIES,
    PYTHON_VARIABLE,
    AskError,
    NotHereError,
    running_programs,
)
from mien.formats.rounding import in_float
from mien.model import Model

SAVED: Final = "model.savedmodel"


def litert_bytes(model: Model) -> bytes:
    """Give a float `.tflite`.

    Raises:
        ModelError: TensorFlow is not installed, or fails.
    """
    return _converted(model, "litert")[""]


def litert_int8_bytes(model: Model, images: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    """Give a `.tflite` partly in int8, uint8 in and out, its ranges measured on `images`.

    Args:
        model: What is exported.
        images: Float ``(n, h, w, 3)``, training photos in the model's own preprocessing.

    Raises:
        ModelError: As `litert_bytes`.
    """
    return _converted(model, "litert-int8", images)[""]


def savedmodel_files(model: Model) -> dict[str, bytes]:
    """Give the files of a SavedModel folder, by path.

    Raises:
        ModelError: As `litert_bytes`.
    """
    return {f"{SAVED}/{name}": data for name, data in _converted(model, "savedmodel").items()}


def _converted(
    model: Model, kind: str, images: np.ndarray[Any, np.dtype[np.float32]] | None = None
) -> dict[str, bytes]:
    """Run the converter on the Keras file; one file stands under the empty name."""
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        folder = Path(name)
        (folder / "keras_model.h5").write_bytes(keras_h5_bytes(model))
        out = folder / "out"
        job: dict[str, Any] = {
            "kind": kind,
            "file": str(folder / "keras_model.h5"),
            "out": str(out),
        }
        if images is not None:
            np.save(folder / "images.npy", images)
            divisor, offset = range_of(model.preprocessing)
            job["images"] = str(folder / "images.npy")
            job |= {"floats": in_float(model.backbone.spec), "divisor": divisor, "offset": offset}
        _convert(job, kind)
        if out.is_file():
            return {"": out.read_bytes()}
        files = sorted(path for path in out.rglob("*") if path.is_file())
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def _convert(job: Mapping[str, Any], kind: str) -> None:
    try:
        with running_programs() as programs:
            programs.start(LIBRARIES["tensorflow"]).ask(job)
    except NotHereError as error:
        named = os.environ.get(PYTHON_VARIABLE)
        if named and not Path(named).exists():
            what = f"{PYTHON_VARIABLE} names '{named}', which is not there"
            raise ModelError(what, "Let it name a Python with TensorFlow, or unset it.") from error
        raise ModelError(
            f"export format '{kind}' needs TensorFlow, which is not installed",
            "Run: pip install 'mien[tensorflow]'",
        ) from error
    except AskError as error:
        raise ModelError(f"TensorFlow could not write '{kind}': {error}") from error
