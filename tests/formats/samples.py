"""A small model of random weights, and files of it in formats that other programs write.

The tests begin with these, and so does the fuzzer (`benchmarks/fuzz`).
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.formats.lite_files import write_embedded, write_tflite
from tests.formats.saved_files import write_savedmodel

from mien.backbone.mobilenet_v1 import MobileNetV1
from mien.backbone.network import Folded, fold
from mien.backbone.weights import random_backbone
from mien.formats.catalogue import labels_bytes
from mien.formats.keras_config import keras_weights
from mien.formats.keras_files import keras_bytes, keras_h5_bytes
from mien.formats.tfjs import tfjs_files
from mien.model import Model, model_bytes
from mien.records import Dense, Head

PREPROCESSING = "orient | crop:centre | resize:32:lanczos | scale:-1:1"


def make_model(**changes: Any) -> Model:
    rng = np.random.default_rng(0)
    backbone = random_backbone(seed=0, size_px=32)
    hidden = Dense(
        kernel=rng.normal(0, 0.05, (1280, 20)).astype(np.float32),
        bias=rng.normal(0, 0.1, 20).astype(np.float32),
        activation="relu",
    )
    last = Dense(
        kernel=rng.normal(0, 0.5, (20, 3)).astype(np.float32), bias=None, activation="softmax"
    )
    settings: dict[str, Any] = {
        "labels": ("calm", "happy", "sad"),
        "preprocessing": PREPROCESSING,
        "backbone": fold(backbone.weights),
        "backbone_name": "random",
        "backbone_sha256": backbone.weights.sha256,
        "head": Head(layers=(hidden, last)),
    }
    return Model(**(settings | changes))


def make_embedded() -> Model:
    """A small grey model, as Teachable Machine's «embedded image model»."""
    rng = np.random.default_rng(2)
    spec = MobileNetV1(alpha=0.25, size_px=96)
    arrays: dict[str, Any] = {}
    for layer in spec.layers:
        fan_in = np.prod(layer.kernel_shape[:3]) if layer.kind == "conv" else layer.kernel_px**2
        kernel = rng.normal(0, np.sqrt(2 / fan_in), layer.kernel_shape).astype(np.float32)
        if layer is spec.layers[0]:
            kernel[:, :, 1:] = 0  # grey
        arrays[layer.kernel_name] = kernel
        arrays[layer.bias_name] = rng.normal(0, 0.1, layer.n_out).astype(np.float32)
    hidden = Dense(
        kernel=rng.normal(0, 0.02, (spec.width, 100)).astype(np.float32),
        bias=np.zeros(100, np.float32),
        activation="relu",
    )
    last = Dense(
        kernel=rng.normal(0, 0.3, (100, 2)).astype(np.float32), bias=None, activation="softmax"
    )
    return Model(
        labels=("calm", "happy"),
        preprocessing="orient | crop:centre | resize:96:bilinear | grey | scale:-1:1",
        backbone=Folded(spec=spec, arrays=arrays),
        backbone_name="imported",
        backbone_sha256="0" * 64,
        head=Head(layers=(hidden, last)),
    )


# --- one sound file of each kind, as bytes ------------------------------------------------------


@cache
def sample() -> Model:
    return make_model()


def h5() -> bytes:
    return keras_h5_bytes(sample())


def onnx() -> bytes:
    return model_bytes(sample())


def tfjs() -> dict[str, bytes]:
    return tfjs_files(sample())


def tflite() -> bytes:
    return write_tflite(sample(), quantise=False)


def keras() -> dict[str, bytes]:
    """The entries of a `.keras` file."""
    with zipfile.ZipFile(io.BytesIO(keras_bytes(sample()))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def embedded() -> bytes:
    return write_embedded(make_embedded(), quantise=True)


def sketch() -> bytes:
    """Teachable Machine's export for microcontrollers: the embedded model as C source."""
    lines = ", ".join(f"0x{byte:02x}" for byte in embedded())
    settings = 'const char* kCategoryLabels[kCategoryCount] = { "calm","happy",};'
    return zip_of(
        {
            "person_detect_model_data.cpp": f"unsigned char d[] = {{\n{lines}\n}};".encode(),
            "model_settings.cpp": settings.encode(),
            "tm_template_script.ino": b"void loop() {}",
        }
    )


def savedmodel(folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    write_savedmodel(sample(), folder)
    (folder / "labels.txt").write_bytes(labels_bytes(sample()))
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def project() -> bytes:
    """A project of Teachable Machine's with four photos of one class."""
    files = {"manifest.json": b'{"type": "image", "appdata": {"trainEpochs": 50}}'}
    for i in range(4):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(buffer, "JPEG")
        files[f"happy-!-{i}.jpg"] = buffer.getvalue()
    return zip_of(files)


def zip_of(files: dict[str, bytes]) -> bytes:
    """A zip whose entries are not packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def weight_bytes() -> list[bytes]:
    """Every array of the sample model as files hold it: to tell weights from structure."""
    arrays = [a for part in keras_weights(sample()).values() for a in part.values()]
    arrays += [*sample().backbone.arrays.values(), *(d.kernel.T for d in sample().head.layers)]
    found = [np.ascontiguousarray(a).tobytes() for a in arrays]
    for a in arrays:
        if a.ndim == 4:
            turns = ((3, 0, 1, 2), (3, 2, 0, 1), (2, 3, 0, 1), (2, 0, 1, 3))
            found += [np.ascontiguousarray(a.transpose(turn)).tobytes() for turn in turns]
    return found
