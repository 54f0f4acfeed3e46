"""How often does a study name a winner, where there is none and where there is one?

``python benchmarks/verdicts.py [--repeats 200]`` prints a table and writes
``benchmarks/out/verdicts.json``. Each repeat is a whole grid of 22 recipes × 20 seeds on one test
set. *Null*: all recipes are equally good, or the labels are shuffled, so that none can be good.
*Power*: one recipe is truly better by 15 points, on 300 test photos.

Simulated photos are easy or hard for all recipes alike, a recipe has photos it likes, and a seed
shifts a recipe by about 7 points, as measured for Teachable Machine's recipe on the study's photos.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from mien.exam import judge

OUT = Path(__file__).parent / "out" / "verdicts.json"
N_RECIPES, N_SEEDS = 22, 20


def grid(
    rng: np.random.Generator, *, shares: np.ndarray, n_seeds: int, n_photos: int
) -> list[np.ndarray]:
    """Right and wrong of every recipe, seed and photo; each recipe's true accuracy is its share."""
    difficulty = rng.normal(0, 1.0, size=n_photos)
    cells = []
    for share in shares:
        liking = rng.normal(0, 0.5, size=n_photos)
        luck = rng.normal(0, 0.2, size=(n_seeds, 1))
        noise = rng.normal(0, 0.7, size=(n_seeds, n_photos))
        # All parts are normal, so the share right is exactly Φ(edge / sd of their sum).
        edge = np.sqrt(1.0 + 0.25 + 0.04 + 0.49) * _quantile(share)
        cells.append(difficulty + liking + luck + noise < edge)
    return cells


def shuffled(rng: np.random.Generator, *, n_seeds: int, n_photos: int) -> list[np.ndarray]:
    """Answers as above, but the truth of each photo is dealt anew: 5 classes, none can be known."""
    y_true = rng.permutation(np.arange(n_photos) % 5)
    favourite = rng.integers(0, 5, size=n_photos)
    cells = []
    for _ in range(N_RECIPES):
        usual = np.where(rng.random(n_photos) < 0.6, favourite, rng.integers(0, 5, n_photos))
        answers = np.where(
            rng.random((n_seeds, n_photos)) < 0.6, usual, rng.integers(0, 5, (n_seeds, n_photos))
        )
        cells.append(answers == y_true)
    return cells


def _quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def measure(name: str, make, *, repeats: int, best: int | None) -> dict[str, object]:
    began, winners, right, lucky = time.monotonic(), 0, 0, []
    kept = 0
    for repeat in range(repeats):
        cells = make(np.random.default_rng([repeat, len(name)]))
        verdict = judge(cells, names=[str(i) for i in range(len(cells))])
        winners += verdict.winner is not None
        right += best is not None and verdict.winner == str(best)
        kept += best is None or str(best) in verdict.candidates
        lucky.append(max(cell[0].mean() for cell in cells) - np.mean([c.mean() for c in cells]))
    row: dict[str, object] = {
        "case": name,
        "repeats": repeats,
        "winner_claimed": winners / repeats,
        "best_found": None if best is None else right / repeats,
        "best_kept": None if best is None else kept / repeats,
        "best_of_single_runs_above_mean_points": float(100 * np.mean(lucky)),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(
        f"{name:<52} winner claimed {100 * winners / repeats:5.1f} %"
        + ("" if best is None else f", the right one {100 * right / repeats:5.1f} %")
        + f"; the best single run is {100 * np.mean(lucky):4.1f} points above the mean",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    equal, better = np.full(N_RECIPES, 0.5), np.full(N_RECIPES, 0.5)
    better[13] = 0.65
    rows = []
    for n_photos in (30, 300):
        rows.append(
            measure(
                f"null: 22 equal recipes, 20 seeds, {n_photos} photos",
                lambda rng, n=n_photos: grid(rng, shares=equal, n_seeds=N_SEEDS, n_photos=n),
                repeats=repeats,
                best=None,
            )
        )
        rows.append(
            measure(
                f"null: labels shuffled, 20 seeds, {n_photos} photos",
                lambda rng, n=n_photos: shuffled(rng, n_seeds=N_SEEDS, n_photos=n),
                repeats=repeats,
                best=None,
            )
        )
    rows.append(
        measure(
            "null: 2 equal recipes (the worst case), 20 seeds, 30 photos",
            lambda rng: grid(rng, shares=equal[:2], n_seeds=N_SEEDS, n_photos=30),
            repeats=5 * repeats,
            best=None,
        )
    )
    for n_seeds, n_photos in ((20, 300), (5, 300), (20, 30)):
        rows.append(
            measure(
                f"one of 22 better by 15 points, {n_seeds} seeds, {n_photos} photos",
                lambda rng, s=n_seeds, n=n_photos: grid(rng, shares=better, n_seeds=s, n_photos=n),
                repeats=repeats,
                best=13,
            )
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
