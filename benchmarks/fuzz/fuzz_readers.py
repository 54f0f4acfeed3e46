"""Feed a reader bytes that a coverage-guided fuzzer thinks up: does anything but UserError escape?

    pip install atheris
    python benchmarks/fuzz/fuzz_readers.py READER SEEDS -max_total_time=600 -rss_limit_mb=1024

READER is h5, tfjs, onnx, project, tflite or savedmodel; SEEDS a folder that holds a sound file of
its kind. What follows goes to libFuzzer.
A crash, a hang over 5 s or any other exception stops it and leaves the input in the working folder.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mien"]):
    from mien.archive import open_archive
    from mien.errors import UserError
    from mien.formats import importers, keras_h5, project, savedmodel, tfjs, tflite, topology
    from mien.model import file as model_file

_INSTRUMENTED = (open_archive, keras_h5, savedmodel, tfjs, tflite, topology)
READER, SEEDS = sys.argv[1], Path(sys.argv[2])
FOLDER = Path(tempfile.mkdtemp(prefix="mien-fuzz-"))


def one_input(data: bytes) -> None:
    with contextlib.suppress(UserError):
        read(data)


def read(data: bytes) -> None:
    if READER == "onnx":
        model_file.model_from_bytes(data, name="fuzz")
        return
    if READER == "savedmodel":
        # One input is metadata, index and values, parted by a mark.
        parts = [*data.split(b"--mien--"), b"", b""][:3]
        (FOLDER / "variables").mkdir(exist_ok=True)
        for name, part in zip(
            (savedmodel.METADATA, savedmodel.INDEX, savedmodel.VALUES), parts, strict=True
        ):
            (FOLDER / name).write_bytes(part)
        savedmodel.read_savedmodel(FOLDER)
        return
    path = FOLDER / "thing"
    path.write_bytes(data)
    if READER == "project":
        out = FOLDER / "out"
        shutil.rmtree(out, ignore_errors=True)
        project.unpack_samples(path, out=out)
        return
    importers.read_foreign(path).model()


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], str(SEEDS), "-timeout=5", *sys.argv[3:]], one_input)
    atheris.Fuzz()
