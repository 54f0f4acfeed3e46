"""Every format that mien writes: one literal table.

A new exporter is one entry of `EXPORTERS`, and one of `CHECKS` for who opens it; the contract test
picks it up. Law: an exporter is a function from a model to named bytes; nothing is on disk before
parity is checked (`parity`).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from mien.errors import ModelError
from mien.formats import onnx_files, tensorflow_files
from mien.formats.checks import CHECKS, Check
from mien.formats.keras_files import keras_bytes, keras_h5_bytes
from mien.formats.rounding import prepared_for_int8
from mien.formats.tfjs import tfjs_files
from mien.model import Model, model_bytes

Images: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
Files: TypeAlias = Mapping[str, bytes]
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """A format.

    Attributes:
        about: One line for the user.
        files: From the model, and images to calibrate with where `calibrated`, to named bytes.
        checks: What must answer like the model.
        calibrated: Whether training photos are needed.
        extra: The optional extra of mien that it needs.
    """

    about: str
    files: Callable[[Model, Images | None], Files]
    checks: tuple[Check, ...]
    calibrated: bool = False
    extra: str | None = None


def labels_bytes(model: Model) -> bytes:
    """Give ``labels.txt`` as Teachable Machine writes it: ``0 surprise``."""
    return "".join(f"{i} {label}\n" for i, label in enumerate(model.labels)).encode()


def zip_bytes(files: Files) -> bytes:
    """Give a zip of `files`, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, date_time=_DATE)
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _keras(model: Model, _: Images | None) -> Files:
    return {
        "keras_model.h5": keras_h5_bytes(model),
        "model.keras": keras_bytes(model),
        "labels.txt": labels_bytes(model),
    }


def _tfjs(model: Model, _: Images | None) -> Files:
    return tfjs_files(model)


def _teachable_machine(model: Model, _: Images | None) -> Files:
    keras = {"keras_model.h5": keras_h5_bytes(model), "labels.txt": labels_bytes(model)}
    return {
        "tm-my-image-model.zip": zip_bytes(tfjs_files(model, name="tm-my-image-model")),
        "converted_keras.zip": zip_bytes(keras),
    }


def _onnx(model: Model, _: Images | None) -> Files:
    return {
        "model.onnx": model_bytes(model),
        "model-uint8.onnx": onnx_files.uint8_bytes(model),
        "model-int8.onnx": onnx_files.int8_bytes(model),
        "labels.txt": labels_bytes(model),
    }


def _litert(model: Model, _: Images | None) -> Files:
    data = tensorflow_files.litert_bytes(model)
    return {"model_unquant.tflite": data, "labels.txt": labels_bytes(model)}


def _litert_int8(model: Model, images: Images | None) -> Files:
    assert images is not None
    data = tensorflow_files.litert_int8_bytes(prepared_for_int8(model, images), images)
    return {"model.tflite": data, "labels.txt": labels_bytes(model)}


def _savedmodel(model: Model, _: Images | None) -> Files:
    files = tensorflow_files.savedmodel_files(model)
    return {**files, "labels.txt": labels_bytes(model)}


EXPORTERS: Final[Mapping[str, Exporter]] = {
    "onnx": Exporter(
        about="ONNX: mien's own file, one that takes uint8 pictures, one partly in int8.",
        files=_onnx,
        checks=CHECKS["onnx"],
    ),
    "keras": Exporter(
        about="Keras: keras_model.h5 for Keras 2 and 3 as Teachable Machine's, and model.keras.",
        files=_keras,
        checks=CHECKS["keras"],
    ),
    "tfjs": Exporter(
        about="TensorFlow.js: model.json, weights.bin, metadata.json as Teachable Machine's.",
        files=_tfjs,
        checks=CHECKS["tfjs"],
    ),
    "teachable-machine": Exporter(
        about="The two zips that Teachable Machine lets people download.",
        files=_teachable_machine,
        checks=CHECKS["teachable-machine"],
    ),
    "litert": Exporter(
        about="LiteRT (TensorFlow Lite), float: model_unquant.tflite.",
        files=_litert,
        extra="tensorflow",
        checks=CHECKS["litert"],
    ),
    "litert-int8": Exporter(
        about="LiteRT in int8 but for the first ten blocks, uint8 in and out, calibrated on "
        "training photos: model.tflite. Not for the Edge TPU, which takes int8 alone.",
        files=_litert_int8,
        calibrated=True,
        extra="tensorflow",
        checks=CHECKS["litert-int8"],
    ),
    "savedmodel": Exporter(
        about="TensorFlow SavedModel: model.savedmodel.",
        files=_savedmodel,
        extra="tensorflow",
        checks=CHECKS["savedmodel"],
    ),
}


def exporter(name: str) -> Exporter:
    """Give the exporter called `name`.

    Raises:
        ModelError: There is none.
    """
    if name not in EXPORTERS:
        known = ", ".join(EXPORTERS)
        raise ModelError(f"there is no export format '{name}'; expected one of: {known}")
    return EXPORTERS[name]
