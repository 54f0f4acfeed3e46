"""The verbs' sentences in the language of the studio's page.

The catalogue is `mien.reports.said`. Over it lies ``texts/said.LANGUAGE.json``, in English too:
what a verb says to the command line, of its options and commands, is said here of the page.
"""

from __future__ import annotations

from typing import Any, Final

from mien.reports import said

_OF: Final = "mien.studio"


def in_language(language: str, sentence: str) -> str:
    """As `said.in_language`, in the studio's own words.

    Example:
        >>> in_language("en", "no test photos were given (--test)")
        'not compared with test photos'
    """
    return said.in_language(language, sentence, of=_OF)


def knows(language: str, sentence: str) -> bool:
    """As `said.knows`."""
    return said.knows(language, sentence, of=_OF)


def answer_in(language: str, answer: Any) -> Any:
    """As `said.answer_in`."""
    return said.answer_in(language, answer, of=_OF)
