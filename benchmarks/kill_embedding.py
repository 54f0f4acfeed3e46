"""Is the cache ever wrong after kill -9 at a random moment of embedding?

Draws photos, embeds them in a process that is killed twenty times, each time at another random
moment, and runs it once more to the end. Then every value in the cache is compared, byte for byte,
with those of a run that nobody killed. Prints a line a kill and a verdict, writes JSON.

    .venv/bin/python benchmarks/kill_embedding.py --kills 20
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

CHILD = """
import sys
from pathlib import Path
from mien.backbone.embed import embed
from mien.backbone.weights import random_backbone
from mien.cache import Cache
from mien.digest import digest_file, digest_bytes
from mien.image.preprocessing import Preprocessing
from mien.records import Photo
photos, folder = map(Path, sys.argv[1:3])
text = "orient | crop:centre | resize:96:area | scale:-1:1"
listed = [Photo(path=path, name=path.name, sha256=digest_file(path))
          for path in sorted(photos.glob("*.jpg"))]
with Cache.open(folder, say=lambda sentence: print("SAID", sentence, flush=True)) as cache:
    found = embed(listed, backbone=random_backbone(0, size_px=96), find_face=None, mirrored=True,
                  preprocessing=Preprocessing.parse(text), cache=cache,
                  progress=lambda stage, done, total: print(done, flush=True))
print("done", found.n_embedded, len(found.photos), digest_bytes(found.values.tobytes()))
"""


def draw(folder: Path, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8))
        small.resize((640, 480)).save(folder / f"{i:04}.jpg", quality=90)


def start(photos: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(photos), str(folder)], stdout=subprocess.PIPE, text=True
    )


def entries(folder: Path) -> dict[str, bytes]:
    connection = sqlite3.connect(folder / ".mien" / "cache.sqlite")
    try:
        return dict(connection.execute("SELECT key, value FROM entry"))
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--photos", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/kill_embedding.json"))
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        photos, killed, whole = (Path(name) / part for part in ("photos", "killed", "whole"))
        for folder in (photos, killed, whole):
            folder.mkdir()
        draw(photos, given.photos, given.seed)
        grown = [kill_once(photos, killed, rng) for _ in range(given.kills)]
        last = start(photos, killed).communicate()[0]
        start(photos, whole).communicate()
        wrong = compare(entries(killed), entries(whole))
    said = "SAID" in last
    print(
        f"after {given.kills} kills: {last.splitlines()[-1]}; "
        f"wrong, missing or extra entries: {wrong}"
    )
    verdict = {"kills": given.kills, "entries_after_kill": grown, "wrong": wrong, "said": said}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(verdict, indent=1) + "\n")
    sys.exit(1 if wrong or said else 0)


def kill_once(photos: Path, folder: Path, rng: random.Random) -> int:
    process = start(photos, folder)
    assert process.stdout
    # Counted in photos, not in seconds, so that a busy machine is not killed while it starts.
    for _ in range(rng.randrange(1, 80)):
        if not process.stdout.readline():
            break
    time.sleep(rng.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    process.stdout.read()
    process.wait()
    n = len(entries(folder))
    print(f"killed: {n} entries in the cache", flush=True)
    return n


def compare(found: dict[str, bytes], right: dict[str, bytes]) -> int:
    return sum(found.get(key) != right.get(key) for key in found.keys() | right.keys())


if __name__ == "__main__":
    main()
