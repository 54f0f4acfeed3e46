"""Asks the program that will open an export what it answers, and measures how far that is from us.

Law: only measured numbers; a consumer that cannot be had here is named as unchecked, with the
reason, and never counted as passed. Other programs are asked side by side, and meanwhile those that
answer in our own process.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ModelError
from mien.formats.asking import CONSUMERS
from mien.formats.catalogue import Files
from mien.formats.checks import Check
from mien.formats.golden import golden_pictures, golden_pngs, scaled, unscaled
from mien.formats.programs import LIBRARIES, NotHereError, running_programs
from mien.formats.tfjs import for_browser
from mien.model import Model
from mien.records import Progress, no_progress
from mien.words import percent

# Two cores are what nearly everybody has; each program takes some hundred megabytes.
_AT_ONCE: Final = 2
# Consumers that answer in our own process, and soon.
_OURS: Final = ("onnxruntime", "mien")
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
        ms: Time a picture in the consumer, at most: another may have run beside it; None where
            unchecked.
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


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is to be checked: files that are not yet on their place.

    Attributes:
        files: By path.
        checks: Of the exporter.
        photos: Float images ``(n, h, w, 3)`` that are asked beside the golden pictures, where the
            format was calibrated on them.
    """

    files: Files
    checks: tuple[Check, ...]
    photos: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The pictures that an export's consumers are asked, and the model's own answers.

    Attributes:
        names: One a picture.
        images: As each kind of `Check.takes` wants them.
        ours: Float32 ``(n, c)``.
        edge: How far the model with a browser's range is from itself.
    """

    names: Sequence[str]
    images: Mapping[str, Array]
    ours: Array
    edge: float


def questions(model: Model, *, edge: bool, photos: Array | None = None) -> Questions:
    """Ask the model itself the golden pictures.

    Args:
        model: What is exported.
        edge: Whether to measure what a picture's edge costs (`Check.edge`).
        photos: Float images ``(n, h, w, 3)`` to be asked as well.
    """
    pictures = golden_pictures(model.size_px)
    names = list(pictures)
    images = np.stack(list(pictures.values()))
    if photos is not None:
        images = np.concatenate([images, unscaled(photos, preprocessing=model.preprocessing)])
        names += [f"photo {i + 1}" for i in range(len(photos))]
    floats = scaled(images, preprocessing=model.preprocessing)
    ours = model.probs(floats)
    difference = 0.0
    if edge:
        browser = for_browser(model)
        moved = browser.probs(scaled(images, preprocessing=browser.preprocessing))
        difference = float(np.abs(moved - ours).max())
    kinds = {"float": floats, "uint8": images, "browser": images.astype(np.float32) / 127 - 1}
    return Questions(names=names, images=kinds, ours=ours, edge=difference)


def check_exports(
    model: Model,
    exports: Sequence[Export],
    *,
    golden: Questions,
    progress: Progress = no_progress,
) -> list[list[Parity]]:
    """Open exports with each of their consumers and compare.

    Args:
        model: What was exported.
        exports: One or several formats.
        golden: The golden pictures, with the edge where a check minds it.
        progress: Told consumers, each after it was asked.

    Returns:
        For each export a parity for each of its checks.

    Raises:
        ModelError: A consumer answers otherwise than the tolerance allows, or cannot open it; of a
            file that the export is whole without, the parity says so instead.
    """
    asked = [
        golden if one.photos is None else questions(model, edge=False, photos=one.photos)
        for one in exports
    ]
    total = sum(len(one.checks) for one in exports)
    progress("consumers", 0, total)
    told: dict[tuple[int, int], Parity] = {}
    lock = threading.Lock()

    def ask(jobs: Sequence[tuple[int, int]]) -> None:
        for i, j in jobs:
            check = exports[i].checks[j]
            parity = _checked(check, folder / str(i) / check.file, asked[i])
            with lock:
                told[i, j] = parity
                progress("consumers", len(told), total)

    with tempfile.TemporaryDirectory(prefix="mien-") as name, running_programs():
        folder = Path(name)
        for i, one in enumerate(exports):
            _lay_out(one.files, folder / str(i))
        ours, theirs = _by_program(exports)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            turns = [pool.submit(copy_context().run, ask, jobs) for jobs in theirs]
            try:
                ask(ours)
                # Written beside every export: packed while the programs answer, not after them.
                golden_pngs(model.size_px)
                for turn in turns:
                    turn.result()
            finally:
                pool.shutdown(cancel_futures=True)
    return [[told[i, j] for j in range(len(one.checks))] for i, one in enumerate(exports)]


def _by_program(
    exports: Sequence[Export],
) -> tuple[list[tuple[int, int]], list[list[tuple[int, int]]]]:
    """Export and check: what is asked in our own process, and a list for each other program."""
    ours: list[tuple[int, int]] = []
    theirs: dict[str, list[tuple[int, int]]] = {}
    for i, one in enumerate(exports):
        for j, check in enumerate(one.checks):
            library = LIBRARIES.get(check.consumer)
            program = library.script if library else check.consumer
            turn = ours if check.consumer in _OURS else theirs.setdefault(program, [])
            turn.append((i, j))
    return ours, list(theirs.values())


def _lay_out(files: Files, folder: Path) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def _checked(check: Check, path: Path, asked: Questions) -> Parity:
    size = _size(path)
    try:
        said = CONSUMERS[check.consumer](path, asked.images[check.takes][:: check.every])
    except NotHereError as missing:
        return Parity(
            file=check.file,
            consumer=check.consumer,
            checked=False,
            reason=str(missing),
            size_bytes=size,
        )
    ours, names = asked.ours[:: check.every], asked.names[:: check.every]
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
        edge_diff=asked.edge if check.edge else 0.0,
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
            f"{percent(parity.same_top)} of {parity.n} pictures and parts most on "
            f"'{parity.worst}'; at least {percent(check.same_top)} is asked",
            "The export was not written. Use the float format instead.",
        )
    return None


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    if path.name == "model.json":
        return sum(part.stat().st_size for part in path.parent.iterdir() if part.is_file())
    return path.stat().st_size
