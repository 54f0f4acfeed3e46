"""Do verdicts keep their promise with heads that are really trained?

``python benchmarks/verdicts_real.py null --first 0 --repeats 20`` trains a grid of 22 recipes × 20
seeds on the study's photos, whose labels are shuffled anew for each repeat, and asks whether the
report names a winner. ``… power`` does the same on 300 test faces with a grid in which one recipe
is truly better by about 15 points; ``… power --seeds 5`` with fewer seeds. What is true is
measured on 1,000 faces that took no part. Each repeat is one line of
``benchmarks/out/verdicts_real/CASE.jsonl``, so that slices add up; ``… table`` sums them up.

The heads are small, which is cheap, and real: embeddings of real photos, projected on 32 axes of
their own spread, 16 hidden units, trained by `mien.studies` as `mien study` does it. The photos
come from ``../shared``; the grid's worse recipes see embeddings with noise on top.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.backbone.session import open_session
from mien.backbone.weights import load_backbone
from mien.dataset.folder import read_dataset
from mien.head.recipe import Recipe, recipe_from
from mien.records import plain
from mien.stats import wilson
from mien.studies.executors import threads
from mien.studies.grid import Cell
from mien.studies.jobs import Embeddings, Material, do, jobs_of, look_of
from mien.studies.summary import summarise
from mien.workflows.embedder import embedder_for
from mien.workflows.train import class_numbers

OUT = Path(__file__).parent / "out" / "verdicts_real"
SHARED = Path("../shared")
AXES, HIDDEN = 32, 16
RATES = (0.004, 0.012)
EPOCHS = tuple(range(2, 24, 2))
# Of FER-2013's faces, by its own labels.
CLASSES, FACES_A_CLASS = range(5), 1000
N_TRAIN, N_TEST, N_TRUTH = 208, 300, 1000
# Spread of the noise that worsens embeddings, in their own spread; gives about 15 points.
NOISE = 1.6


def recipe(rate: float, epochs: int, look: str = "clean") -> Recipe:
    return recipe_from(
        "teachable-machine", learning_rate=rate, epochs=epochs, hidden_units=HIDDEN, backbone=look
    )


def grid(look: str) -> list[Cell]:
    return [
        Cell(vary={"learning_rate": rate, "epochs": n}, recipe=recipe(rate, n, look))
        for rate in RATES
        for n in EPOCHS
    ]


def projected(x: np.ndarray) -> np.ndarray:
    """On the axes along which photos differ most, scaled as embeddings are: about 1 in all."""
    centred = x - x.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:AXES]
    values = centred @ axes.T
    return (values / values.std()).astype(np.float32)


def study_photos() -> tuple[np.ndarray, np.ndarray, int]:
    """Teachable Machine's embeddings of the study's photos: train and test, and how many train."""
    embedder = embedder_for(recipe_from("teachable-machine"))
    found = [
        (dataset, embedder.embed_dataset(dataset)[1].values)
        for dataset in (read_dataset(SHARED / "paper" / part) for part in ("train", "test"))
    ]
    y = np.concatenate([class_numbers(dataset) for dataset, _ in found])
    return projected(np.concatenate([x for _, x in found])), y, len(found[0][1])


def faces() -> tuple[np.ndarray, np.ndarray]:
    """The built-in backbone's embeddings of faces, kept beside the results."""
    kept = OUT / "faces.npz"
    if not kept.is_file():
        from PIL import Image

        stored = np.load(SHARED / "faces" / "fer2013.npz")
        rng = np.random.default_rng(0)
        rows = np.concatenate(
            [
                rng.permutation(np.flatnonzero(stored["labels"] == c))[:FACES_A_CLASS]
                for c in CLASSES
            ]
        )
        session = open_session(load_backbone("mien-expression"))
        images = np.stack(
            [np.asarray(Image.fromarray(one).resize((96, 96))) for one in stored["images"][rows]]
        )
        grey = np.repeat(images[..., None] / 127.5 - 1, 3, axis=3).astype(np.float32)
        np.savez(kept, x=projected(session.embed(grey)), y=stored["labels"][rows])
    found = np.load(kept)
    return found["x"], found["y"].astype(int)


def material(
    looks: dict[str, np.ndarray], y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> Material:
    return Material(
        looks={
            look_of(recipe(0.01, 1, name)): Embeddings(
                train=x[train], train_mirrored=None, test=x[test], test_mirrored=None
            )
            for name, x in looks.items()
        },
        y=y[train],
        n_classes=5,
        folds=5,
    )


def judged(
    cells: Sequence[Cell], given: Material, y_true: np.ndarray, *, seeds: int, n_seen: int
) -> tuple[dict[str, object], np.ndarray]:
    """The verdict on the first `n_seen` of the test rows, and each cell's accuracy on the rest."""
    jobs = jobs_of(cells, seeds=range(seeds))
    runs = {
        (run.cell, run.seed): run
        for finished in threads(do, jobs, material=given, workers=None)
        for run in finished
    }
    answers = {
        cell.key: np.array([runs[cell.key, s].predicted for s in range(seeds)]) for cell in cells
    }
    seen = {
        key: type(run)(**{**vars(run), "predicted": run.predicted[:n_seen]})
        for key, run in runs.items()
    }
    summary = summarise(cells, seen, y_true=y_true[:n_seen], labels=list("abcde"), tested=True)
    singles = [answers[cell.key][0, :n_seen] == y_true[:n_seen] for cell in cells]
    row = {
        "winner": summary.judged.winner,
        "n_candidates": len(summary.judged.candidates),
        "mean": summary.judged.mean_accuracy,
        "luck": summary.judged.luck,
        "best_single": float(max(single.mean() for single in singles)),
    }
    rest = y_true[n_seen:]
    truth = np.array(
        [(answers[c.key][:, n_seen:] == rest).mean() if len(rest) else np.nan for c in cells]
    )
    return row, truth


def null(repeat: int, seeds: int) -> dict[str, object]:
    x, y, n_train = study_photos()
    rng = np.random.default_rng([repeat, 1])
    shuffled, rows = rng.permutation(y), np.arange(len(y))
    train, test = rows[:n_train], rows[n_train:]
    given = material({"clean": x}, shuffled, train, test)
    row, _ = judged(grid("clean"), given, shuffled[test], seeds=seeds, n_seen=len(test))
    return row


def null_faces(repeat: int, seeds: int) -> dict[str, object]:
    x, y = faces()
    rng = np.random.default_rng([repeat, 2])
    rows = rng.permutation(len(y))[: N_TRAIN + 38 + N_TEST]
    train, test = rows[: N_TRAIN + 38], rows[N_TRAIN + 38 :]
    shuffled = rng.permutation(y)
    row, _ = judged(
        grid("clean"), material({"clean": x}, shuffled, train, test), shuffled[test],
        seeds=seeds, n_seen=N_TEST,
    )  # fmt: skip
    return row


def power(repeat: int, seeds: int) -> dict[str, object]:
    x, y = faces()
    rng = np.random.default_rng([repeat, 3])
    noisy = (x + np.random.default_rng(0).normal(0, NOISE, x.shape)).astype(np.float32)
    rows = rng.permutation(len(y))[: N_TRAIN + 38 + N_TEST + N_TRUTH]
    train, test = rows[: N_TRAIN + 38], rows[N_TRAIN + 38 :]
    better = Cell(vary={"backbone": "clean"}, recipe=recipe(0.004, 16))
    cells = [*grid("noisy")[:-1], better]
    row, truth = judged(
        cells, material({"clean": x, "noisy": noisy}, y, train, test), y[test],
        seeds=seeds, n_seen=N_TEST,
    )  # fmt: skip
    return {
        **row,
        "right": row["winner"] == better.name,
        "true_best": float(truth[-1]),
        "true_gap": float(truth[-1] - truth[:-1].max()),
    }


CASES = {"null": null, "null-faces": null_faces, "power": power}


def table() -> None:
    for path in sorted(OUT.glob("*.jsonl")):
        rows = {one["repeat"]: one for one in map(json.loads, path.read_text().splitlines())}
        found = list(rows.values())
        claimed = sum(one["winner"] is not None for one in found)
        whole = wilson(claimed, len(found))
        words = (
            f"{path.stem:<22} {len(found):4d} repeats, winner claimed "
            f"{100 * claimed / len(found):5.1f} % "
            f"(95 %: {100 * whole.low:.1f} to {100 * whole.high:.1f})"
        )
        if "right" in found[0]:
            right = sum(one["right"] for one in found)
            gap = np.mean([one["true_gap"] for one in found])
            words += f", the right one {100 * right / len(found):.1f} %, true gap {100 * gap:.1f}"
        lucky = np.mean([one["best_single"] - one["mean"] for one in found])
        said = np.mean([one["luck"] - one["mean"] for one in found])
        print(f"{words}; best single run {100 * lucky:+.1f} points, luck says {100 * said:+.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=[*CASES, "table"])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    if arguments.case == "table":
        table()
        return
    name = f"{arguments.case}-{arguments.seeds}"
    for repeat in range(arguments.first, arguments.first + arguments.repeats):
        began, cpu = time.monotonic(), time.process_time()
        row = CASES[arguments.case](repeat, arguments.seeds)
        row |= {"repeat": repeat, "seconds": round(time.monotonic() - began, 1)}
        row["processor_s"] = round(time.process_time() - cpu, 2)
        with (OUT / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps(plain(row)) + "\n")
        print(json.dumps(plain(row)), flush=True)


if __name__ == "__main__":
    main()
