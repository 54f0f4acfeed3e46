"""Is a study that is killed again and again the study that was not?

Usage: .venv/bin/python benchmarks/kill_study.py [--kills 20]

Runs one small study on drawn faces to its end; then the same into another folder, killed with
SIGKILL at random moments and begun again, until `--kills` kills have hit it; then to its end. The
two records and all run files must be the same, apart from the folder's name and times.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# A worker that needs no backbone to be fetched: drawn clouds, both kinds of head.
WORKER = """
import sys
from pathlib import Path
import numpy as np
from mien.head.recipe import RECIPES
from mien.records import plain
from mien.studies.engine import carry_out
from mien.studies.executors import threads
from mien.studies.grid import cells_of, parse_vary
from mien.studies.jobs import Embeddings, Material, jobs_of, look_of
from mien.studies.store import Store
from mien.studies.summary import summarise

rng = np.random.default_rng(0)
y = np.arange(120) % 4
x = (np.eye(4, 200)[y] + rng.normal(size=(120, 200))).astype(np.float32)
recipe = RECIPES["teachable-machine"]
look = Embeddings(train=x[:80], train_mirrored=None, test=x[80:], test_mirrored=None)
material = Material(looks={look_of(recipe): look}, y=y[:80], n_classes=4, folds=5)
vary = parse_vary(["head=mlp,logistic", "epochs=100,300", "learning_rate=0.0005,0.002"])
cells = cells_of(recipe, [vary])
store = Store.open(Path(sys.argv[1]), material="drawn", plan={})
runs = carry_out(jobs_of(cells, seeds=range(int(sys.argv[2]))), material=material, store=store,
                 way=threads)
found = summarise(cells, runs, y_true=y[80:], labels=list("abcd"), tested=True)
store.finish({"cells": plain(found.cells), "runs": plain(found.runs),
              "verdict": found.judged.sentence})
"""


def start(folder: Path, seeds: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(seeds)])


def everything(folder: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in (folder / "runs").glob("[!.]*")}
    files["study.json"] = (folder / "study.json").read_bytes()
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/kill_study"))
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    whole, killed = arguments.out / "whole", arguments.out / "killed"
    began = time.monotonic()
    assert start(whole, arguments.seeds).wait() == 0
    lasts = time.monotonic() - began
    print(f"undisturbed: {lasts:.1f} s")
    rng, kills, finished = random.Random(arguments.seed), 0, 0
    while kills < arguments.kills:
        process = start(killed, arguments.seeds)
        # Up to the whole time: some kills hit the start, some the training, some the end.
        time.sleep(rng.uniform(0.3, 1.0) * lasts * (0.5 if finished else 1))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        elif process.returncode:
            raise SystemExit(f"a resumed study failed with {process.returncode}")
        else:
            # Done before it could be killed: from now on, take some runs away and go on.
            finished += 1
            for path in sorted((killed / "runs").glob("[!.]*"))[:: rng.randint(2, 5)]:
                path.unlink()
        process.wait()
    assert start(killed, arguments.seeds).wait() == 0
    same = everything(whole) == everything(killed)
    result = {"kills": kills, "finished_between": finished, "identical": same, "lasts_s": lasts}
    print(json.dumps(result))
    (arguments.out / "kill_study.json").write_text(json.dumps(result, indent=1))
    if not same:
        raise SystemExit("the killed study differs from the whole one")


if __name__ == "__main__":
    main()
