"""HTML pages of runs, studies and reproductions: one self-contained file each.

A view of the JSON document: it is never the source of a number. Law: all text is escaped, nothing
is loaded from elsewhere, no script runs; light, dark, print and phone are one page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.records import plain
from mien.reports import figures, run_figures
from mien.reports.rendering import both, render, setting
from mien.reports.words import Words, words

# As many wrong answers as have their nearest photos in the document.
_MOST_WRONG = 24
# Plots of a study along one setting.
_MOST_GRIDS = 4


def reproduce_page(record: Any, *, language: str = "en") -> str:
    """The page of `mien reproduce`.

    Args:
        record: Its record, or the JSON document.
        language: Of the page, one of `words.LANGUAGES`.

    Raises:
        UserError: There are no pages in this language.
    """
    t = words(language)
    document = plain(record)
    chance = 1 / len(document["classes"])
    parts = document["its_recipe"]["cross_validation"]
    return render(
        "reproduce.html",
        d=document,
        figures={
            one["setting"]: both(figures.sweep, one, chance=chance, t=t)
            for one in document["sweeps"]
        },
        its_parts={
            part["name"]: part["accuracy"] for part in parts["per_class"] + parts["per_group"]
        },
        language=language,
    )


def run_page(
    document: Mapping[str, Any],
    *,
    history: Mapping[str, Any],
    pictures: Mapping[str, Mapping[str, str]],
    language: str = "en",
) -> str:
    """The page of a run.

    Args:
        document: The JSON document of `mien report` for the run.
        history: Seed -> figures of its epochs.
        pictures: ``test`` and ``train``: names of photos -> ``data:`` addresses; empty for a page
            without photos.
        language: Of the page, one of `words.LANGUAGES`.

    Raises:
        UserError: There are no pages in this language.
    """
    t = words(language)
    run = document["record"]
    exam = run["exam"]
    sound = {seed: one for seed, one in history.items() if one and one["train_loss"]}
    photos = {photo["path"]: photo for photo in exam["photos"]} if exam else {}
    return render(
        "run.html",
        d=document,
        pictures={"test": {}, "train": {}, **pictures},
        cells=_cells(exam) if exam else [],
        wrong=[photos[path] for path in exam["wrong"][:_MOST_WRONG]] if exam else [],
        figures={
            "seeds": both(run_figures.seeds, document["seeds"], t=t)
            if _has_scores(document)
            else None,
            "reliability": both(run_figures.reliability, exam["reliability"], t=t)
            if exam and exam["reliability"]
            else None,
            "loss": both(run_figures.loss_curves, sound, key="loss", t=t) if sound else None,
            "accuracy": both(run_figures.loss_curves, sound, key="accuracy", t=t)
            if sound
            else None,
        },
        language=language,
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
    document = plain(record)
    cells = document["cells"]
    return render(
        "study.html",
        d=document,
        cells=sorted(cells, key=lambda cell: -cell["mean"]),
        chosen=next(cell for cell in cells if cell["name"] == document["chosen"]),
        grids=_grids(cells, printed or {}, t),
        printed=bool(printed),
        curves=[
            {"name": curve["name"], "svg": both(run_figures.mean_curve, curve, t=t)}
            for curve in document["curves"]
            if len(curve["epochs"]) > 1
        ],
        language=language,
    )


def curve_page(record: Any, *, language: str = "en") -> str:
    """The page of a learning curve.

    Args:
        record: Its record, or the JSON document.
        language: Of the page, one of `words.LANGUAGES`.

    Raises:
        UserError: There are no pages in this language.
    """
    document = plain(record)
    figure = both(figures.learning, document, t=words(language))
    return render("curve.html", d=document, figure=figure, language=language)


def _grids(
    cells: Sequence[Mapping[str, Any]], printed: Mapping[str, Mapping[float, float]], t: Words
) -> list[dict[str, str]]:
    """A plot for each numeric setting, the other settings held at one value."""
    names = list(dict.fromkeys(name for cell in cells for name in cell["vary"]))
    found = []
    for name in names:
        for rest, along in _rows(cells, name):
            others = ", ".join(f"{t(key.replace('_', ' '))} {setting(v)}" for key, v in rest)
            found.append(
                {
                    "setting": name,
                    "svg": both(
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
