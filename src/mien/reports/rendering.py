"""What makes text of the pages' templates: filters, the page's words, the verbs' sentences.

Law: all text is escaped; a sentence that no catalogue knows stands in English and is marked as
English, so that a screen reader and a browser's hyphenation know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.exam.words import number
from mien.reports.said import in_language
from mien.reports.svg import NARROW
from mien.reports.words import words
from mien.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LATIN: Final = re.compile("[A-Za-z]")


def render(template: str, *, language: str = "en", **values: Any) -> str:
    """Render a template of this package with what all pages share.

    «63 %» is never broken between two lines; Korean is written without the space.

    Raises:
        UserError: There are no pages in this language.
    """
    shared = {
        "version": VERSION,
        "language": language,
        "t": words(language),
        "said": partial(told, language),
    }
    text = _environment().get_template(template).render(**shared, **values)
    return re.sub(r"(?<=\d) (?=%)", "" if language == "ko" else "\u00a0", text)


def told(language: str, sentence: str) -> str | Markup:
    """A verb's sentence in a language; marked as English where it could not be translated.

    Example:
        >>> told("ko", "No photo is blurred.")
        '흐린 사진이 없습니다.'
        >>> told("ko", "What nobody has ever said.")
        Markup('<span lang="en">What nobody has ever said.</span>')
    """
    from markupsafe import Markup

    said = in_language(language, sentence)
    if language == "en" or said != sentence or not _LATIN.search(said):
        return said
    return Markup('<span lang="en">{}</span>').format(sentence)


def both(figure: Callable[..., str], *given: Any, **more: Any) -> str:
    """A figure for a desk and one for a phone; the page shows the one that fits."""
    wide, narrow = figure(*given, **more), figure(*given, **more, width=NARROW)
    return f'<div class="on-desk">{wide}</div><div class="on-phone">{narrow}</div>'


def setting(value: Any) -> str:
    """A recipe's setting as people read it.

    Example:
        >>> setting(True), setting([0.5, 2.0]), setting(0.001)
        ('yes', '0.5 / 2', '0.001')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " / ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


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
        setting=setting,
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
