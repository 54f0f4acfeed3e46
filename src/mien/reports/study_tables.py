"""What `mien study` and `mien curve` print on a terminal: views of their JSON documents.

Law: as in `tables`: never the source of a number, the verdict first, names printed as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from mien.reports.terminal import document_of, print_rejects, print_table, tell, terminal


def print_study(record: Any, *, file: IO[str] | None = None) -> None:
    """Print the verdict, the grid, and where the study is."""
    study, out = document_of(record), terminal(file)
    tell(out, study["sentences"])
    print_table(
        out,
        title=f"Accuracy on {study['n_scored']} {study['scored_on']}",
        columns=[
            ("recipe", False),
            ("mean", True),
            ("interval", True),
            ("sd over seeds", True),
            ("least to most", True),
            ("held out", True),
            ("seeds", True),
            ("diverged", True),
            ("may be best", False),
        ],
        rows=[_cell(cell) for cell in study["cells"]],
    )
    print_rejects(out, study["rejects"])
    tell(out, [f"Study {study['study']}  (see it: mien report {study['study']})"])


def print_curve(record: Any, *, file: IO[str] | None = None) -> None:
    """Print whether more photos are worth it, the curve, and the worth of each class."""
    curve, out = document_of(record), terminal(file)
    tell(out, curve["sentences"])
    print_table(
        out,
        title=f"Accuracy on {curve['n_scored']} {curve['scored_on']}",
        columns=[
            ("photos a class", True),
            ("photos", True),
            ("mean", True),
            ("interval", True),
            ("seeds", True),
        ],
        rows=[
            [
                str(point["per_class"]),
                str(point["n_photos"]),
                _percent(point["mean"]),
                _span(point),
                str(point["n_seeds"]),
            ]
            for point in curve["points"]
        ],
    )
    print_table(
        out,
        title="What half of a class's photos are worth, all other classes whole",
        columns=[
            ("class", False),
            ("photos", True),
            ("points of accuracy", True),
            ("interval", True),
        ],
        rows=[
            [
                one["label"],
                str(one["n"]),
                f"{100 * one['worth']['value']:+.1f}",
                f"{100 * one['worth']['low']:+.1f} to {100 * one['worth']['high']:+.1f}",
            ]
            for one in curve["classes"]
        ],
    )
    print_rejects(out, curve["rejects"])


def _cell(cell: Mapping[str, Any]) -> list[str]:
    held_out = cell["validation"]
    return [
        cell["name"],
        _percent(cell["mean"]),
        _span(cell),
        "–" if cell["sd"] is None else f"{100 * cell['sd']:.1f}",
        f"{100 * cell['min']:.0f} to {_percent(cell['max'])}",
        "–" if held_out is None else _percent(held_out["mean"]),
        str(cell["n_seeds"]),
        str(cell["n_diverged"]),
        "yes" if cell["candidate"] else "",
    ]


def _span(one: Mapping[str, Any]) -> str:
    return f"{100 * one['low']:.0f} to {_percent(one['high'])}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
