"""A finished training as its page shows it: a view of the run's record, beside the one before.

The only figures that are computed here are intervals of shares that the records state as counts,
and of their difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from mien.errors import UserError
from mien.files import read_json
from mien.records import Estimate, plain
from mien.stats import difference_interval, share
from mien.workflows.runs import HISTORY

_MOST_POINTS = 400
_ESTIMATE = tuple(field.name for field in fields(Estimate))


def training_view(
    job: Mapping[str, Any], *, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What the page shows of a training.

    Args:
        job: The record of a job that is done; its answer is what `mien train --json` prints.
        before: The record of the training before it, where there was one.
    """
    record = job["answer"]
    folds = record.get("cross_validation")
    return {
        "seconds": job["ended"] - job["began"],
        "score": _score(record, folds),
        "seeds": _curves(Path(record["run"])),
        "per_class": None if folds is None else _per_class(folds),
        "confusion": None if folds is None else _confusion(folds),
        "sentences": record["sentences"],
        "rejects": record["rejects"],
        "recipe": record["recipe"]["name"],
        "fingerprint": record["fingerprint"],
        "before": None if before is None else _change(record, before["answer"]),
    }


def _change(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any] | None:
    """What another training made different; None where either was not validated."""
    scores = [_score(one, one.get("cross_validation")) for one in (now, then)]
    if scores[0] is None or scores[1] is None:
        return None
    a, b = (Estimate(**{key: one[key] for key in _ESTIMATE}) for one in scores if one)
    # Photos come and go between trainings, so the shares are taken as those of different photos:
    # this can only widen the interval.
    interval = difference_interval(a, b)
    return {
        "score": scores[1],
        "difference": {"value": a.value - b.value, **plain(interval)},
        "n_photos": [then["n_photos"], now["n_photos"]],
        "recipe": then["recipe"]["name"],
        "per_class": _class_changes(now, then),
    }


def _class_changes(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each class that both trainings had, with its share before and now."""
    if now.get("cross_validation") is None or then.get("cross_validation") is None:
        return []
    old = {part["label"]: part for part in _per_class(then["cross_validation"])}
    return [
        {"label": part["label"], "before": old[part["label"]], "now": part}
        for part in _per_class(now["cross_validation"])
        if part["label"] in old
    ]


def _score(record: Mapping[str, Any], folds: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if folds is not None:
        return _share(_diagonal(folds), folds["n_photos"])
    saved = next(one for one in record["seeds"] if one["seed"] == record["saved_seed"])
    n = saved["n_validation"]
    if saved["validation_accuracy"] is None or not n:
        return None
    return _share(round(saved["validation_accuracy"] * n), n)


def _confusion(folds: Mapping[str, Any]) -> dict[str, Any]:
    # Photos without a face were left out of the training: all others have an answer.
    return {**folds["confusion"], "no_answer": [0] * len(folds["confusion"]["labels"])}


def _per_class(folds: Mapping[str, Any]) -> list[dict[str, Any]]:
    # One repeat: each photo was answered once, so that the shares are counts.
    rows = zip(folds["confusion"]["labels"], folds["confusion"]["matrix"], strict=True)
    parts = []
    for i, (label, row) in enumerate(rows):
        estimate = _share(row[i], sum(row)) if sum(row) else None
        parts.append({"label": label, "n": sum(row), "correct": row[i], "estimate": estimate})
    return parts


def _diagonal(folds: Mapping[str, Any]) -> int:
    return sum(row[i] for i, row in enumerate(folds["confusion"]["matrix"]))


def _share(k: int, n: int) -> dict[str, Any]:
    return {**plain(share(k, n)), "n": n}


def _curves(run: Path) -> list[dict[str, list[float]]]:
    """The history of each seed, thinned where there are more epochs than pixels."""
    try:
        history = read_json(run / HISTORY, what="training history")
    except UserError:
        return []  # the run was moved or deleted since: the rest is in the job's record
    seeds = []
    for curves in history.values():
        if curves is None:  # a logistic head has no epochs
            continue
        n = len(curves["train_loss"])
        step = max(1, -(-n // _MOST_POINTS))
        seeds.append({name: values[::step] for name, values in curves.items()})
    return [seed for seed in seeds if seed["train_loss"]]
