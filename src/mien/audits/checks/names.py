"""M401: a file's name, or the table of groups, that contradicts the file's folder."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from typing import Final

from mien.audits.findings import Check, Finding, some
from mien.audits.view import Part, View
from mien.records import Photo
from mien.words import count

# A word, or the beginning of one (Korean and Chinese names have no spaces), belongs to a class when
# most photos that bear it lie there, and when it marks a good part of the class: a person's or a
# camera's name does not.
_SHARE: Final = 0.8
_OF_CLASS: Final = 0.3
_LEAST: Final = 4
# Shorter words (img, a, dsc) say nothing.
_LEAST_LETTERS: Final = 2


class Names(Check):
    """Names that hold another class's label, or the word that another class's names begin with."""

    code = "M401"
    title = "Name contradicts folder"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Compare names with folders."""
        named: dict[str, list[str]] = {}
        said: dict[str, str] = {}
        for side, part in view.parts:
            there = set(part.names)
            by_table = {n: label for n, label in part.dataset.stated.items() if n in there}
            found = {**_contradictions(part), **by_table}
            named[side] = list(found)
            said.update(found)
        photos, test_photos = named["train"], named.get("test", [])
        n = len(photos) + len(test_photos)
        if n == 0:
            return self.passed("No file's name, and no table, contradicts a folder.")
        shown = [f"{name} (says '{said[name]}')" for name in (*photos, *test_photos)]
        return self.found(
            "issue",
            f"{count(n, 'photo')} whose name, or whose line in groups.csv, says another class than "
            f"the folder: {some(shown)}. Move them, or correct what says so.",
            photos=photos,
            test_photos=test_photos,
            details={"name_says": said},
        )


def _contradictions(part: Part) -> dict[str, str]:
    classes = part.dataset.classes
    words = {photo.name: name_words(photo) for photo in part.dataset.photos}
    labels = {_plain(label): label for label in classes if len(label) >= _LEAST_LETTERS}
    owners = _owners(part, words)
    found = {}
    for photo in part.dataset.photos:
        stated = [labels[word] for word in words[photo.name] if word in labels]
        stated = stated or [
            owners[start] for start in _beginnings(words[photo.name]) if start in owners
        ]
        # A name that says two classes says none.
        if stated and photo.label not in stated and len(set(stated)) == 1:
            found[photo.name] = stated[0]
    return found


def _owners(part: Part, words: dict[str, list[str]]) -> dict[str, str]:
    """Beginnings of words that mark one class."""
    sizes = Counter(photo.label or "" for photo in part.dataset.photos)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for photo in part.dataset.photos:
        for start in _beginnings(words[photo.name]):
            counts[start][photo.label or ""] += 1
    owners = {}
    for start, by_class in counts.items():
        label, n = by_class.most_common(1)[0]
        marks = n >= max(_LEAST, _OF_CLASS * sizes[label])
        if marks and n >= _SHARE * by_class.total() and len(sizes) > 1:
            owners[start] = label
    return owners


def _beginnings(words: list[str]) -> list[str]:
    starts = [word[:n] for word in words for n in range(_LEAST_LETTERS, len(word) + 1)]
    return list(dict.fromkeys(starts))


def name_words(photo: Photo) -> list[str]:
    """The words of a file's name: runs of letters, split at digits, signs and changes of case.

    Example:
        >>> from pathlib import Path
        >>> name_words(Photo(path=Path("x"), name="sad/IMG_happyFace-12.jpg", sha256=""))
        ['img', 'happy', 'face']
    """
    stem = photo.name.rpartition("/")[2].rpartition(".")[0] or photo.name
    stem = re.sub(r"([a-z])([A-Z])", r"\1 \2", stem)
    return [_plain(word) for word in re.findall(r"[^\W\d_]+", stem) if len(word) >= _LEAST_LETTERS]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
