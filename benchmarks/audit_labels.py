"""Does label doubt find swapped labels better than chance? The study's photos, or any folder.

    python benchmarks/audit_labels.py ../shared/paper/train --share 0.05 --repeats 20
    python benchmarks/audit_labels.py drawn --draw 2000 --seed 11 --share 0.025 --repeats 20

The second draws that many clean photos into the folder first, where it is not there yet. Swaps a
share of the labels at random, ranks, and counts how many of the top photos were swapped, and how
many of the swapped ones are named.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from mien.audits.doubt import doubt, see
from mien.audits.trust import chances
from mien.dataset.drawn import CLASSES, draw_dataset
from mien.workflows.audit import look


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("photos", type=Path)
    arguments.add_argument("--recipe", default="expression")
    arguments.add_argument("--share", type=float, default=0.05)
    arguments.add_argument("--repeats", type=int, default=20)
    arguments.add_argument("--out", type=Path, default=Path("audit_labels.json"))
    arguments.add_argument("--draw", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=0, help="of the drawing")
    given = arguments.parse_args()
    if given.draw and not given.photos.is_dir():
        draw_dataset(given.photos, n_per_class=given.draw // len(CLASSES), seed=given.seed)
    view, _ = look(given.photos, test=None, recipe=given.recipe)
    part, n_classes = view.train, len(view.train.dataset.classes)
    y_true, units = part.y[part.embedded], view.units[part.embedded]
    n, precisions, suspects, sure = len(y_true), [], [], []
    k = round(given.share * n)
    seen = see(part.averaged, faces=part.gradients, rng=np.random.default_rng(0))
    for seed in range(given.repeats):
        rng = np.random.default_rng(seed)
        swapped = rng.choice(n, k, replace=False)
        y = y_true.copy()
        y[swapped] = (y[swapped] + rng.integers(1, n_classes, k)) % n_classes
        found = doubt(seen, y=y, units=units, n_classes=n_classes, rng=rng)
        top = np.argsort(found.rank_score, kind="stable")[:k]
        precisions.append(float(np.isin(top, swapped).mean()))
        chance = chances(
            seen, y=y, units=units, n_classes=n_classes, scores=found.rank_score, rng=rng
        )
        doubted = found.rank_score < 0
        often = np.flatnonzero(doubted & (chance >= 0.2))
        likely = np.flatnonzero(doubted & (chance >= 0.5))
        sure.append([len(likely), int(np.isin(swapped, likely).sum())])
        suspects.append([len(often), int(np.isin(swapped, often).sum())])
    answer = {
        "photos": n, "swapped": k, "precision": float(np.mean(precisions)),
        "sd": float(np.std(precisions)), "random": k / n,
        "suspected": float(np.mean([a for a, _ in suspects])),
        "share_found": float(np.sum([b for _, b in suspects]) / (k * given.repeats)),
        "swapped_among_them": float(np.mean([b for _, b in suspects])),
        "likely": float(np.mean([a for a, _ in sure])),
        "swapped_among_the_likely": float(np.mean([b for _, b in sure])),
    }  # fmt: skip
    print(json.dumps(answer, indent=1))
    given.out.write_text(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
