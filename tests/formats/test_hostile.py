"""Damaged files of every kind: a clear error or a whole answer, quickly, and nothing else.

Each reader gets a file that it reads, damaged at random: cut short, bytes changed, ranges zeroed,
repeated or swapped. What it may raise is `UserError` alone. All of a reader's cases run in one
process of their own with little memory and time, because HDF5 is a library in C. The processes are
forks of one that has imported what they need: importing took longer than reading.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.formats import samples

CASES = 30  # of each reader
LEAST_INPUTS = 200
SECONDS_A_FILE = 5
MEMORY_BYTES = 1 << 30

DAMAGE = """
import os, random, resource, signal, sys, time, traceback, warnings
from pathlib import Path
from mien.errors import UserError
root = Path(sys.argv[1])
cases, limit_s, limit_bytes = map(int, sys.argv[2:])
import h5py, numpy, onnx  # before the limit on memory: their own code counts too
from mien.formats import importers
from mien.model import read_model
from mien.formats.project import unpack_samples
warnings.simplefilter("error")

def read(reader, path):
    if reader == "onnx":
        return read_model(path)
    if reader == "project":
        return unpack_samples(path, out=path.parent / f"out-{path.name}")
    return importers.read_foreign(path if reader != "savedmodel" else path.parent).model()

def damage(data, rng):
    data = bytearray(data)
    # Where a format keeps its structure: the first and last part are hit more often.
    n = len(data)
    def place():
        if rng.random() < 0.2:
            return max(0, n - 1 - rng.randrange(min(n, 4000)))
        return min(n - 1, int(n * rng.random() ** rng.choice((1, 6))))
    kind = rng.choice(("cut", "flip", "flip", "flip", "zero", "ones", "repeat", "swap"))
    if kind == "cut":
        del data[place():]
    elif kind == "flip":
        for _ in range(rng.choice((1, 4, 64))):
            data[place()] = rng.randrange(256)
    elif kind in ("zero", "ones"):
        at, size = place(), rng.choice((1, 8, 512))
        data[at:at + size] = bytes([255 * (kind == "ones")]) * len(data[at:at + size])
    elif kind == "repeat":
        at = place(); data[at:at] = data[at:at + rng.choice((8, 4096))]
    else:
        a, b = place(), place(); data[a:a + 16], data[b:b + 16] = data[b:b + 16], data[a:a + 16]
    return bytes(data)

def examine(reader, folder):
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + limit_bytes, used + limit_bytes))

    def outside():
        return sorted(p.name for p in folder.parent.iterdir())

    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size)
    before, read_whole, refused = outside(), 0, 0
    for case in range(cases):
        rng = random.Random(case)
        path = files[case % len(files)]
        whole = path.read_bytes()
        path.write_bytes(damage(whole, rng))
        signal.alarm(20 * limit_s)  # a hang: CPU time is what is judged below
        cpu = time.process_time()
        try:
            read(reader, files[0] if reader != "savedmodel" else folder / "saved_model.pb")
            read_whole += 1
        except UserError as error:
            assert len(str(error)) > 20, str(error)
            refused += 1
        assert time.process_time() - cpu < limit_s, f"case {case} took too long"
        path.write_bytes(whole)
    assert outside() == before, "something was written outside"
    return f"{read_whole} {refused}"

children = {}
for folder in sorted(root.iterdir()):
    pid = os.fork()
    if pid == 0:
        try:
            said, status = examine(folder.name, folder / "in"), 0
        except BaseException:
            said, status = traceback.format_exc(), 1
        Path(f"{root}.{folder.name}.txt").write_text(said)
        os._exit(status)
    children[pid] = folder.name
for pid, name in children.items():
    print(name, os.waitpid(pid, 0)[1])
"""


# A sound file for each reader; a SavedModel is a folder.
SOUND: dict[str, Callable[[], bytes]] = {
    "h5": samples.h5,
    "keras": lambda: samples.zip_of(samples.keras()),
    "tfjs": lambda: samples.zip_of(samples.tfjs()),
    "onnx": samples.onnx,
    "project": samples.project,
    "tflite": samples.tflite,
    "embedded": samples.embedded,
    "sketch": samples.sketch,
}
READERS = (*SOUND, "savedmodel")


def test_there_are_at_least_200_damaged_inputs() -> None:
    assert len(READERS) * CASES >= LEAST_INPUTS


@pytest.fixture(scope="module")
def outcomes(savedmodel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What came of each reader: «WHOLE REFUSED», or how its process ended."""
    root = tmp_path_factory.mktemp("damaged") / "readers"
    for reader, sound in SOUND.items():
        (root / reader / "in").mkdir(parents=True)
        (root / reader / "in" / f"thing.{reader}").write_bytes(sound())
    shutil.copytree(savedmodel, root / "savedmodel" / "in")
    limits = [str(CASES), str(SECONDS_A_FILE), str(MEMORY_BYTES)]
    done = subprocess.run(
        [sys.executable, "-c", DAMAGE, str(root), *limits],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ends = dict(line.split() for line in done.stdout.splitlines())
    texts = {name: Path(f"{root}.{name}.txt") for name in ends}
    return {
        name: texts[name].read_text() if texts[name].exists() else f"ended with {status}"
        for name, status in ends.items()
    }


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_is_refused_with_words_or_read_whole(
    reader: str, outcomes: dict[str, str]
) -> None:
    words = outcomes[reader].split()
    assert len(words) == 2 and all(map(str.isdigit, words)), outcomes[reader][-2000:]  # noqa: PT018
    whole, refused = map(int, words)
    assert whole + refused == CASES
    assert refused > 0
