"""The verbs' sentences in the language of a page.

A verb says its sentences in English, and records on the disk hold them so. For another language
there is a catalogue, ``texts/said.LANGUAGE.json``: English templates and their translations. A
sentence is matched with the templates, the values in its holes are taken over::

    "{n:#} photo{_} {_} blurred: {names:list}."  →  "사진 {n}장이 흐립니다: {names}."

A hole's kind says what it may hold: ``#`` a number, ``%`` a share, ``list`` names, in which
the catalogue's fragments are replaced; ``both`` such names joined with «and»; ``said`` another
message; ``rejects`` files with their reasons; nothing, any text; ``{_}`` the end of a word that is
not taken over, as of a plural.

A package may lay a catalogue of its own over this one (`of`): the studio says in its own words, in
English too, what a verb says to the command line of its options.

Law: what no template knows stays as it was: a sentence in English is better than none. A test
holds that the catalogue knows what the verbs say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

# The keys of the verbs' records that hold sentences for people.
_SPOKEN: Final = frozenset(
    {"sentence", "sentences", "verdict", "reason", "how", "message", "hint", "trouble"}
)
_PERCENT: Final = r"(?:under |over )?[\d.,]+ ?%"
_KINDS: Final = {"": ".+?", "#": r"[\d.,−-]+", "%": _PERCENT, "list": ".+?", "both": ".+?",
                 "said": ".+?", "rejects": ".+?"}  # fmt: skip
_HOLE: Final = re.compile(r"\{(\w+)(?::([^}]+))?\}")
_HINT: Final = " · "
_AND: Final = re.compile(r" and (?:the )?")
_REJECT: Final = re.compile(r"'(?P<path>[^']*)' (?P<reason>.+?)(?=, '|$)", re.DOTALL)


@dataclass(frozen=True)
class _Template:
    pattern: re.Pattern[str]
    kinds: Mapping[str, str]
    words: str


@dataclass(frozen=True)
class _Catalogue:
    messages: tuple[_Template, ...]
    fragments: tuple[_Template, ...]


def in_language(language: str, sentence: str, *, of: str = "") -> str:
    """A sentence of a verb in a language; as it was where the catalogue does not know it.

    Args:
        language: Of the page.
        sentence: English.
        of: The package whose catalogue goes before ours.

    Example:
        >>> in_language("ko", "1 photo is blurred: a.jpg. Look closely: a blurred brow can be any "
        ...     "expression.")
        '사진 1장이 흐립니다: a.jpg. 눈썹이 흐리면 어떤 표정으로도 보일 수 있으니 확인하세요.'
        >>> in_language("en", "2 photos are blurred.")
        '2 photos are blurred.'
    """
    catalogue = _load(language, of)
    for template in catalogue.messages:
        found = template.pattern.fullmatch(sentence)
        if found:
            return _filled(language, template, found, of=of)
    if _HINT in sentence:  # a message with its hint, as `str` of a UserError gives it
        return _HINT.join(in_language(language, part, of=of) for part in sentence.split(_HINT))
    return sentence


def knows(language: str, sentence: str, *, of: str = "") -> bool:
    """Whether the catalogue of a language has this sentence, and the messages inside it."""
    for template in _load(language, of).messages:
        found = template.pattern.fullmatch(sentence)
        if found:
            inside = [name for name, kind in template.kinds.items() if kind in ("said", "%")]
            return all(knows(language, found[name], of=of) for name in inside)
    return False


def answer_in(language: str, answer: Any, *, of: str = "") -> Any:
    """A record or an answer of the server, its sentences in a language.

    Example:
        >>> answer_in("ko", {"reason": "no face found", "n": 1})
        {'reason': '얼굴을 찾지 못했습니다', 'n': 1}
    """
    if not _load(language, of).messages:
        return answer
    return _walk(language, answer, spoken=False, of=of)


def _walk(language: str, value: Any, *, spoken: bool, of: str) -> Any:
    if isinstance(value, str):
        return in_language(language, value, of=of) if spoken else value
    if isinstance(value, Mapping):
        # Columns and values of groups are the user's own words.
        return {
            key: one if key == "groups" else _walk(language, one, spoken=key in _SPOKEN, of=of)
            for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_walk(language, one, spoken=spoken, of=of) for one in value]
    return value


def _filled(language: str, template: _Template, found: re.Match[str], *, of: str) -> str:
    values = {
        name: _value(language, template.kinds[name], text, of=of)
        for name, text in found.groupdict().items()
    }
    return _HOLE.sub(lambda hole: values[hole[1]], template.words)


def _value(language: str, kind: str, text: str, *, of: str) -> str:
    if kind in ("said", "%"):
        return in_language(language, text, of=of)
    if kind in ("list", "both"):
        for fragment in _load(language, of).fragments:
            text = fragment.pattern.sub(partial(_filled, language, fragment, of=of), text)
    if kind == "both":
        # What is told may be the class itself; all others are the user's own words.
        names = [in_language(language, one) if one == "class" else one for one in _AND.split(text)]
        text = " · ".join(names)
    if kind == "rejects":
        return _REJECT.sub(
            lambda found: f"'{found['path']}' {in_language(language, found['reason'], of=of)}", text
        )
    return text


@cache
def _load(language: str, of: str) -> _Catalogue:
    catalogue: dict[str, dict[str, str]] = {"messages": {}, "fragments": {}}
    for package in ("mien.reports", *([of] if of else [])):
        file = files(package).joinpath("texts", f"said.{language}.json")
        if file.is_file():
            for part, templates in json.loads(file.read_text(encoding="utf-8")).items():
                catalogue[part] |= templates
    # The most words of its own first: «{a} and {b}» must not take what a longer template knows.
    ordered = sorted(catalogue["messages"].items(), key=lambda item: -len(_HOLE.sub("", item[0])))
    return _Catalogue(
        tuple(_compile(*item) for item in ordered),
        tuple(_compile(*item) for item in catalogue["fragments"].items()),
    )


def _compile(template: str, words: str) -> _Template:
    kinds: dict[str, str] = {}
    pattern, end = "", 0
    for hole in _HOLE.finditer(template):
        pattern += re.escape(template[end : hole.start()])
        end = hole.end()
        name, kind = hole[1], hole[2] or ""
        if name == "_":
            pattern += "[a-z]*"
        elif name in kinds:  # the same value again
            pattern += f"(?P={name})"
        else:
            kinds[name] = kind
            pattern += f"(?P<{name}>{_KINDS[kind]})"
    return _Template(re.compile(pattern + re.escape(template[end:]), re.DOTALL), kinds, words)
