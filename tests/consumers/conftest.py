"""What opens exports: found here, or every test of this folder fails. One export a format, shared.

Starting TensorFlow takes longer than most of what is asked of it, so that each format is exported
once, every test looks at that folder, and one process a library answers for all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.dataset.drawn import draw_dataset
from mien.formats.catalogue import EXPORTERS
from mien.formats.programs import running_programs
from mien.model import Model, write_model
from mien.records import Dense, Head
from mien.workflows.export import ExportRecord, export

SIDE = 64
HERE = Path(__file__).resolve().parent


def make_model(**changes: Any) -> Model:
    rng = np.random.default_rng(0)
    backbone = random_backbone(seed=0, size_px=SIDE)
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
        "preprocessing": f"orient | crop:centre | resize:{SIDE}:lanczos | scale:-1:1",
        "backbone": fold(backbone.weights),
        "backbone_name": "random",
        "backbone_sha256": backbone.weights.sha256,
        "head": Head(layers=(hidden, last)),
    }
    return Model(**(settings | changes))


@dataclass(frozen=True)
class Exported:
    """One format of the small model: the record, and the folder."""

    model: Model
    record: ExportRecord
    folder: Path


Export = Callable[..., Exported]


@pytest.fixture(scope="session", autouse=True)
def programs() -> Iterator[None]:
    """Let every export of this folder ask the same processes."""
    with running_programs():
        yield


@pytest.fixture(scope="session")
def training_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    draw_dataset(folder, n_per_class=4, seed=1, test_per_class=0, size_px=96)
    return folder / "train" if (folder / "train").is_dir() else folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, training_photos: Path) -> Export:
    """Export once, and give the same folder to whoever asks again."""
    done: dict[str, Exported] = {}

    def give(name: str, **changes: Any) -> Exported:
        key = f"{name} {changes}"
        if key not in done:
            folder = tmp_path_factory.mktemp(name)
            model = make_model(**changes)
            write_model(folder / "model.onnx", model)
            photos = training_photos if EXPORTERS[name].calibrated else None
            record = export(folder / "model.onnx", to=name, out=folder / "out", photos=photos)
            done[key] = Exported(model=model, record=record, folder=folder / "out")
        return done[key]

    return give


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that is no square, as people's are: only cropped right is it answered right."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (9, 6, 3), np.uint8)
    Image.fromarray(small).resize((150, 220), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="session")
def tensorflow_python() -> str:
    return os.environ["MIEN_TENSORFLOW_PYTHON"]


def run_python(python: str, *words: str, cwd: Path | None = None) -> str:
    """Run a program of its own, and give what it printed."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [python, *words], cwd=cwd, capture_output=True, text=True, check=False,
        env=os.environ | quiet,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def this_python() -> str:
    return sys.executable
