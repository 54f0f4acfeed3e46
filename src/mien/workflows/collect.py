"""`mien collect`: one search, or many until a quota's table is full.

Law: every picture that was asked for is counted, as usable or under the reason why not; a cell that
could not be filled is named. Joins the sources, the triage by the face detector, and the table.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.collecting import Browser, Collector, Gathered, Manners, Patience, Search, Settings
from mien.collecting.inbox import check_label
from mien.collecting.inventory import count_cells
from mien.collecting.licences import wanted_codes
from mien.collecting.quota import Cell, Quota, read_quota
from mien.collecting.records import Keep, most_frequent_first
from mien.collecting.sources import source_entry
from mien.collecting.triage import FindFaces
from mien.errors import FetchError, UserError
from mien.face.finder import default_detector, load_face_finder
from mien.records import Progress, Say, no_progress, say_nothing

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
        from mien.records import plain

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


def collect(
    into: Path | str,
    *,
    query: str | None = None,
    label: str | None = None,
    groups: Mapping[str, str] | None = None,
    source: str = "openverse",
    limit: int = 120,
    quota: Path | str | None = None,
    licences: Sequence[str] = (),
    keep: Keep = "original",
    accept: bool = False,
    triage: bool = True,
    detector: str | None = None,
    contact: str = "",
    manners: Manners | None = None,
    patience: Patience | None = None,
    workers: int = 16,
    processes: int = 0,
    robots: bool = True,
    allow_local: bool = False,
    base_urls: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> CollectRecord:
    """Collect photos into a dataset's folder.

    Args:
        into: The folder; made when missing. Photos go to its inbox, see `accept`.
        query: Words to search for; a file of URLs or a folder for the sources that are none of the
            web's. None with a quota.
        label: The class that the photos are meant for.
        groups: The groups that they are meant for.
        source: A name in `mien.collecting.SOURCES`.
        limit: Pictures to ask for at most.
        quota: A TOML file with the wanted table, instead of a query.
        licences: Codes and uses that a picture's licence must allow; none for any or no licence.
        keep: ``"original"`` bytes without metadata, or ``"clean"``: encoded anew.
        accept: Put usable photos into their class at once, without a person's look.
        triage: Look for one sharp face; without, everything that can be read is kept.
        detector: Face detector; YuNet where its file is here, else Haar.
        contact: For the user agent, such as a mail address.
        manners: How hard hosts may be asked.
        patience: How long to wait.
        workers: Threads.
        processes: Beside ours, to look over many pictures.
        robots: Whether robots.txt is heeded for pictures.
        allow_local: Allow addresses on this machine and network: for tests.
        base_urls: Source -> address that stands in for its own: for tests and mirrors.
        progress: Told pictures.
        say: Told sentences for the user.

    Raises:
        UserError: Something asked for makes no sense, or a source cannot be asked.
    """
    if (query is None) == (quota is None):
        raise UserError("say what to collect", "Give either a query or --quota FILE.")
    source_entry(source)
    if query is not None and not query.strip():
        raise UserError("the query is empty", "Say what to search for, such as 'happy man'.")
    if limit < 1:
        raise UserError(f"limit is {limit}, at least 1 is needed", "Give a larger --limit.")
    rate = (manners or Manners()).per_second
    if rate is not None and not 0 < rate < math.inf:
        raise UserError(
            f"{rate:g} requests a second make no sense, expected a number above 0",
            "Give --per-second another one; 0 for as many as it takes.",
        )
    if label is not None:
        check_label(label)
    _check_groups(groups or {})
    if accept and quota is None and label is None:
        raise UserError("photos can only be accepted into a class", "Give --class.")
    wanted = read_quota(Path(quota)) if quota is not None else None
    for one in wanted.classes if wanted else ():
        check_label(one)
    name = (detector or default_detector()) if triage else None
    settings = Settings(
        keep=keep,
        accept=accept,
        codes=wanted_codes(licences) if licences else None,
        manners=manners or Manners(),
        workers=workers,
        processes=processes,
        detector=name,
        robots=robots,
        find_faces=_faces(name),
        base_urls=tuple((base_urls or {}).items()),
    )
    browser = Browser(
        contact=contact, patience=patience, allow_local=allow_local, connections=workers
    )
    try:
        with Collector(Path(into), settings=settings, browser=browser, say=say) as collector:
            if wanted is not None:
                gathered = _fill(collector, wanted, progress=progress, say=say)
            else:
                search = Search(
                    source=source, query=query or "", label=label, groups=dict(groups or {})
                )
                gathered = [_search(collector, search, limit=limit, progress=progress, say=say)]
    finally:
        browser.close()
    return _record(Path(into), gathered, quota=wanted, detector=name, accept=accept)


def _check_groups(groups: Mapping[str, str]) -> None:
    for name, value in groups.items():
        if set("=;") & set(name) or ";" in value or not (name + value).isprintable():
            raise UserError(
                f"group '{name}={value}' cannot be kept: ';' and '=' part groups in sources.csv",
                "Use other characters.",
            )


def _faces(detector: str | None) -> FindFaces | None:
    return None if detector is None else load_face_finder(detector).glance


def _search(
    collector: Collector, search: Search, *, limit: int, progress: Progress, say: Say
) -> Gathered:
    before = collector.gathered(search).asked
    gathered = collector.run(search, limit=limit, progress=progress)
    if before and gathered.asked == before and not gathered.unfinished:
        say(
            f"Nothing new: these {before:,} pictures were decided on in an earlier run"
            + (", and the source has no more." if gathered.dry else "; a larger --limit goes on.")
        )
    return gathered


def _fill(collector: Collector, quota: Quota, *, progress: Progress, say: Say) -> list[Gathered]:
    """Spend searches where cells are emptiest, until all are full or nothing is left to search."""
    counts = Counter(count_cells(collector.into))
    left = {cell: quota.searches(cell) for cell in quota.wanted}
    done: list[Gathered] = []
    failed: dict[str, FetchError] = {}
    while lacking := {cell: n for cell, n in quota.lacking(counts).items() if cell in left}:
        cell, lack = next(iter(lacking.items()))
        search = next(left[cell], None)
        if search is None:
            del left[cell]
            continue
        if search.source in failed:
            continue
        before = collector.gathered(search).usable
        say(f"{_cell_name(cell)} lacks {lack}: {search.source}, “{search.query}”.")
        try:
            gathered = collector.run(search, limit=quota.limit, target=lack, progress=progress)
        except FetchError as error:
            failed[search.source] = error
            if set(failed) == set(quota.sources) and not done:
                raise
            say(f"{error} {search.source} is not asked any more in this run.")
            continue
        counts[cell] += gathered.usable - before
        done.append(gathered)
    return done


def _record(
    into: Path, gathered: Sequence[Gathered], *, quota: Quota | None, detector: str | None,
    accept: bool,
) -> CollectRecord:  # fmt: skip
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


def _cell_name(cell: Cell) -> str:
    label, groups = cell
    return ", ".join([label, *(value for _, value in groups)])
