"""The plots of a run's page, each from a piece of its JSON document: seeds, reliability, epochs.

Law: as in `figures`: nothing is computed here but positions; accuracies are drawn from 0 to 100 %,
never on a cut axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.reports.figures import PERCENT_TICKS, percent
from mien.reports.svg import WIDTH, Plot
from mien.reports.words import ENGLISH, Words


def seeds(runs: Sequence[Mapping[str, Any]], *, t: Words = ENGLISH, width: float = WIDTH) -> str:
    """Held-out and test accuracy of every seed, each with its interval, side by side.

    Args:
        runs: Each with ``seed``, ``held_out`` and ``test``, estimates or None.
        t: The page's words.
        width: Of the plot, in units.
    """
    plot = Plot(
        width=width,
        title=t("Accuracy of every seed on held-out and on test photos"),
        x=(-0.7, len(runs) - 0.3),
        y=(0, 1),
        x_label=t("seed"),
        y_label=t("accuracy"),
        height=260,
    )
    plot.y_ticks(PERCENT_TICKS)
    every = -(-len(runs) // int(width / 31))
    plot.x_ticks([(i, str(run["seed"])) for i, run in enumerate(runs) if i % every == 0])
    for i, run in enumerate(runs):
        for key, name, shift in (
            ("held_out", t("held-out photos"), -0.14),
            ("test", t("test photos"), 0.14),
        ):
            estimate = run[key]
            if estimate is None:
                continue
            style = key.replace("_", "-")
            plot.interval(i + shift, estimate["low"], estimate["high"], style=f"ci {style}")
            words = f"{t('seed')} {run['seed']}, {name}: {percent(estimate['value'])}"
            plot.dots([(i + shift, estimate["value"], words)], style=f"dot {style}", radius=4)
    return plot.svg()


def reliability(document: Mapping[str, Any], *, t: Words = ENGLISH, width: float = WIDTH) -> str:
    """How often answers are right against how sure they are."""
    plot = Plot(
        width=width,
        title=t("How often answers are right, by how sure they are"),
        x=(0, 1),
        y=(0, 1),
        x_label=t("probability of the answer"),
        y_label=t("share that is right"),
        height=300,
    )
    plot.y_ticks(PERCENT_TICKS)
    plot.x_ticks(PERCENT_TICKS)
    plot.line([(0, 0), (1, 1)], style="ideal")
    for one in document["bins"]:
        if not one["n"]:
            continue
        right = one["correct"] / one["n"]
        if one["accuracy"] is not None:
            plot.interval(
                one["mean_prob"], one["accuracy"]["low"], one["accuracy"]["high"], style="ci test"
            )
        words = t(
            "{k} of {n} right, {share} sure",
            k=one["correct"],
            n=one["n"],
            share=percent(one["mean_prob"]),
        )
        plot.dots([(one["mean_prob"], right, words)], style="dot test", radius=3 + one["n"] ** 0.5)
    return plot.svg()


def loss_curves(
    history: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    key: str,
    t: Words = ENGLISH,
    width: float = WIDTH,
) -> str:
    """A figure of every epoch, for all seeds: thin lines, training and validation.

    Args:
        history: Seed -> the figures of its epochs, as in ``history.json``.
        key: ``"loss"`` or ``"accuracy"``.
        t: The page's words.
        width: Of the plot, in units.
    """
    runs = [run for run in history.values() if run and run[f"train_{key}"]]
    n_epochs = max(len(run[f"train_{key}"]) for run in runs)
    all_values = [
        value
        for run in runs
        for part in ("train", "validation")
        for value in run[f"{part}_{key}"]
        if value is not None
    ]
    top = 1.0 if key == "accuracy" else max(all_values, default=1.0) * 1.05
    plot = Plot(
        width=width,
        title=t("{what} of each epoch, training and held-out photos", what=t(key)),
        x=(1, max(2, n_epochs)),
        y=(0, top),
        x_label=t("epoch"),
        y_label=t(key),
        height=260,
    )
    if key == "accuracy":
        plot.y_ticks(PERCENT_TICKS)
    else:
        plot.y_ticks([(top * part / 4, f"{top * part / 4:.2g}") for part in range(5)])
    plot.x_ticks([(tick, str(tick)) for tick in _whole_ticks(n_epochs, width)])
    for part, style in (("train", "curve-train"), ("validation", "curve-validation")):
        for run in runs:
            values = [(i + 1, v) for i, v in enumerate(run[f"{part}_{key}"]) if v is not None]
            if len(values) > 1:
                plot.line(values, style=style)
    return plot.svg()


def mean_curve(curve: Mapping[str, Any], *, t: Words = ENGLISH, width: float = WIDTH) -> str:
    """Mean loss over seeds, epoch by epoch, of one cell of a study."""
    parts = {key: curve[f"{key}_loss"] for key in ("train", "validation")}
    told = [value for values in parts.values() for value in values if value is not None]
    top = max(told, default=1.0) * 1.05
    plot = Plot(
        width=width,
        title=t("Loss of each epoch, {name}", name=curve["name"]),
        x=(curve["epochs"][0], curve["epochs"][-1]),
        y=(0, top),
        x_label=t("epoch"),
        y_label=t("loss"),
        height=240,
    )
    plot.y_ticks([(top * part / 4, f"{top * part / 4:.2g}") for part in range(5)])
    plot.x_ticks([(tick, str(tick)) for tick in _whole_ticks(curve["epochs"][-1], width)])
    for key, values in parts.items():
        line = [(e, v) for e, v in zip(curve["epochs"], values, strict=False) if v is not None]
        if len(line) > 1:
            plot.line(line, style=f"curve-{key} thick")
    return plot.svg()


def _whole_ticks(n: int, width: float) -> list[int]:
    most = width / 75
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if n / s <= most)
    return [1, *range(step, n + 1, step)] if step > 1 else list(range(1, n + 1))
