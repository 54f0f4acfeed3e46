"""The studio's words, one JSON file a language, and which language a browser gets.

Knows nothing of pages. Law: the files have the same keys, which a test holds; a key that is missing
is our own bug and raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

# A name, and the words for one and for several where there are any; `static/mien.js` has the same.
_PLACEHOLDER: Final = re.compile(r"\{(\w+(?:\|[^|{}]*\|[^|{}]*)?)\}")
# Language → its own name, as the switch shows it. The first is for browsers that speak neither.
LANGUAGES: Final[dict[str, str]] = {"en": "English", "ko": "한국어"}


@cache
def load(language: str) -> Mapping[str, str]:
    """All texts of a language, by key."""
    data = files("mien.studio").joinpath("texts", f"{language}.json").read_text(encoding="utf-8")
    texts: dict[str, str] = json.loads(data)
    return texts


def say(language: str, key: str, **values: object) -> str:
    """One text with its ``{placeholders}`` filled in.

    ``{n}`` is a value, ``{n|photo|photos}`` the word that goes with it: the first for one.

    Example:
        >>> say("en", "grid.deleted", n=1)
        '1 photo deleted'
    """

    def fill(found: re.Match[str]) -> str:
        name, *forms = found[1].split("|")
        value = str(values.get(name, found[0]))
        return forms[value != "1"] if forms else value

    return _PLACEHOLDER.sub(fill, load(language)[key])


def choose(*, cookie: str | None, accepted: str) -> str:
    """The language for a request.

    Args:
        cookie: What the user chose with the switch, if anything.
        accepted: The header `Accept-Language` (RFC 9110, 12.5.4); its order of weights is heeded.

    Example:
        >>> choose(cookie=None, accepted="fr;q=0.9,ko-KR;q=0.8,en;q=0.7")
        'ko'
    """
    if cookie in LANGUAGES:
        return str(cookie)
    for tag in _by_weight(accepted):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return next(iter(LANGUAGES))


def _by_weight(accepted: str) -> list[str]:
    weighed = []
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=") or "1"
        try:
            weighed.append((-float(weight), tag.strip()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]
