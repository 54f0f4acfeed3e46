"""The plots of the report pages, each from a piece of a verb's JSON document.

Law: nothing is computed here but positions; what is drawn stands in the document. Accuracies are
drawn from 0 to 100 %, never on a cut axis. Each takes a `width` in units: a page shows a narrow one
on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.reports.svg import WIDTH, Plot, log_ticks
from mien.reports.words import ENGLISH, Words
from mien.words import number

PERCENT_TICKS = [(tick / 100, f"{tick} %") for tick in range(0, 101, 20)]
# Room to the left and right of the outermost values, on a log axis.
_MARGIN = 1.12


def sweep(
    document: Mapping[str, Any], *, chance: float, t: Words = ENGLISH, width: float = WIDTH
) -> str:
    """Accuracy against a setting: seeds as dots, bands, printed and measured points on top.

    Args:
        document: One of the sweeps of a reproduction.
        chance: Accuracy of guessing.
        t: The page's words.
        width: Of the plot, in units.
    """
    points = document["points"]
    what = t(document["setting"].replace("_", " "))
    values = [point["value"] for point in points]
    plot = Plot(
        width=width,
        title=t("Test accuracy against {setting}, printed, measured and over seeds", setting=what),
        x=(values[0] / _MARGIN, values[-1] * _MARGIN),
        y=(0, 1),
        x_label=what,
        y_label=t("test accuracy"),
        x_scale="log",
    )
    plot.y_ticks(PERCENT_TICKS)
    plot.x_ticks(_log_marks(values, width))
    _seed_bands(plot, [(point["value"], point["seeds"]) for point in points])
    for point in points:
        plot.dots(
            [(point["value"], share, percent(share)) for share in point["accuracies"]],
            style="seed",
            radius=2.4,
        )
    plot.level(chance, t("guessing {share}", share=percent(chance)), style="chance")
    plot.level(document["luck"], style="luck")  # its words are in the key: dots lie on the line
    plot.dots(
        [
            (
                point["value"],
                point["measured"]["value"],
                t(
                    "its model at {value}: {n} right",
                    value=f"{point['value']:g}",
                    n=point["measured_correct"],
                ),
            )
            for point in points
            if point["measured"]
        ],
        style="measured",
        radius=7,
    )
    plot.diamonds(
        [
            (
                point["value"],
                point["printed"],
                t("printed {share}", share=percent(point["printed"])),
            )
            for point in points
            if point["printed"] is not None
        ],
        style="printed",
    )
    return plot.svg()


def learning(document: Mapping[str, Any], *, t: Words = ENGLISH, width: float = WIDTH) -> str:
    """Accuracy against photos per class, and the forecast at twice as many.

    Args:
        document: The JSON document of `mien curve`.
        t: The page's words.
        width: Of the plot, in units.
    """
    points, forecast = document["points"], document["forecast"]
    sizes = [point["per_class"] for point in points]
    last = forecast["per_class"] if forecast else sizes[-1]
    plot = Plot(
        width=width,
        title=t("Accuracy against photos per class"),
        x=(sizes[0] / _MARGIN, last * _MARGIN),
        y=(0, 1),
        x_label=t("photos per class"),
        y_label=t("accuracy"),
        x_scale="log",
    )
    plot.y_ticks(PERCENT_TICKS)
    plot.x_ticks(_log_marks([*sizes, last], width))
    plot.band([(one["per_class"], one["low"], one["high"]) for one in points], style="band-range")
    plot.line([(one["per_class"], one["mean"]) for one in points], style="mean")
    plot.dots(
        [
            (
                one["per_class"],
                one["mean"],
                t("{n} photos: {share}", n=one["n_photos"], share=percent(one["mean"])),
            )
            for one in points
        ],
        style="dot test",
    )
    if forecast:
        there = forecast["accuracy"]
        plot.line([(sizes[-1], points[-1]["mean"]), (last, there["value"])], style="ideal")
        plot.interval(last, there["low"], there["high"], style="ci forecast")
        words = t("forecast: {share}", share=percent(there["value"]))
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
    plot.y_ticks(PERCENT_TICKS)
    plot.x_ticks(_log_marks(values, width) if log else [(one, number(one)) for one in values])
    spreads = [
        (
            cell["value"],
            {"mean": cell["mean"], "sd": cell["sd"], "min": cell["low"], "max": cell["high"]},
        )
        for cell in cells
    ]
    _seed_bands(plot, spreads)
    plot.dots(
        [(cell["value"], cell["mean"], percent(cell["mean"])) for cell in cells],
        style="dot test",
    )
    plot.diamonds(
        [
            (value, printed[value], t("published {share}", share=percent(printed[value])))
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


def _log_marks(values: Sequence[float], width: float) -> list[tuple[float, str]]:
    letters = max(len(number(value)) for value in values)
    return [(one, number(one)) for one in log_ticks(values, width=width, letters=letters)]


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f} %"
