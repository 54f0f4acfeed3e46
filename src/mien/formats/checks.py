"""What of each export is opened, by which program, and how far it may part from the model.

One literal table. It imports nothing of ours or of others, so that the programs can be started
before anything else is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

FLOAT_TOLERANCE: Final = 1e-4
INT8_AGREEMENT: Final = 0.95


@dataclass(frozen=True, kw_only=True)
class Check:
    """A file of an export and the program that must answer like the model.

    Attributes:
        file: Name in the export.
        consumer: A key of `CONSUMERS`.
        takes: ``float``: images in the preprocessing's range; ``uint8``: 0 to 255 before it;
            ``browser``: as Teachable Machine's library scales them, x / 127 - 1.
        max_abs_diff: Largest difference of a probability; None where only the class counts.
        same_top: Least share of images with the same class.
        edge: Whether the file takes Teachable Machine's range, which costs a little at the
            picture's edge (`tfjs.for_browser`); that much more is allowed.
        every: Every how many of the golden pictures is asked: more than 1 where the same program is
            asked all of them of another file, and takes long.
        spare: Whether the export is whole without this file: where it parts from the model, it is
            left out and said, and the rest is written.
    """

    file: str
    consumer: str
    takes: Literal["float", "uint8", "browser"] = "float"
    max_abs_diff: float | None = FLOAT_TOLERANCE
    same_top: float = 1.0
    edge: bool = False
    every: int = 1
    spare: bool = False


# By the export's name, as `catalogue.EXPORTERS`.
CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {
    "onnx": (
        Check(file="model.onnx", consumer="onnxruntime"),
        Check(file="model-uint8.onnx", consumer="onnxruntime", takes="uint8"),
        Check(
            file="model-int8.onnx",
            consumer="onnxruntime",
            max_abs_diff=None,
            same_top=INT8_AGREEMENT,
            spare=True,
        ),
    ),
    "keras": (
        Check(file="keras_model.h5", consumer="mien"),
        Check(file="keras_model.h5", consumer="keras"),
        Check(file="keras_model.h5", consumer="tf_keras"),
        Check(file="model.keras", consumer="keras", every=2),
    ),
    "tfjs": (
        Check(file="model.json", consumer="mien", takes="browser", edge=True),
        Check(file="model.json", consumer="tfjs", takes="browser", edge=True),
        Check(file="model.json", consumer="teachablemachine-image", takes="uint8", edge=True),
    ),
    "teachable-machine": (
        Check(file="tm-my-image-model.zip", consumer="mien", takes="browser", edge=True),
        Check(file="converted_keras.zip", consumer="mien"),
    ),
    "litert": (Check(file="model_unquant.tflite", consumer="litert"),),
    "litert-int8": (
        Check(
            file="model.tflite",
            consumer="litert",
            takes="uint8",
            max_abs_diff=None,
            same_top=INT8_AGREEMENT,
        ),
    ),
    "savedmodel": (Check(file="model.savedmodel", consumer="tensorflow"),),
}
