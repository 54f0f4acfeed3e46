"""What makes text of the templates of pages and Markdown: filters, words, the verbs' sentences.

Law: in a page all text is escaped; a sentence that no catalogue knows stands in English and is
marked as English, so that a screen reader and a browser's hyphenation know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.reports.columns import wrapped
from mien.reports.said import in_language
from mien.reports.svg import NARROW
from mien.reports.words import words
from mien.version import VERSION
from mien.words import number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PERCENT_SPACE: Final = re.compile(r"(?<=\d) (?=%)")
# Of the lines of a paragraph in Markdown.
_COLUMNS: Final = 100
_CODE: Final = re.compile("`[^`]*`")
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
    return _PERCENT_SPACE.sub("" if language == "ko" else "\u00a0", text)


def render_markdown(template: str, *, language: str = "en", **values: Any) -> str:
    """Render a template of this package in Markdown; blank lines never come twice.

    Raises:
        UserError: There are no texts in this language.
    """
    shared = {"language": language, "t": words(language), "said": partial(in_language, language)}
    text = _environment().get_template(template).render(**shared, **values)
    text = _PERCENT_SPACE.sub("", text) if language == "ko" else text
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


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


def as_text(name: str) -> str:
    r"""A name as text: nothing in it is Markdown or HTML.

    Example:
        >>> print(as_text("happy|<b>"))
        happy\|\<b\>
    """
    return re.sub(r"([\\`*_\[\]<>|#&])", r"\\\1", " ".join(name.split()))


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
        autoescape=lambda name: name is None or name.endswith(".html"),
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
        md=as_text,
        wrap=_wrapped,
    )
    return environment


def _wrapped(text: str) -> str:
    """A paragraph of Markdown in lines; what stands between backquotes stays on one."""
    whole = _CODE.sub(lambda code: code[0].replace(" ", "\0"), text)
    return wrapped(whole, hanging=0, width=_COLUMNS).replace("\0", " ")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _percent_exact(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _points(share: float) -> str:
    # No sign before a zero, and a minus as long as a plus.
    return f"{round(100 * share)}".replace("-", "−")
