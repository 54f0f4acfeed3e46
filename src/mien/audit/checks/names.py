"""M401: a file's name that contradicts its folder."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from typing import Final

from mien.audit.findings import Check, Finding, count, some
from mien.audit.view import Part, View
from mien.records import Photo

# A word belongs to a class when this share of the photos whose names begin with it lie there, and
# there are this many of them at least: fewer could be chance.
_SHARE: Final = 0.8
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
            found = _contradictions(part)
            named[side] = list(found)
            said.update(found)
        photos, test_photos = named["train"], named.get("test", [])
        n = len(photos) + len(test_photos)
        if n == 0:
            return self.passed("No file's name contradicts its folder.")
        shown = [f"{name} (says '{said[name]}')" for name in (*photos, *test_photos)]
        return self.found(
            "issue",
            f"{count(n, 'photo')} whose name says another class than the folder: {some(shown)}. "
            "Move them, or rename them.",
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
        # The first word decides: 'happy-not-sad.jpg' is happy.
        stated = [labels[word] for word in words[photo.name] if word in labels]
        if not stated:
            stated = [owners[word] for word in words[photo.name][:1] if word in owners]
        if stated and photo.label not in stated:
            found[photo.name] = stated[0]
    return found


def _owners(part: Part, words: dict[str, list[str]]) -> dict[str, str]:
    """First words of names that belong to one class."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for photo in part.dataset.photos:
        for word in _prefixes(words[photo.name]):
            counts[word][photo.label or ""] += 1
    owners = {}
    for word, by_class in counts.items():
        label, n = by_class.most_common(1)[0]
        if n >= _LEAST and n >= _SHARE * by_class.total() and len(part.dataset.classes) > 1:
            owners[word] = label
    return owners


def _prefixes(words: list[str]) -> list[str]:
    return words[:1]


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
