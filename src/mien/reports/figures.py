"""The plots of the report pages, each from a piece of a verb's JSON document.

Law: nothing is computed here but positions; what is drawn stands in the document. Accuracies are
drawn from 0 to 100 %, never on a cut axis. Each takes a `width` in units: a page shows a narrow one
on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.exam.words import number
from mien.reports.svg import WIDTH, Plot, log_ticks
from mien.reports.words import ENGLISH, Words

_PERCENT = [(tick / 100, f"{tick} %") for tick in range(0, 101, 20)]
# Room to the left and right of the outermost values, on a log axis.
_MARGIN = 1.12


def sweep(document: Mapping[str, Any], *, chance: float, width: float = WIDTH) -> str:
    """Accuracy against a setting: seeds as dots, bands, printed and measured points on top.

    Args:
        document: One of the sweeps of a reproduction.
        chance: Accuracy of guessing.
        width: Of the plot, in units.
    """
    points = document["points"]
    what = {"epochs": "epochs", "learning_rate": "learning rate"}[document["setting"]]
    values = [point["value"] for point in points]
    plot = Plot(
        width=width,
        title=f"Test accuracy against {what}, printed, measured and over seeds",
        x=(values[0] / _MARGIN, values[-1] * _MARGIN),
        y=(0, 1),
        x_label=what,
        y_label="test accuracy",
        x_scale="log",
    )
    plot.y_ticks(_PERCENT)
    plot.x_ticks([(value, number(value)) for value in log_ticks(values, width=width)])
    _seed_bands(plot, [(point["value"], point["seeds"]) for point in points])
    for point in points:
        plot.dots(
            [(point["value"], share, _percent(share)) for share in point["accuracies"]],
            style="seed",
            radius=2.4,
        )
    plot.level(chance, f"guessing {_percent(chance)}", style="chance")
    plot.level(document["luck"], f"best of {len(points)} by luck", style="luck")
    plot.dots(
        [
            (
                point["value"],
                point["measured"]["value"],
                f"its model at {point['value']:g}: {point['measured_correct']} right",
            )
            for point in points
            if point["measured"]
        ],
        style="measured",
        radius=7,
    )
    plot.diamonds(
        [
            (point["value"], point["printed"], f"printed {_percent(point['printed'])}")
            for point in points
            if point["printed"] is not None
        ],
        style="printed",
    )
    return plot.svg()


def loss_curves(
    history: Mapping[str, Mapping[str, Sequence[float]]], *, key: str, width: float = WIDTH
) -> str:
    """A figure of every epoch, for all seeds: thin lines, training and validation.

    Args:
        history: Seed -> the figures of its epochs, as in ``history.json``.
        key: ``"loss"`` or ``"accuracy"``.
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
        title=f"{key} of each epoch, training and held-out photos",
        x=(1, max(2, n_epochs)),
        y=(0, top),
        x_label="epoch",
        y_label=key,
        height=260,
    )
    if key == "accuracy":
        plot.y_ticks(_PERCENT)
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


def seeds(runs: Sequence[Mapping[str, Any]], *, width: float = WIDTH) -> str:
    """Held-out and test accuracy of every seed, each with its interval, side by side.

    Args:
        runs: Each with ``seed``, ``held_out`` and ``test``, estimates or None.
        width: Of the plot, in units.
    """
    plot = Plot(
        width=width,
        title="Accuracy of every seed on held-out and on test photos",
        x=(-0.7, len(runs) - 0.3),
        y=(0, 1),
        x_label="seed",
        y_label="accuracy",
        height=260,
    )
    plot.y_ticks(_PERCENT)
    every = -(-len(runs) // int(width / 31))
    plot.x_ticks([(i, str(run["seed"])) for i, run in enumerate(runs) if i % every == 0])
    for i, run in enumerate(runs):
        for key, shift in (("held_out", -0.14), ("test", 0.14)):
            estimate = run[key]
            if estimate is None:
                continue
            name = key.replace("_", "-")
            plot.interval(i + shift, estimate["low"], estimate["high"], style=f"ci {name}")
            words = f"seed {run['seed']}, {name} {_percent(estimate['value'])}"
            plot.dots([(i + shift, estimate["value"], words)], style=f"dot {name}", radius=4)
    return plot.svg()


def reliability(document: Mapping[str, Any], *, width: float = WIDTH) -> str:
    """How often answers are right against how sure they are."""
    plot = Plot(
        width=width,
        title="How often answers are right, by how sure they are",
        x=(0, 1),
        y=(0, 1),
        x_label="probability of the answer",
        y_label="share that is right",
        height=300,
    )
    plot.y_ticks(_PERCENT)
    plot.x_ticks(_PERCENT)
    plot.line([(0, 0), (1, 1)], style="ideal")
    for one in document["bins"]:
        if not one["n"]:
            continue
        right = one["correct"] / one["n"]
        if one["accuracy"] is not None:
            plot.interval(
                one["mean_prob"], one["accuracy"]["low"], one["accuracy"]["high"], style="ci test"
            )
        words = f"{one['correct']} of {one['n']} right, {_percent(one['mean_prob'])} sure"
        plot.dots([(one["mean_prob"], right, words)], style="dot test", radius=3 + one["n"] ** 0.5)
    return plot.svg()


def learning(document: Mapping[str, Any], *, width: float = WIDTH) -> str:
    """Accuracy against photos per class, and the forecast at twice as many.

    Args:
        document: The JSON document of `mien curve`.
        width: Of the plot, in units.
    """
    points, forecast = document["points"], document["forecast"]
    sizes = [point["per_class"] for point in points]
    last = forecast["per_class"] if forecast else sizes[-1]
    plot = Plot(
        width=width,
        title="Accuracy against photos per class",
        x=(sizes[0] / _MARGIN, last * _MARGIN),
        y=(0, 1),
        x_label="photos per class",
        y_label="accuracy",
        x_scale="log",
    )
    plot.y_ticks(_PERCENT)
    plot.x_ticks([(size, number(size)) for size in log_ticks([*sizes, last], width=width)])
    plot.band([(one["per_class"], one["low"], one["high"]) for one in points], style="band-range")
    plot.line([(one["per_class"], one["mean"]) for one in points], style="mean")
    plot.dots(
        [
            (one["per_class"], one["mean"], f"{one['n_photos']} photos: {_percent(one['mean'])}")
            for one in points
        ],
        style="dot test",
    )
    if forecast:
        there = forecast["accuracy"]
        plot.line([(sizes[-1], points[-1]["mean"]), (last, there["value"])], style="ideal")
        plot.interval(last, there["low"], there["high"], style="ci forecast")
        words = f"forecast: {_percent(there['value'])}"
        plot.dots([(last, there["value"], words)], style="measured", radius=6)
    return plot.svg()


def grid(
    cells: Sequence[Mapping[str, Any]],
    *,
    setting: str,
    printed: Mapping[float, float],
    t: Words = ENGLISH,
    width: float = WIDTH,
) -> str:
    """Accuracy of a study's cells along one numeric setting, with bands over seeds.

    Args:
        cells: Each with ``value``, ``mean``, ``sd``, ``low`` and ``high``.
        setting: Its name.
        printed: Value -> published accuracy, drawn on top.
        t: The page's words.
        width: Of the plot, in units.
    """
    values = [cell["value"] for cell in cells]
    log = values[0] > 0 and values[-1] / values[0] > 10
    name = t(setting.replace("_", " "))
    room = (values[-1] - values[0]) * 0.04 or 1.0
    plot = Plot(
        width=width,
        title=t("Test accuracy against {setting}, over seeds", setting=name),
        x=(values[0] / _MARGIN, values[-1] * _MARGIN)
        if log
        else (values[0] - room, values[-1] + room),
        y=(0, 1),
        x_label=name,
        y_label=t("accuracy"),
        x_scale="log" if log else "linear",
    )
    plot.y_ticks(_PERCENT)
    ticks = log_ticks(values, width=width) if log else values
    plot.x_ticks([(value, number(value)) for value in ticks])
    spreads = [
        (
            cell["value"],
            {"mean": cell["mean"], "sd": cell["sd"], "min": cell["low"], "max": cell["high"]},
        )
        for cell in cells
    ]
    _seed_bands(plot, spreads)
    plot.dots(
        [(cell["value"], cell["mean"], _percent(cell["mean"])) for cell in cells],
        style="dot test",
    )
    plot.diamonds(
        [
            (value, printed[value], t("published {share}", share=_percent(printed[value])))
            for value in map(float, values)
            if value in printed
        ],
        style="printed",
    )
    return plot.svg()


def _seed_bands(plot: Plot, spreads: Sequence[tuple[float, Mapping[str, Any]]]) -> None:
    """Least to most, mean ± standard deviation, and the mean, over seeds."""
    plot.band([(x, one["min"], one["max"]) for x, one in spreads], style="band-range")
    with_sd = [(x, one) for x, one in spreads if one["sd"] is not None]
    if with_sd:
        plot.band(
            [
                (x, max(0, one["mean"] - one["sd"]), min(1, one["mean"] + one["sd"]))
                for x, one in with_sd
            ],
            style="band-sd",
        )
    plot.line([(x, one["mean"]) for x, one in spreads], style="mean")


def _whole_ticks(n: int, width: float) -> list[int]:
    most = width / 75
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if n / s <= most)
    return [1, *range(step, n + 1, step)] if step > 1 else list(range(1, n + 1))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
