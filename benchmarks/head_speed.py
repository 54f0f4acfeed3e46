"""How fast do heads train, against the straightforward PyTorch loop and Keras `fit`?

Usage: .venv/bin/python benchmarks/head_speed.py [--seeds 20] [--torch PYTHON] [--keras PYTHON]

Three questions, one run, the same 208 × 1,280 numbers in five classes at batch 16:
1. Milliseconds for one step of one head: ours with heads side by side on all cores; a PyTorch loop
   and Keras `fit`, each in its own interpreter with all cores, as one would write them; and the
   PyTorch loop at its best on one head: one thread (two wait for each other), Adam fused.
2. Seconds for the study's two grids (13 epoch counts, 11 learning rates) × seeds.
3. The same on one core, so that the cost of a step can be read off.

The numbers are drawn, not the study's: speed does not depend on them. A busy machine slows all
three; processor seconds, which suffer less, stand beside wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

N, D, C, BATCH = 246, 1280, 5, 16
STEPS_AN_EPOCH = 13  # 208 of 246 photos are trained on

TORCH = """
import sys, time, numpy as np, torch
z = np.load(sys.argv[1]); epochs = int(sys.argv[2])
if len(sys.argv) > 3:
    torch.set_num_threads(int(sys.argv[3]))
fused = {"fused": True} if sys.argv[4:] == ["fused"] else {}
x, y = torch.tensor(z["x"][:208]), torch.tensor(z["y"][:208])
def train(epochs):
    model = torch.nn.Sequential(torch.nn.Linear(1280, 100), torch.nn.ReLU(),
                                torch.nn.Linear(100, 5, bias=False))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, **fused)
    loss_of = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        for i in range(0, 208, 16):
            optimiser.zero_grad()
            loss = loss_of(model(x[i:i + 16]), y[i:i + 16])
            loss.backward()
            optimiser.step()
train(3)
wall, cpu = time.perf_counter(), time.process_time()
train(epochs)
steps = 13 * epochs
print((time.perf_counter() - wall) / steps * 1e3, (time.process_time() - cpu) / steps * 1e3)
"""

KERAS = """
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, keras
z = np.load(sys.argv[1]); epochs = int(sys.argv[2])
x, y = z["x"][:208], np.eye(5)[z["y"][:208]]
model = keras.Sequential([keras.layers.Dense(100, activation="relu"),
                          keras.layers.Dense(5, activation="softmax", use_bias=False)])
model.compile(optimizer=keras.optimizers.Adam(0.001), loss="categorical_crossentropy",
              metrics=["accuracy"])
def train(epochs):
    model.fit(x, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0)
train(3)
wall, cpu = time.perf_counter(), time.process_time()
train(epochs)
steps = 13 * epochs
print((time.perf_counter() - wall) / steps * 1e3, (time.process_time() - cpu) / steps * 1e3)
"""


def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N) % C
    x = rng.normal(size=(C, D))[y] + 3 * rng.normal(size=(N, D))
    return np.maximum(x, 0).astype(np.float32), y


def ours(x: np.ndarray, y: np.ndarray, *, epochs: int, heads: int, workers: int) -> list[float]:
    from mien.head.fit import fit
    from mien.head.recipe import recipe_from

    def train(epochs: int, seeds: range) -> None:
        recipe = recipe_from("teachable-machine", epochs=epochs)
        fit(x, mirrored=None, y=y, recipe=recipe, seeds=seeds, n_classes=C, workers=workers)

    train(1, range(1))
    wall, cpu = time.perf_counter(), time.process_time()
    train(epochs, range(heads))
    steps = STEPS_AN_EPOCH * epochs * heads
    return [
        (time.perf_counter() - wall) / steps * 1e3,
        (time.process_time() - cpu) / steps * 1e3,
    ]


def theirs(
    python: Path, code: str, data: Path, *, epochs: int, more: tuple[str, ...] = ()
) -> list[float] | None:
    if not python.is_file():
        return None
    done = subprocess.run(
        [str(python), "-c", code, str(data), str(epochs), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    return [float(word) for word in done.stdout.split()[-2:]]


def grids(x: np.ndarray, y: np.ndarray, *, seeds: int, folder: Path) -> dict[str, float]:
    """The engine of `mien study --preset paper` on embeddings that are there, disk included."""
    from mien.head.recipe import RECIPES
    from mien.studies.engine import carry_out
    from mien.studies.executors import threads
    from mien.studies.grid import cells_of, preset
    from mien.studies.jobs import Embeddings, Material, jobs_of, look_of
    from mien.studies.store import Store

    recipe = RECIPES["teachable-machine"]
    cells = cells_of(recipe, preset("paper"))
    look = Embeddings(train=x, train_mirrored=None, test=x[:30], test_mirrored=None)
    material = Material(looks={look_of(recipe): look}, y=y, n_classes=C, folds=5)
    store = Store.open(folder, material="drawn", plan={})
    jobs = jobs_of(cells, seeds=range(seeds))
    wall, cpu = time.perf_counter(), time.process_time()
    runs = carry_out(jobs, material=material, store=store, way=threads)
    steps = sum(max(cell.recipe.epochs for cell in job.cells) for job in jobs) * STEPS_AN_EPOCH
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "n_runs": len(runs),
        "n_steps": steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--torch", type=Path, default=Path("../trainenv/bin/python"))
    parser.add_argument("--keras", type=Path, default=Path("../tfenv/bin/python"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/head_speed"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    x, y = drawn()
    data = arguments.out / "drawn.npz"
    np.savez(data, x=x, y=y)
    cores, epochs = os.cpu_count() or 1, arguments.epochs
    result: dict[str, object] = {"cores": cores, "load": os.getloadavg()}
    one = {
        "ours, all cores": ours(x, y, epochs=epochs, heads=2 * cores, workers=cores),
        "ours, one core": ours(x, y, epochs=epochs, heads=2, workers=1),
        "PyTorch loop": theirs(arguments.torch, TORCH, data, epochs=epochs),
        "PyTorch, 1 thread": theirs(arguments.torch, TORCH, data, epochs=epochs, more=("1",)),
        "1 thread and fused": theirs(
            arguments.torch, TORCH, data, epochs=epochs, more=("1", "fused")
        ),
        "Keras fit": theirs(arguments.keras, KERAS, data, epochs=epochs),
    }
    best = one["ours, all cores"]
    assert best is not None
    print(f"{'':18} wall ms   cpu ms   a head and step · times ours (wall)")
    for name, pair in one.items():
        text = (
            "not there"
            if pair is None
            else (f"{pair[0]:7.3f}  {pair[1]:7.3f}   {pair[0] / best[0]:5.1f}")
        )
        print(f"{name:18} {text}", flush=True)
    result["ms_a_step"] = one
    if arguments.seeds:
        found = grids(x, y, seeds=arguments.seeds, folder=arguments.out / f"study-{time.time_ns()}")
        result["grids"] = found
        print(
            f"two grids x {arguments.seeds} seeds: {found['wall_s']:.0f} s wall, "
            f"{found['cpu_s']:.0f} s of processors, {found['n_runs']} runs"
        )
    result["load_after"] = os.getloadavg()
    (arguments.out / "head_speed.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
