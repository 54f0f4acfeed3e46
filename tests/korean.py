"""Finds what a Korean page or Markdown says in English: `english` walks it word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

from mien.dataset.drawn import EXPRESSIONS, GROUPS

# The user's own, where faces are drawn.
DRAWN = {*EXPRESSIONS, *GROUPS, *(value for values in GROUPS.values() for value in values)}
# The same in both languages: names, and the columns that people are asked to write.
NAMES = {
    "mien", "EU", "AI", "JSON", "JPEG", "ECE", "sha", "jpg", "docs", "statistics", "checks", "md",
    "Adam", "MobileNetV", "person", "source", "site", "camera", "test", "skin", "tone", "csv",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]{2,}")
# What they hold is to be typed, or names a file.
_VERBATIM = ("style", "code", "pre")
_SPOKEN = ("alt", "title", "aria-label")


def english(page: Path, *, names: Iterable[str]) -> list[str]:
    """What a page that is said to be Korean says in English.

    Args:
        page: Its file.
        names: The user's own words: of folders, files and recipes.
    """
    text = _Text()
    text.feed(page.read_text("utf-8"))
    assert text.languages == ["ko"], "parts are marked as English"
    return _left(text.said, names)


def english_markdown(text: str, *, names: Iterable[str]) -> list[str]:
    """Likewise of Markdown; what stands between backquotes is to be typed, or names a file."""
    return _left(re.sub(r"(```|`).*?\1", "", text, flags=re.DOTALL).splitlines(), names)


def _left(spoken: list[str], names: Iterable[str]) -> list[str]:
    assert sum(bool(re.search("[가-힣]", said)) for said in spoken) > 9
    own = NAMES | {word for name in (*DRAWN, *names) for word in _WORD.findall(name)}
    return [said for said in spoken if set(_WORD.findall(said)) - own]


class _Text(HTMLParser):
    """The words of a page for people, and the languages it says it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.languages: list[str] = []
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._verbatim += tag in _VERBATIM
        self.said += [value for name in _SPOKEN if (value := given.get(name))]
        if language := given.get("lang"):
            self.languages.append(language)

    def handle_endtag(self, tag: str) -> None:
        self._verbatim -= tag in _VERBATIM

    def handle_data(self, data: str) -> None:
        if not self._verbatim and data.strip():
            self.said.append(data.strip())
