"""HTML pages of runs, studies and reproductions: one self-contained file each.

A view of the JSON document: it is never the source of a number. Law: all text is escaped, nothing
is loaded from elsewhere, no script runs; light, dark, print and phone are one page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.records import plain
from mien.report import figures
from mien.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def reproduce_page(record: Any) -> str:
    """The page of `mien reproduce`.

    Args:
        record: Its record, or the JSON document.
    """
    document = plain(record)
    chance = 1 / len(document["classes"])
    parts = document["its_recipe"]["cross_validation"]
    return _render(
        "reproduce.html",
        d=document,
        figures={one["setting"]: figures.sweep(one, chance=chance) for one in document["sweeps"]},
        its_parts={
            part["name"]: part["accuracy"] for part in parts["per_class"] + parts["per_group"]
        },
    )


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(version=VERSION, **values)


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
        percent=_percent, percent1=_percent_exact, points=_points, setting=_setting
    )
    return environment


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _percent_exact(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.0f}"


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " / ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
