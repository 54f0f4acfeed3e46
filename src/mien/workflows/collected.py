"""What a collection brought, as a record and in words: the yield, the table, what is missing.

Law: every picture that was asked for is counted, as usable or under the reason why not; a cell that
could not be filled is named. Fetches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.collecting import Gathered
from mien.collecting.inventory import count_cells
from mien.collecting.quota import Cell, Quota
from mien.collecting.records import most_frequent_first
from mien.records import plain

# Reasons that people count as one, in the words of the summary: of one, and of several.
_TOGETHER: Mapping[str, tuple[str, str]] = {
    "no face": ("no single face", "no single face"),
    "several faces": ("no single face", "no single face"),
    "copy": ("copy", "copies"),
    "mirrored copy": ("copy", "copies"),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Photos by class and groups, those in the inbox included.

    Attributes:
        rows: Classes.
        columns: Groups, as ``"gender=woman, skin=brown"``; one empty text where there are none.
        counts: Photos a cell, a row a class.
        wanted: Likewise, where a quota says so.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    wanted: tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True, kw_only=True)
class CollectRecord:
    """What `mien collect --json` prints.

    Attributes:
        into: The dataset's folder.
        searches: What each search gave.
        table: What is there now.
        missing: Cells of the quota that are not full, with what they lack.
        detector: Which face detector looked; None without triage.
        sentences: The same in words.
    """

    into: str
    searches: tuple[Gathered, ...]
    table: Table
    missing: tuple[dict[str, Any], ...]
    detector: str | None
    sentences: tuple[str, ...]

    @property
    def asked(self) -> int:
        """Pictures that were asked for."""
        return sum(search.asked for search in self.searches)

    @property
    def fetched(self) -> int:
        """Pictures that arrived."""
        return sum(search.fetched for search in self.searches)

    @property
    def usable(self) -> int:
        """Pictures that were kept."""
        return sum(search.usable for search in self.searches)

    @property
    def reasons(self) -> dict[str, int]:
        """Counts of what was not kept, the most frequent first."""
        return _sum_reasons(self.searches)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "into": self.into,
            "asked": self.asked,
            "fetched": self.fetched,
            "usable": self.usable,
            "yield": round(self.usable / self.asked, 4) if self.asked else None,
            "reasons": self.reasons,
            "searches": plain(self.searches),
            "table": plain(self.table),
            "missing": plain(self.missing),
            "detector": self.detector,
            "sentences": list(self.sentences),
        }


def record_of(
    into: Path, gathered: Sequence[Gathered], *, quota: Quota | None, detector: str | None,
    accept: bool,
) -> CollectRecord:  # fmt: skip
    """What is there now, and what each search gave for it.

    Args:
        into: The dataset's folder.
        gathered: The searches.
        quota: What was wanted; None for one search.
        detector: Which face detector looked; None without triage.
        accept: Whether usable photos are in their classes already.
    """
    counts = count_cells(into)
    lacking = quota.lacking(counts) if quota else {}
    missing = tuple(
        {"class": label, "groups": dict(groups), "lacks": n}
        for (label, groups), n in sorted(lacking.items())
    )
    return CollectRecord(
        into=str(into),
        searches=tuple(gathered),
        table=_table(counts, quota),
        missing=missing,
        detector=detector,
        sentences=_sentences(into, gathered, lacking, quota=quota, accept=accept),
    )


def _table(counts: Mapping[Cell, int], quota: Quota | None) -> Table:
    cells = list(quota.wanted) if quota else list(counts)
    rows = tuple(quota.classes) if quota else tuple(sorted({label for label, _ in cells}))
    columns = list(dict.fromkeys(groups for _, groups in cells))
    if not quota:
        columns.sort()

    def count(cell: Cell) -> int:
        return quota.count(cell, counts) if quota else counts.get(cell, 0)

    return Table(
        rows=rows,
        columns=tuple(", ".join(f"{k}={v}" for k, v in groups) for groups in columns),
        counts=tuple(tuple(count((row, groups)) for groups in columns) for row in rows),
        wanted=tuple(tuple(quota.wanted[row, groups] for groups in columns) for row in rows)
        if quota
        else None,
    )


def _sentences(
    into: Path, gathered: Sequence[Gathered], lacking: Mapping[Cell, int], *, quota: Quota | None,
    accept: bool,
) -> tuple[str, ...]:  # fmt: skip
    said = [yield_sentence(gathered)]
    unfinished = sum(search.unfinished for search in gathered)
    if unfinished:
        pictures = "1 picture was" if unfinished == 1 else f"{unfinished:,} pictures were"
        said.append(f"{pictures} left, as their server is busy: run it again later.")
    if quota is not None:
        said.append(
            f"The table is not full: {len(lacking)} of {len(quota.wanted)} cells "
            f"{'lacks' if len(lacking) == 1 else 'lack'} {sum(lacking.values())} photos; "
            "the sources have no more for them."
            if lacking
            else "The table is full."
        )
    if not accept and any(search.usable for search in gathered):
        said.append(
            "Nobody has looked yet at what the photos show: "
            f"run 'mien sort {into}' and decide with one key a photo."
        )
    return tuple(said)


def yield_sentence(gathered: Sequence[Gathered]) -> str:
    """The yield in words, as in «38 of 120 usable: 41 no single face, 22 copies»."""
    asked = sum(search.asked for search in gathered)
    usable = sum(search.usable for search in gathered)
    together: Counter[tuple[str, str]] = Counter()
    for reason, n in _sum_reasons(gathered).items():
        together[_TOGETHER.get(reason, (reason, reason))] += n
    if not asked:
        if known := sum(search.known for search in gathered):
            pictures = "the 1 picture" if known == 1 else f"the {known:,} pictures"
            return f"Nothing new: {pictures} found had been decided on for another search."
        return "Nothing was found: try other words or another source."
    why = ", ".join(f"{n} {words[n != 1]}" for words, n in together.most_common())
    return f"{usable} of {asked} usable" + (f": {why}." if why else ".")


def _sum_reasons(gathered: Sequence[Gathered]) -> dict[str, int]:
    return most_frequent_first(
        reason for search in gathered for one, n in search.reasons.items() for reason in [one] * n
    )
