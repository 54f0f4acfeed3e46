"""How long does it take to embed a folder of photos, against the obvious Keras scripts?

Whole processes, cold (no cache), one after the other in turn, on the same photos and weights:

mien            `mien.backbone.embed`, as every verb uses it
keras photo     Teachable Machine's own snippet: Pillow, then ``model.predict`` for each photo
keras batch     the same, all photos in one ``model.predict``

TensorFlow has its own environment: ``--keras-python`` names its interpreter. Prints a table,
writes JSON. The embeddings are compared too: a fast answer that is another one is worth nothing.

    MIEN_MIRROR=../shared/models .venv/bin/python benchmarks/embed.py \
        --photos ../shared/paper/train --keras-python /opt/tf/bin/python --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mien.backbone.weights import load_backbone, to_npz

MIEN = """
import sys
from pathlib import Path
import numpy as np
from mien.backbone.embed import embed
from mien.backbone.weights import load_backbone
from mien.cache import Cache
from mien.dataset.folder import read_dataset
from mien.image.preprocessing import Preprocessing
from mien.image.catalogue import TEACHABLE_MACHINE
photos, folder = map(Path, sys.argv[1:3])
dataset = read_dataset(photos)
with Cache.open(folder) as cache:
    found = embed(dataset.photos, backbone=load_backbone("mobilenet-v2-0.35"), find_face=None,
                  preprocessing=Preprocessing.parse(TEACHABLE_MACHINE), cache=cache)
assert not found.rejects
np.savez(folder / "values.npz", names=[p.name for p in found.photos], values=found.values)
"""

KERAS = """
import sys
from pathlib import Path
import numpy as np
import keras
from PIL import Image, ImageOps
photos, folder = map(Path, sys.argv[1:3])
model = keras.applications.MobileNetV2(
    input_shape=(224, 224, 3), alpha=0.35, include_top=False, weights=None, pooling="avg")
stored = np.load(folder / "weights.npz")
for layer in model.layers:
    if layer.weights:
        names = [w.name for w in layer.weights]
        kernel = "depthwise_kernel" if f"{layer.name}/depthwise_kernel" in stored else "kernel"
        layer.set_weights([
            stored[f"{layer.name}/{kernel if name == 'kernel' else name}"] for name in names])
def read(path):
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image = ImageOps.fit(image, (224, 224), Image.Resampling.LANCZOS)
    return np.asarray(image).astype(np.float32) / 127.5 - 1
paths = sorted(p for p in photos.glob("[!.]*/*") if p.is_file())
if sys.argv[3] == "photo":
    values = np.concatenate([model.predict(read(p)[None], verbose=0) for p in paths])
else:
    values = model.predict(np.stack([read(p) for p in paths]), verbose=0)
names = [p.relative_to(photos).as_posix() for p in paths]
np.savez(folder / "values.npz", names=names, values=values)
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(command[:1])} failed:\n{done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def values_in(folder: Path) -> dict[str, np.ndarray]:
    import unicodedata

    with np.load(folder / "values.npz") as stored:
        names = [unicodedata.normalize("NFC", name) for name in stored["names"]]
        return dict(zip(names, stored["values"], strict=True))


def commands(photos: Path, keras: str | None) -> dict[str, list[str]]:
    found = {"mien": [sys.executable, "-c", MIEN, str(photos)]}
    if keras:
        found["keras photo"] = [keras, "-c", KERAS, str(photos), "photo"]
        found["keras batch"] = [keras, "-c", KERAS, str(photos), "batch"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=Path("../shared/paper/train"))
    parser.add_argument("--keras-python", help="an interpreter that has tensorflow and pillow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/embed.json"))
    given = parser.parse_args()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    weights = to_npz(load_backbone("mobilenet-v2-0.35").weights)
    seconds: dict[str, list[tuple[float, float]]] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for _ in range(given.rounds):
        for name, command in commands(given.photos, given.keras_python).items():
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "weights.npz").write_bytes(weights)
                took = timed([*command[:4], folder, *command[4:]])
                values[name] = values_in(Path(folder))
            seconds.setdefault(name, []).append(took)
            print(f"{name:12} {took[0]:6.2f} s wall {took[1]:6.2f} s processor", flush=True)
    report(seconds, values, given.out)


def report(
    seconds: dict[str, list[tuple[float, float]]],
    values: dict[str, dict[str, np.ndarray]],
    out: Path,
) -> None:
    own = statistics.median(wall for wall, _ in seconds["mien"])
    rows = {}
    for name, took in seconds.items():
        shared = values["mien"].keys() & values[name].keys()
        rows[name] = {
            "n": len(values[name]),
            "wall_s": statistics.median(wall for wall, _ in took),
            "processor_s": statistics.median(cpu for _, cpu in took),
            "times_mien": statistics.median(wall for wall, _ in took) / own,
            "n_compared": len(shared),
            "max_abs_diff": max(
                float(np.abs(values[name][k] - values["mien"][k]).max()) for k in shared
            ),
        }
        print(name, json.dumps(rows[name]))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
