"""HTML pages of runs, studies and reproductions: one self-contained file each.

A view of the JSON document: it is never the source of a number. Law: all text is escaped, nothing
is loaded from elsewhere, no script runs; light, dark, print and phone are one page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.exam.words import number
from mien.records import plain
from mien.reports import figures
from mien.reports.said import answer_in
from mien.reports.svg import NARROW
from mien.reports.words import Words, words
from mien.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
# As many wrong answers as have their nearest photos in the document.
_MOST_WRONG = 24
# Plots of a study along one setting.
_MOST_GRIDS = 4


def reproduce_page(record: Any) -> str:
    """The page of `mien reproduce`.

    Args:
        record: Its record, or the JSON document.
    """
    document = plain(record)
    chance = 1 / len(document["classes"])
    parts = document["its_recipe"]["cross_validation"]
    return _page(
        "reproduce.html",
        d=document,
        figures={
            one["setting"]: _both(figures.sweep, one, chance=chance) for one in document["sweeps"]
        },
        its_parts={
            part["name"]: part["accuracy"] for part in parts["per_class"] + parts["per_group"]
        },
    )


def run_page(
    document: Mapping[str, Any],
    *,
    history: Mapping[str, Any],
    pictures: Mapping[str, Mapping[str, str]],
) -> str:
    """The page of a run.

    Args:
        document: The JSON document of `mien report` for the run.
        history: Seed -> figures of its epochs.
        pictures: ``test`` and ``train``: names of photos -> ``data:`` addresses; empty for a page
            without photos.
    """
    run = document["record"]
    exam = run["exam"]
    sound = {seed: one for seed, one in history.items() if one and one["train_loss"]}
    photos = {photo["path"]: photo for photo in exam["photos"]} if exam else {}
    return _page(
        "run.html",
        d=document,
        pictures={"test": {}, "train": {}, **pictures},
        cells=_cells(exam) if exam else [],
        wrong=[photos[path] for path in exam["wrong"][:_MOST_WRONG]] if exam else [],
        figures={
            "seeds": _both(figures.seeds, document["seeds"]) if _has_scores(document) else None,
            "reliability": _both(figures.reliability, exam["reliability"])
            if exam and exam["reliability"]
            else None,
            "loss": _both(figures.loss_curves, sound, key="loss") if sound else None,
            "accuracy": _both(figures.loss_curves, sound, key="accuracy") if sound else None,
        },
    )


def study_page(
    record: Any,
    *,
    printed: Mapping[str, Mapping[float, float]] | None = None,
    language: str = "en",
) -> str:
    """The page of a study.

    Args:
        record: Its record, or the JSON document.
        printed: Setting -> value -> published accuracy, drawn over the study's own.
        language: Of the page, one of `words.LANGUAGES`.

    Raises:
        UserError: There are no pages in this language.
    """
    t = words(language)
    document = answer_in(language, plain(record))
    cells = document["cells"]
    return _page(
        "study.html",
        d=document,
        cells=sorted(cells, key=lambda cell: -cell["mean"]),
        chosen=next(cell for cell in cells if cell["name"] == document["chosen"]),
        grids=_grids(cells, printed or {}, t),
        printed=bool(printed),
        curves=[
            {"name": curve["name"], "svg": _both(figures.mean_curve, curve, t=t)}
            for curve in document["curves"]
            if len(curve["epochs"]) > 1
        ],
        language=language,
    )


def curve_page(record: Any) -> str:
    """The page of a learning curve.

    Args:
        record: Its record, or the JSON document.
    """
    document = plain(record)
    return _page("curve.html", d=document, figure=_both(figures.learning, document))


def _grids(
    cells: Sequence[Mapping[str, Any]], printed: Mapping[str, Mapping[float, float]], t: Words
) -> list[dict[str, str]]:
    """A plot for each numeric setting, the other settings held at one value."""
    names = list(dict.fromkeys(name for cell in cells for name in cell["vary"]))
    found = []
    for name in names:
        for rest, along in _rows(cells, name):
            others = ", ".join(f"{t(key.replace('_', ' '))} {_setting(v)}" for key, v in rest)
            found.append(
                {
                    "setting": name,
                    "svg": _both(
                        figures.grid, along, setting=name, printed=printed.get(name, {}), t=t
                    ),
                    "caption": t("At {others}.", others=others) if others else "",
                }
            )
    return found


def _rows(
    cells: Sequence[Mapping[str, Any]], name: str
) -> list[tuple[tuple[tuple[str, Any], ...], list[dict[str, Any]]]]:
    groups: dict[tuple[tuple[str, Any], ...], list[dict[str, Any]]] = {}
    for cell in cells:
        value = cell["vary"].get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        rest = tuple((key, other) for key, other in cell["vary"].items() if key != name)
        groups.setdefault(rest, []).append({**cell, "value": value})
    # Two points make no curve, and more plots than these say no more.
    kept = [
        (rest, sorted(along, key=lambda cell: cell["value"]))
        for rest, along in groups.items()
        if len(along) > 2
    ]
    return kept[:_MOST_GRIDS]


def _both(figure: Callable[..., str], *given: Any, **more: Any) -> str:
    """A figure for a desk and one for a phone; the page shows the one that fits."""
    wide, narrow = figure(*given, **more), figure(*given, **more, width=NARROW)
    return f'<div class="on-desk">{wide}</div><div class="on-phone">{narrow}</div>'


def _cells(exam: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The photos of each cell of the confusion matrix that has some."""
    labels = exam["confusion"]["labels"]
    places: dict[tuple[str, str | None], list[Any]] = {}
    for photo in exam["photos"]:
        places.setdefault((photo["label"], photo["predicted"]), []).append(photo)
    return [
        {
            "row": labels.index(label),
            "column": "none" if predicted is None else labels.index(predicted),
            "label": label,
            "predicted": predicted,
            "photos": photos,
        }
        for (label, predicted), photos in places.items()
    ]


def _has_scores(document: Mapping[str, Any]) -> bool:
    return any(seed["held_out"] or seed["test"] for seed in document["seeds"])


def _page(template: str, **values: Any) -> str:
    """Render a page, with «63 %» never broken between two lines, in Korean without the space."""
    between = "" if values.get("language") == "ko" else "\u00a0"
    return re.sub(r"(?<=\d) (?=%)", between, render(template, **values))


def render(template: str, *, language: str = "en", **values: Any) -> str:
    """Render a template of this package with what all pages share."""
    shared = {"version": VERSION, "language": language, "t": words(language)}
    return _environment().get_template(template).render(**shared, **values)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent,
        percent1=_percent_exact,
        points=_points,
        setting=_setting,
        number=number,
    )
    return environment


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _percent_exact(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _points(share: float) -> str:
    # No sign before a zero, and a minus as long as a plus.
    return f"{round(100 * share)}".replace("-", "−")


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " / ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
