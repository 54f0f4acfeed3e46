"""What the parts of collecting hand to each other: a candidate, what came of it, a search.

Plain values only; nothing here opens a file or a connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from mien.errors import PhotoError

Reason: TypeAlias = Literal[
    "refused address",
    "robots.txt",
    "not found",
    "server error",
    "timed out",
    "no connection",
    "throttled",
    "too large",
    "not a picture",
    "lying type",
    "broken picture",
    "licence",
    "no face",
    "several faces",
    "small",
    "dark",
    "overexposed",
    "blurred",
    "drawn",
    "text over the face",
    "copy",
    "mirrored copy",
    "forgotten",
    "rejected by hand",
]
"""Why a picture was not kept; the keys of ``reasons`` in the JSON of `mien collect`."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_RANK: Final[Mapping[str, int]] = {reason: i for i, reason in enumerate(REASONS)}


def most_frequent_first(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons; those that are as frequent as each other in the order of `REASONS`.

    Example:
        >>> most_frequent_first(["copy", "small", "blurred", "copy"])
        {'copy': 2, 'small': 1, 'blurred': 1}
    """
    counts = Counter(reasons)
    return {one: counts[one] for one in sorted(counts, key=lambda r: (-counts[r], _RANK[r]))}


Keep: TypeAlias = Literal["original", "clean"]


class Unusable(PhotoError):  # noqa: N818 - an answer about one picture, as `PhotoError` is
    """One picture cannot be had or used.

    Attributes:
        reason: One of `REASONS`.
        retry_after_s: Seconds to wait before asking again; None where asking again is no use.
    """

    def __init__(self, reason: Reason, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.reason: Final = reason
        self.retry_after_s: Final = retry_after_s


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A picture that a source offers, not fetched yet.

    Attributes:
        url: Of the picture, or a path where the source is a folder.
        source: Name in `SOURCES`.
        landing_page: The page a person would look at.
        title, creator, creator_url: As the source states them, text without markup.
        licence: A code as `licences.parse_licence` writes it, such as ``"by-sa 4.0"``; empty where
            the source states none.
        licence_url: Of its terms.
    """

    url: str
    source: str
    landing_page: str = ""
    title: str = ""
    creator: str = ""
    creator_url: str = ""
    licence: str = ""
    licence_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was asked for: one query to one source, meant for one cell of the table.

    Attributes:
        source: Name in `SOURCES`.
        query: Words for a search, or the path of a file or folder.
        label: The class that the photos are meant for; None where it is not known.
        groups: The groups that they are meant for, such as ``{"gender": "woman"}``.
    """

    source: str
    query: str
    label: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What came of one candidate: a line of the journal.

    Attributes:
        url: The candidate's.
        search: What it was found by.
        reason: Why it was not kept; None where it was.
        detail: The reason in words, or empty.
        path: Where the kept photo lies, relative to the dataset's folder.
        sha256: Of the kept file.
        fetched_sha256: Of the bytes as they came.
        phash: Perceptual hash of the picture, 16 hexadecimal digits; empty where it was not kept.
        candidate: With licence and creator.
        edits: What was changed before keeping, in words.
        fetched_at: ISO 8601, UTC.
    """

    url: str
    search: Search
    reason: Reason | None
    detail: str = ""
    path: str = ""
    sha256: str = ""
    fetched_sha256: str = ""
    phash: str = ""
    candidate: Candidate
    edits: str = ""
    fetched_at: str


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What one search gave, over all its runs.

    Attributes:
        search: What was asked for.
        asked: Pictures that the source offered and that are accounted for.
        fetched: Those whose bytes arrived and were a picture.
        usable: Those that were kept.
        reasons: Counts of what was not.
        dry: Whether the source has no more.
        unfinished: Pictures that were left for a later run, as the host asked to wait too long.
        known: Pictures that the source offered in this run and that another search accounts for.
    """

    search: Search
    asked: int
    fetched: int
    usable: int
    reasons: Mapping[str, int]
    dry: bool
    unfinished: int = 0
    known: int = 0
