"""Do the intervals cover what they promise? A simulation for each kind of interval.

``python benchmarks/coverage.py [--rounds 4000]`` prints a table and writes
``benchmarks/out/coverage.json``. Coverage is the share of simulated test sets, in percent, whose
95 % interval holds the true figure; with 4,000 rounds its standard error is 0.35 points.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mien.exam.metrics import balanced_accuracy_score, confusion, confusion_cells, macro_f1_score
from mien.records import Interval
from mien.stats import (
    bootstrap_interval,
    clopper_pearson,
    clustered_share,
    corrected_resampled_t,
    difference_interval,
    paired_difference,
    share,
    t_interval,
    wilson,
)

OUT = Path(__file__).parent / "out" / "coverage.json"
Rounds = Iterator[tuple[Interval, float]]


def shares(method: Callable[..., Interval], n: int) -> Callable[[np.random.Generator, int], Rounds]:
    """Test sets of `n` photos, the true accuracy drawn evenly from 20 to 95 %."""

    def rounds(rng: np.random.Generator, count: int) -> Rounds:
        for true in rng.uniform(0.2, 0.95, size=count):
            yield method(int(rng.binomial(n, true)), n), true

    return rounds


def over_persons(rng: np.random.Generator, count: int) -> Rounds:
    """40 persons with 1 to 6 photos each; a person's photos are alike (intra-class 0.2)."""
    for _ in range(count):
        sizes = rng.integers(1, 7, size=40)
        of_person = rng.beta(2.4, 1.6, size=40)  # mean 0.6, variance 0.048 of 0.24
        persons = np.repeat(np.arange(40), sizes)
        right = rng.random(persons.size) < of_person[persons]
        yield clustered_share(right, clusters=persons.astype(str).tolist()), 0.6


def scores(metric: Callable[[np.ndarray], np.ndarray], n: int):
    """Five classes answered right in 40 to 80 %; the truth is the metric on 500,000 photos."""
    recalls = np.array([0.8, 0.7, 0.6, 0.5, 0.4])
    answers = np.full((5, 5), 0.0)
    for i, recall in enumerate(recalls):
        answers[i] = (1 - recall) / 4
        answers[i, i] = recall
    whole = np.zeros((1, 5, 6), dtype=int)
    whole[0, :, :5] = np.round(100_000 * answers)
    true = float(metric(whole)[0])

    def rounds(rng: np.random.Generator, count: int) -> Rounds:
        for _ in range(count):
            y_true = np.repeat(np.arange(5), n // 5)
            y_pred = (rng.random((n, 1)) > answers[y_true].cumsum(axis=1)).sum(axis=1)
            cells = confusion_cells(y_true, y_pred=np.minimum(y_pred, 4), n_classes=5)
            statistic = lambda w, cells=cells: metric(confusion(w, cells=cells, n_classes=5))  # noqa: E731
            yield bootstrap_interval(statistic, n, rng=rng), true

    return rounds


def over_seeds(rng: np.random.Generator, count: int) -> Rounds:
    for _ in range(count):
        yield t_interval(rng.normal(0.49, 0.07, size=20)), 0.49


def two_groups(rng: np.random.Generator, count: int) -> Rounds:
    for a, b in rng.uniform(0.2, 0.95, size=(count, 2)):
        counted = (share(int(rng.binomial(n, p)), n) for n, p in ((20, a), (35, b)))
        yield difference_interval(*counted), a - b


def paired(rng: np.random.Generator, count: int) -> Rounds:
    for _ in range(count):
        both, only_a, only_b, _neither = rng.multinomial(60, [0.4, 0.2, 0.1, 0.3])
        a, b = np.zeros(60, dtype=bool), np.zeros(60, dtype=bool)
        a[: both + only_a] = True
        b[:both] = True
        b[both + only_a : both + only_a + only_b] = True
        yield paired_difference(a, correct_b=b, rng=rng), 0.1


def repeated_folds(rng: np.random.Generator, count: int) -> Rounds:
    """10 × 10-fold cross-validation of a nearest-mean classifier on 100 photos of two classes.

    The truth is its accuracy, trained on 90 such photos, on endless new ones, over training sets.
    """
    true = np.mean([_fresh_accuracy(rng) for _ in range(3000)])
    for _ in range(min(count, 1000)):
        x, y = _photos(rng, 100)
        found = []
        for _ in range(10):
            order = rng.permutation(100)
            for fold in range(10):
                test = order[fold::10]
                train = np.setdiff1d(order, test)
                found.append(np.mean(_nearest(x[train], y[train], x[test]) == y[test]))
        yield corrected_resampled_t(found, n_train=90, n_test=10).interval, float(true)


def _photos(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    return rng.normal(size=(n, 5)) + 0.6 * y[:, None] * np.array([1, 1, 0, 0, 0]), y


def _nearest(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    means = np.stack([x[y == c].mean(axis=0) for c in (0, 1)])
    return ((new[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)


def _fresh_accuracy(rng: np.random.Generator) -> float:
    x, y = _photos(rng, 90)
    new, truth = _photos(rng, 500)
    return float(np.mean(_nearest(x, y, new) == truth))


CASES: dict[str, Callable[[np.random.Generator, int], Rounds]] = {
    "Wilson, 6 photos": shares(wilson, 6),
    "Wilson, 30 photos": shares(wilson, 30),
    "Wilson, 300 photos": shares(wilson, 300),
    "Clopper-Pearson, 30 photos (conservative)": shares(clopper_pearson, 30),
    "Wilson over 40 persons": over_persons,
    "Newcombe, two groups of 20 and 35": two_groups,
    "bootstrap of macro-F1, 100 photos": scores(macro_f1_score, 100),
    "bootstrap of macro-F1, 300 photos": scores(macro_f1_score, 300),
    "bootstrap of balanced accuracy, 100 photos": scores(balanced_accuracy_score, 100),
    "bootstrap of balanced accuracy, 300 photos": scores(balanced_accuracy_score, 300),
    "paired bootstrap, 60 photos": paired,
    "t over 20 seeds": over_seeds,
    "corrected resampled t, 10 x 10 folds": repeated_folds,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--only", default="", help="only the rows whose name holds this")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    rows = []
    print(f"{'interval (95 %)':<46} coverage  below  above   width")
    for number, (name, case) in enumerate(CASES.items()):
        if arguments.only not in name:
            continue
        began = time.monotonic()
        found = [(i.low, i.high, true) for i, true in case(np.random.default_rng(number), rounds)]
        low, high, true = np.array(found).T
        row = {
            "name": name,
            "rounds": len(found),
            "coverage": float(np.mean((low <= true) & (true <= high))),
            "too_high": float(np.mean(true < low)),
            "too_low": float(np.mean(true > high)),
            "width": float(np.mean(high - low)),
            "seconds": round(time.monotonic() - began, 1),
        }
        rows.append(row)
        print(
            f"{name:<46} {100 * row['coverage']:7.1f}  {100 * row['too_high']:5.1f}  "
            f"{100 * row['too_low']:5.1f}   {row['width']:.3f}",
            flush=True,
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
