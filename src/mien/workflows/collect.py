"""`mien collect`: one search, or many until a quota's table is full.

Joins the sources, the triage by the face detector, and the table; see `filling` for the quota and
`collected` for what is said at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.collecting import Browser, Collector, Gathered, Manners, Patience, Search, Settings
from mien.collecting.inbox import check_label
from mien.collecting.licences import wanted_codes
from mien.collecting.quota import read_quota
from mien.collecting.records import Keep
from mien.collecting.sources import source_entry
from mien.collecting.triage import FindFaces
from mien.errors import UserError
from mien.face.finder import default_detector, load_face_finder
from mien.records import Progress, Say, no_progress, say_nothing
from mien.workflows.collected import CollectRecord, record_of
from mien.workflows.filling import fill


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
    _check_search(query, source=source, limit=limit, is_quota=quota is not None)
    manners = manners or Manners()
    _check_rate(manners.per_second)
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
        manners=manners,
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
                gathered = fill(collector, wanted, progress=progress, say=say)
            else:
                search = Search(
                    source=source, query=query or "", label=label, groups=dict(groups or {})
                )
                gathered = [_search(collector, search, limit=limit, progress=progress, say=say)]
    finally:
        browser.close()
    return record_of(Path(into), gathered, quota=wanted, detector=name, accept=accept)


def _check_search(query: str | None, *, source: str, limit: int, is_quota: bool) -> None:
    if (query is not None) == is_quota:
        raise UserError("say what to collect", "Give either a query or --quota FILE.")
    source_entry(source)
    if query is not None and not query.strip():
        raise UserError("the query is empty", "Say what to search for, such as 'happy man'.")
    if limit < 1:
        raise UserError(f"limit is {limit}, at least 1 is needed", "Give a larger --limit.")


def _check_rate(per_second: float | None) -> None:
    if per_second is not None and not 0 < per_second < math.inf:
        raise UserError(
            f"{per_second:g} requests a second make no sense, expected a number above 0",
            "Give --per-second another one; 0 for as many as it takes.",
        )


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
