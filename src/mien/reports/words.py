"""The words of a page in its language: English as it stands in the templates, or a translation.

The English text is the key, so that a template reads as the page does; ``texts/page.LANGUAGE.json``
holds the others. Law: what the catalogue does not know stays English; a test holds that it knows
every word of the pages that can be asked for in another language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import Final, TypeAlias

from mien.errors import UserError

LANGUAGES: Final = ("en", "ko")

Words: TypeAlias = Callable[..., str]

_HOLE: Final = re.compile(r"\{(\w+)\}")


def words(language: str) -> Words:
    """What says a text of a page in a language, with its ``{placeholders}`` filled in.

    Raises:
        UserError: There are no pages in this language.

    Example:
        >>> words("ko")("Study of {name}", name="faces")
        'faces 연구'
    """
    if language not in LANGUAGES:
        raise UserError(
            f"language is '{language}', expected one of {', '.join(LANGUAGES)}", "Give one of them."
        )
    return partial(_say, language)


def _say(language: str, text: str, /, **values: object) -> str:
    said = _load(language).get(text, text)
    # In one pass: a class that is called «{n}» stays what it is.
    return _HOLE.sub(lambda hole: str(values.get(hole[1], hole[0])), said)


@cache
def _load(language: str) -> dict[str, str]:
    file = files("mien.reports").joinpath("texts", f"page.{language}.json")
    if not file.is_file():
        return {}
    texts: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return texts


ENGLISH: Final = words("en")
