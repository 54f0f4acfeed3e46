"""Asks the program that will open an export what it answers, and measures how far that is from us.

Law: only measured numbers; a consumer that cannot be had here is named as unchecked, with the
reason, and never counted as passed. Each runs in a process of its own on the golden pictures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ModelError
from mien.formats.browser import ask_browser, find_browser
from mien.formats.catalogue import Check, Files
from mien.formats.golden import golden_pictures, scaled, unscaled
from mien.formats.importers import read_foreign
from mien.formats.tensorflow_files import PYTHON_VARIABLE, python_with_tensorflow
from mien.formats.tfjs import for_browser
from mien.model import Model
from mien.records import Progress, no_progress

MODULES_VARIABLE: Final = "MIEN_NODE_MODULES"
_SCRIPTS: Final = Path(__file__).parent / "consumers"
_LIMIT_SECONDS: Final = 900
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How one consumer answered for one file of an export.

    Attributes:
        file: Name in the export.
        consumer: Who opened it, with its version where it was opened.
        checked: Whether it could be opened here.
        reason: Why not, or why the file was left out; empty otherwise.
        left_out: Whether the export is written without this file, as it answers otherwise.
        n: Pictures asked: the golden ones, and the photos that a format was calibrated on.
        max_abs_diff: Largest difference of a probability; None where unchecked.
        same_top: Share of pictures with the same class; None where unchecked.
        worst: The picture with the largest difference.
        tolerance: What was allowed: a difference, or None where only the class counts.
        edge_diff: How much of the difference is the picture's edge, where the file takes Teachable
            Machine's range instead of the model's own; allowed beside the tolerance.
        ms: Time a picture in the consumer; None where unchecked.
        size_bytes: Of the file, or of all files where it is one of several.
    """

    file: str
    consumer: str
    checked: bool
    reason: str = ""
    left_out: bool = False
    n: int = 0
    max_abs_diff: float | None = None
    same_top: float | None = None
    worst: str = ""
    tolerance: float | None = None
    edge_diff: float = 0.0
    ms: float | None = None
    size_bytes: int = 0


class NotHereError(Exception):
    """A consumer cannot be had on this machine; the text says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a consumer answered: float32 ``(n, c)``, its version, milliseconds a picture."""

    probs: Array
    version: str
    ms: float


def check_export(
    model: Model,
    files: Files,
    checks: tuple[Check, ...],
    *,
    photos: Array | None = None,
    progress: Progress = no_progress,
) -> list[Parity]:
    """Open an export with each of its consumers and compare.

    Args:
        model: What was exported.
        files: The export, not yet on its place.
        checks: Of its exporter.
        photos: Float images ``(n, h, w, 3)`` that are asked beside the golden pictures, where the
            format was calibrated on them.
        progress: Told consumers, each after it was asked.

    Raises:
        ModelError: A consumer answers otherwise than the tolerance allows, or cannot open it; of a
            file that the export is whole without, the parity says so instead.
    """
    pictures = golden_pictures(model.size_px)
    names = list(pictures)
    images = np.stack(list(pictures.values()))
    if photos is not None:
        images = np.concatenate([images, unscaled(photos, preprocessing=model.preprocessing)])
        names += [f"photo {i + 1}" for i in range(len(photos))]
    floats = scaled(images, preprocessing=model.preprocessing)
    ours = model.probs(floats)
    edge = 0.0
    if any(check.edge for check in checks):
        browser = for_browser(model)
        moved = browser.probs(scaled(images, preprocessing=browser.preprocessing))
        edge = float(np.abs(moved - ours).max())
    asked = {"float": floats, "uint8": images, "browser": images.astype(np.float32) / 127 - 1}
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        folder = Path(name)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        parities: list[Parity] = []
        for check in checks:
            progress("consumers", len(parities), len(checks))
            parity = _checked(
                check,
                folder / check.file,
                asked=asked[check.takes],
                ours=ours,
                edge=edge if check.edge else 0.0,
                names=names,
            )
            parities.append(parity)
        progress("consumers", len(parities), len(checks))
        return parities


def _checked(
    check: Check, path: Path, *, asked: Array, ours: Array, edge: float, names: list[str]
) -> Parity:
    size = _size(path)
    try:
        said = CONSUMERS[check.consumer](path, asked)
    except NotHereError as missing:
        return Parity(
            file=check.file,
            consumer=check.consumer,
            checked=False,
            reason=str(missing),
            size_bytes=size,
        )
    if said.probs.shape != ours.shape or not np.isfinite(said.probs).all():
        raise ModelError(f"'{check.file}' in {check.consumer} answers with {said.probs.shape}")
    diffs = np.abs(said.probs - ours).max(axis=1)
    parity = Parity(
        file=check.file,
        consumer=f"{check.consumer} {said.version}",
        checked=True,
        n=len(names),
        max_abs_diff=float(diffs.max()),
        same_top=float((said.probs.argmax(axis=1) == ours.argmax(axis=1)).mean()),
        worst=names[int(diffs.argmax())],
        tolerance=check.max_abs_diff,
        edge_diff=edge,
        ms=round(said.ms, 2),
        size_bytes=size,
    )
    wrong = _parts(parity, check)
    if wrong is None:
        return parity
    if check.spare:
        return replace(parity, left_out=True, reason=wrong.message)
    raise wrong


def _parts(parity: Parity, check: Check) -> ModelError | None:
    """How the answers part from the model's by more than is allowed, None where they do not."""
    assert parity.max_abs_diff is not None
    assert parity.same_top is not None
    allowed = None if parity.tolerance is None else parity.tolerance + parity.edge_diff
    if allowed is not None and parity.max_abs_diff > allowed:
        return ModelError(
            f"'{check.file}' in {parity.consumer} parts from the model by "
            f"{parity.max_abs_diff:.2g} on golden picture '{parity.worst}'; "
            f"at most {allowed:.2g} is allowed",
            "The export was not written. Please report this with the model's recipe.",
        )
    # Where a tie of two classes is within the tolerance, which comes first says nothing.
    if parity.tolerance is None and parity.same_top < check.same_top:
        return ModelError(
            f"'{check.file}' in {parity.consumer} names the model's class on "
            f"{parity.same_top:.0%} of {parity.n} pictures and parts most on '{parity.worst}'; "
            f"at least {check.same_top:.0%} is asked",
            "The export was not written. Use the float format instead.",
        )
    return None


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    if path.name == "model.json":
        return sum(part.stat().st_size for part in path.parent.iterdir() if part.is_file())
    return path.stat().st_size


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
    model = read_foreign(path).model()
    began = time.perf_counter()
    probs = model.probs(images)
    ms = (time.perf_counter() - began) * 1000 / len(images)
    return Said(probs=probs, version=version("mien"), ms=ms)


def _keras(path: Path, images: Array) -> Said:
    return _python("run_keras.py", "keras", path, images, needs="keras")


def _tf_keras(path: Path, images: Array) -> Said:
    return _python("run_keras.py", "tf_keras", path, images, needs="tf_keras")


def _tensorflow(path: Path, images: Array) -> Said:
    return _python("run_keras.py", "tensorflow", path, images, needs="tensorflow")


def _litert(path: Path, images: Array) -> Said:
    return _python("run_litert.py", None, path, images, needs="ai_edge_litert")


def _python(script: str, which: str | None, path: Path, images: Array, *, needs: str) -> Said:
    """Run a script of `consumers` in this Python, or in the one that has TensorFlow."""
    python = sys.executable if find_spec(needs) else python_with_tensorflow()
    if python == sys.executable and not find_spec(needs):
        raise NotHereError(f"{needs} is not installed (or name its Python in {PYTHON_VARIABLE})")
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        given, made = Path(name) / "images.npy", Path(name) / "probs.npy"
        np.save(given, images)
        words = [python, str(_SCRIPTS / script), *([which] if which else [])]
        # Keras 3 without TensorFlow runs on JAX, which mien has.
        backend = {} if find_spec("tensorflow") or python != sys.executable else _JAX
        done = _run([*words, str(path), str(given), str(made)], env=os.environ | _QUIET | backend)
        if "ModuleNotFoundError" in done.stderr:
            raise NotHereError(f"{needs} is not installed in '{python}'")
        if done.returncode:
            raise ModelError(f"{needs} cannot open '{path.name}': {_last(done.stderr)}")
        told = json.loads(done.stdout.strip().splitlines()[-1])
        return Said(probs=np.load(made), version=told["version"], ms=told["ms"])


_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3"}
_JAX: Final = {"KERAS_BACKEND": "jax"}


def _tfjs(path: Path, images: Array) -> Said:
    """TensorFlow.js in Node, from the folder that ``MIEN_NODE_MODULES`` names."""
    node, modules = shutil.which("node"), os.environ.get(MODULES_VARIABLE, "")
    if node is None or not (Path(modules) / "@tensorflow" / "tfjs").is_dir() or not modules:
        raise NotHereError(f"Node, or @tensorflow/tfjs in the folder {MODULES_VARIABLE} names")
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        given, made = Path(name) / "images.bin", Path(name) / "probs.json"
        np.ascontiguousarray(images, "<f4").tofile(given)
        words = [node, str(_SCRIPTS / "run_tfjs.js"), str(path.parent), str(given)]
        done = _run(
            [*words, str(images.shape[1]), str(made)], env=os.environ | {"NODE_PATH": modules}
        )
        if done.returncode:
            raise ModelError(f"TensorFlow.js cannot open '{path.name}': {_last(done.stderr)}")
        told = json.loads(made.read_text())
    return Said(probs=np.array(told["probs"], np.float32), version=told["version"], ms=told["ms"])


def _teachable_machine(path: Path, images: Array) -> Said:
    """Teachable Machine's own library in a headless browser, the page on a loopback server."""
    modules, found = os.environ.get(MODULES_VARIABLE, ""), find_browser()
    library = Path(modules) / "@teachablemachine" / "image"
    if found is None or not modules or not library.is_dir():
        raise NotHereError(
            f"Chromium, or @teachablemachine/image in the folder {MODULES_VARIABLE} names"
        )
    told = ask_browser(path.parent, images, modules=Path(modules), browser=found)
    if "error" in told:
        raise ModelError(f"the browser cannot open '{path.name}': {told['error']:.300}")
    return Said(probs=np.array(told["probs"], np.float32), version=told["version"], ms=told["ms"])


def _run(command: list[str], *, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
            env=dict(env),
        )
    except FileNotFoundError as error:
        raise NotHereError(f"'{command[0]}' is not there") from error
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"'{command[1]}' took over {_LIMIT_SECONDS} s") from error


def _last(words: str) -> str:
    return (words.strip().splitlines() or ["no word of why"])[-1][:300]


CONSUMERS: Final[Mapping[str, Callable[[Path, Array], Said]]] = {
    "mien": _mien,
    "onnxruntime": _onnxruntime,
    "keras": _keras,
    "tf_keras": _tf_keras,
    "tensorflow": _tensorflow,
    "litert": _litert,
    "tfjs": _tfjs,
    "teachablemachine-image": _teachable_machine,
}
