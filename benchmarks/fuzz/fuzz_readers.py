"""Feed a reader bytes that a coverage-guided fuzzer thinks up: does anything but UserError escape?

    pip install atheris
    python benchmarks/fuzz/fuzz_readers.py READER FOLDER -max_total_time=600 -rss_limit_mb=1024

READER is a key of `READERS`; FOLDER is made, holds a sound file of the reader's kind to begin with,
and keeps the corpus, so that a second run goes on where the first one stopped. What follows goes to
libFuzzer. A crash, an input that takes over 5 s of processor time, or any other exception stops it
and leaves the input in the working folder.

A model file is megabytes of weights around some kilobytes of structure, and a fuzzer that changes
bytes anywhere hardly ever hits the structure. Here the weights are taken out of the sound file, the
fuzzer is given the rest, and they are put back in the same places before the reader sees it.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mien"]):
    from mien.archive import open_archive
    from mien.errors import UserError
    from mien.formats import (
        importers,
        keras_h5,
        keras_zip,
        project,
        savedmodel,
        tfjs,
        tflite,
        topology,
    )
    from mien.model import file as model_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.formats import samples

_INSTRUMENTED = (open_archive, keras_h5, keras_zip, savedmodel, tfjs, tflite, topology)
MARK = b"--mien--"
# Stretches of the sound file as long as this that no structure has are weights.
HOLE_BYTES = 256
HANG_SECONDS = 5
WORK = Path(tempfile.mkdtemp(prefix="mien-fuzz-"))


def read_onnx(data: bytes) -> None:
    model_file.model_from_bytes(data, name="fuzz")


def read_folder(data: bytes, names: tuple[str, ...]) -> None:
    """One input is several files, parted by a mark."""
    shutil.rmtree(WORK / "model", ignore_errors=True)
    parts = [*data.split(MARK), *([b""] * len(names))]
    for name, part in zip(names, parts, strict=False):
        path = WORK / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part)
    importers.read_foreign(WORK / "model").model()


def read_file(data: bytes) -> None:
    (WORK / "thing").write_bytes(data)
    importers.read_foreign(WORK / "thing").model()


def read_zipped(data: bytes, names: tuple[str, ...]) -> None:
    """Several files parted by a mark, in a zip whose own sums are right."""
    parts = [*data.split(MARK), *([b""] * len(names))]
    read_file(samples.zip_of(dict(zip(names, parts, strict=False))))


def read_project(data: bytes) -> None:
    out = WORK / "out"
    shutil.rmtree(out, ignore_errors=True)
    (WORK / "thing").write_bytes(data)
    project.unpack_samples(WORK / "thing", out=out)


TFJS = ("model.json", "metadata.json", "weights.bin")
KERAS = ("metadata.json", "config.json", "model.weights.h5")
SAVED = ("saved_model.pb", savedmodel.METADATA, savedmodel.INDEX, savedmodel.VALUES)


def joined(files: dict[str, bytes], names: tuple[str, ...]) -> bytes:
    return MARK.join(files[name] for name in names)


READERS: dict[str, tuple[Callable[[], bytes], Callable[[bytes], None]]] = {
    "h5": (samples.h5, read_file),
    "tfjs": (lambda: joined(samples.tfjs(), TFJS), lambda d: read_folder(d, TFJS)),
    "zip": (lambda: samples.zip_of(samples.tfjs()), read_file),
    "onnx": (samples.onnx, read_onnx),
    "project": (samples.project, read_project),
    "tflite": (samples.tflite, read_file),
    "embedded": (samples.embedded, read_file),
    "keras": (lambda: joined(samples.keras(), KERAS), lambda d: read_zipped(d, KERAS)),
    "savedmodel": (
        lambda: joined(samples.savedmodel(WORK / "saved"), SAVED),
        lambda d: read_folder(d, SAVED),
    ),
}


class Holed:
    """A sound file without its weights, and the way back."""

    def __init__(self, whole: bytes) -> None:
        self.holes: list[tuple[int, bytes]] = []
        self.small = b""
        at = 0
        for start, end in _weights(whole):
            self.small += whole[at:start]
            self.holes.append((len(self.small), whole[start:end]))
            at = end
        self.small += whole[at:]

    def whole(self, small: bytes) -> bytes:
        parts, at = [], 0
        for place, hole in self.holes:
            parts += [small[at:place], hole]
            at = place
        return b"".join([*parts, small[at:]])


def _weights(whole: bytes) -> list[tuple[int, int]]:
    """Where the arrays of the sample model lie in a file, in order and apart."""
    arrays = [array for array in samples.weight_bytes() if len(array) >= HOLE_BYTES]
    found = sorted((whole.find(array), len(array)) for array in arrays)
    apart: list[tuple[int, int]] = []
    for start, length in found:
        if start >= (apart[-1][1] if apart else 0):
            apart.append((start, start + length))
    return apart


def main() -> None:
    reader, folder = sys.argv[1], Path(sys.argv[2])
    sound, read = READERS[reader]
    holed = Holed(sound())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sound").write_bytes(holed.small)
    read(holed.whole(holed.small))  # a sound file is read, or nothing below means anything

    def one_input(data: bytes) -> None:
        began = time.process_time()
        with contextlib.suppress(UserError):
            read(holed.whole(data))
        if time.process_time() - began > HANG_SECONDS:
            raise TimeoutError(f"over {HANG_SECONDS} s")

    random.seed(0)
    # The clock runs on while others have the processor: what judges is the time above.
    words = [f"-max_len={2 * len(holed.small)}", "-timeout=300", *sys.argv[3:]]
    atheris.Setup([sys.argv[0], str(folder), *words], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
