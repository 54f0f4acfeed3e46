"""The programs that open an export, one function each: a file and images in, probabilities out.

Law: a consumer that cannot be had here raises `NotHereError` with what is missing, and one that
fails a `ModelError` with its own word.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ModelError
from mien.formats.browser import ask_browser, find_browser
from mien.formats.importers import foreign_model
from mien.formats.programs import (
    LIBRARIES,
    LIMIT_SECONDS,
    SCRIPTS,
    AskError,
    NotHereError,
    running_programs,
)

MODULES_VARIABLE: Final = "MIEN_NODE_MODULES"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a consumer answered: float32 ``(n, c)``, its version, milliseconds a picture."""

    probs: Array
    version: str
    ms: float


def _onnxruntime(path: Path, images: Array) -> Said:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    began = time.perf_counter()
    rows = [session.run(None, {"image": images[i : i + 1]})[0] for i in range(len(images))]
    ms = (time.perf_counter() - began) * 1000 / len(images)
    return Said(probs=np.concatenate(rows), version=onnxruntime.__version__, ms=ms)


def _mien(path: Path, images: Array) -> Said:
    """Mien's own reader: that what goes out comes in again."""
    model = foreign_model(path)
    began = time.perf_counter()
    probs = model.probs(images)
    ms = (time.perf_counter() - began) * 1000 / len(images)
    return Said(probs=probs, version=version("mien"), ms=ms)


def _library(consumer: str, path: Path, images: Array) -> Said:
    """Ask a library of Python's, in this Python or in the one that has TensorFlow."""
    library = LIBRARIES[consumer]
    with running_programs() as programs, tempfile.TemporaryDirectory(prefix="mien-") as name:
        given, made = Path(name) / "images.npy", Path(name) / "probs.npy"
        np.save(given, images)
        job = {"kind": library.needs, "file": str(path), "images": str(given), "out": str(made)}
        try:
            told = programs.start(library).ask(job)
        except AskError as error:
            raise ModelError(f"{library.needs} cannot open '{path.name}': {error}") from error
        return Said(probs=np.load(made), version=told["version"], ms=told["ms"])


def _tfjs(path: Path, images: Array) -> Said:
    """TensorFlow.js in Node, from the folder that ``MIEN_NODE_MODULES`` names."""
    node, modules = shutil.which("node"), os.environ.get(MODULES_VARIABLE, "")
    if node is None or not (Path(modules) / "@tensorflow" / "tfjs").is_dir() or not modules:
        raise NotHereError(
            f"needs Node, and @tensorflow/tfjs in the folder that {MODULES_VARIABLE} names"
        )
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        given, made = Path(name) / "images.bin", Path(name) / "probs.json"
        np.ascontiguousarray(images, "<f4").tofile(given)
        words = [node, str(SCRIPTS / "run_tfjs.js"), str(path.parent), str(given)]
        words += [str(images.shape[1]), str(made)]
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
                env=os.environ | {"NODE_PATH": modules},
            )
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"TensorFlow.js took over {LIMIT_SECONDS} s") from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise ModelError(f"TensorFlow.js cannot open '{path.name}': {last:.300}")
        told = json.loads(made.read_text())
    return Said(probs=np.array(told["probs"], np.float32), version=told["version"], ms=told["ms"])


def _teachable_machine(path: Path, images: Array) -> Said:
    """Teachable Machine's own library in a headless browser, the page on a loopback server."""
    modules, found = os.environ.get(MODULES_VARIABLE, ""), find_browser()
    library = Path(modules) / "@teachablemachine" / "image"
    if found is None or not modules or not library.is_dir():
        needed = "Chromium, and @teachablemachine/image in the folder that"
        raise NotHereError(f"needs {needed} {MODULES_VARIABLE} names")
    told = ask_browser(path.parent, images, modules=Path(modules), browser=found)
    if "error" in told:
        raise ModelError(f"the browser cannot open '{path.name}': {told['error']:.300}")
    return Said(probs=np.array(told["probs"], np.float32), version=told["version"], ms=told["ms"])


CONSUMERS: Final[Mapping[str, Callable[[Path, Array], Said]]] = {
    "mien": _mien,
    "onnxruntime": _onnxruntime,
    "tfjs": _tfjs,
    "teachablemachine-image": _teachable_machine,
    **{consumer: partial(_library, consumer) for consumer in LIBRARIES},
}
