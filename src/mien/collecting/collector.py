"""Fetches what a search offers, keeps what can be used, and accounts for every address once.

A kept photo is first written into the journal, then to disk under the name of its digest: a kill in
between leaves a line without a file, which the next start takes out again, and never a file without
a line. Law: for each URL there is one line; no picture is fetched twice; what was forgotten stays
forgotten. Knows nothing of quotas and of the command line.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from mien.collecting import ledger
from mien.collecting.cleaning import Cleaned, check_type, clean
from mien.collecting.connection import MAX_PICTURE_BYTES, MAX_TEXT_BYTES, Browser
from mien.collecting.copies import CopyIndex, Look, in_one_thread, look_at
from mien.collecting.grouping import write_groups
from mien.collecting.inventory import HeldPhoto, current_sources, held_photos
from mien.collecting.journal import INBOX, Journal, read_journal, rewrite_journal
from mien.collecting.licences import allows
from mien.collecting.locking import alone
from mien.collecting.politeness import MAX_WAIT_S, Manners, Robots, Schedule
from mien.collecting.records import Candidate, Gathered, Keep, Line, Reason, Search, Unusable
from mien.collecting.sources import SourceContext, source_entry
from mien.collecting.triage import FindFaces, triage
from mien.digest import digest_bytes
from mien.errors import FetchError, PhotoError
from mien.files import write_bytes
from mien.image.decode import decode, read_photo_bytes
from mien.image.preprocessing import upright_pixels
from mien.records import Progress, Say, no_progress, say_nothing
from mien.version import VERSION

# Reasons for which no picture had arrived yet.
NOT_FETCHED: Final = frozenset(
    {"refused address", "robots.txt", "not found", "server error", "timed out", "no connection",
     "throttled", "too large", "not a picture", "lying type", "licence"}
)  # fmt: skip
_LEDGER_EVERY: Final = 200


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to collect.

    Attributes:
        keep: ``"original"`` bytes without metadata, or ``"clean"``: encoded anew.
        accept: Put usable photos into their class folder at once, not into the inbox.
        codes: Licence codes that may be kept; None for all, stated or not.
        manners: How hard hosts may be asked.
        workers: Threads that fetch and look.
        robots: Whether robots.txt is heeded for pictures. APIs have their own terms.
        max_bytes: The largest file that is fetched.
        find_faces: For the triage; None keeps every picture that can be read.
        near_copies: Whether re-encoded, cropped and mirrored copies are looked for; equal files
            are refused in any case.
        base_urls: Source -> address that stands in for its own, for tests and mirrors.
    """

    keep: Keep = "original"
    accept: bool = False
    codes: frozenset[str] | None = None
    manners: Manners = field(default_factory=Manners)
    workers: int = 16
    robots: bool = True
    max_bytes: int = MAX_PICTURE_BYTES
    find_faces: FindFaces | None = None
    near_copies: bool = True
    base_urls: tuple[tuple[str, str], ...] = ()


@dataclass
class _Job:
    candidate: Candidate
    tries: int = 0


class Collector:
    """Collects into one folder; use it as a context manager.

    Args:
        into: The dataset's folder; made when missing.
        settings: How.
        browser: Fetches; closed by whoever made it.
        say: Told sentences for the user.
    """

    def __init__(
        self, into: Path, *, settings: Settings, browser: Browser, say: Say = say_nothing
    ) -> None:
        self._into: Final = into
        self._settings: Final = settings
        self._browser: Final = browser
        self._say: Final = say
        self._decide: Final = threading.RLock()
        self._robots: Final = Robots(self._get_robots)
        self._index: Final = CopyIndex()
        self._seen: Final[set[str]] = set()
        self._warned: Final[set[str]] = set()
        self._accepted: Final[set[str]] = set()  # photos whose groups are not in the table yet

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(alone(self._into, wait_s=0.0))
            self._forgotten = ledger.Forgotten.of(ledger.read_tombstones(self._into))
            _remove_parts(self._into)
            held = held_photos(self._into)
            self._sources = {line.path: line for line in current_sources(self._into, held)}
            self._heal({photo.sha256 for photo in held})
            for photo in held:
                self._take_in(photo)
            self._journal = Journal(self._into)
            stack.callback(self._write_ledger)
            stack.enter_context(self._journal)
            self._seen.update({line.fetched_sha256 for line in self._journal.lines.values()} - {""})
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def run(
        self,
        search: Search,
        *,
        limit: int,
        target: int | None = None,
        progress: Progress = no_progress,
    ) -> Gathered:
        """Run a search, or go on with it.

        Args:
            search: What to look for.
            limit: Pictures to account for at most, those of earlier runs included.
            target: Stop once so many were kept in this run; None to go on to the limit.
            progress: Told as stage ``"collect"``.

        Raises:
            FetchError: The source cannot be asked, and nothing was found before.
            UserError: The search cannot be made at all.
        """
        entry = source_entry(search.source)
        if entry.warning and search.source not in self._warned:
            self._warned.add(search.source)
            self._say(entry.warning)
        run = _Run(self, search, limit=limit, target=target, progress=progress)
        try:
            return run.go()
        finally:
            self._write_ledger()

    def gathered(self, search: Search, *, dry: bool, unfinished: int = 0) -> Gathered:
        """What a search gave so far."""
        lines = [line for line in list(self._journal.lines.values()) if line.search == search]
        reasons = Counter(line.reason for line in lines if line.reason is not None)
        return Gathered(
            search=search,
            asked=len(lines),
            fetched=sum(line.reason not in NOT_FETCHED for line in lines),
            usable=sum(line.reason is None for line in lines),
            reasons=dict(reasons.most_common()),
            dry=dry,
            unfinished=unfinished,
        )

    def candidates(self, search: Search) -> Iterator[Candidate]:
        """What the source offers and is not known yet; licences are judged here."""
        context = SourceContext(
            browser=self._browser,
            base_url=dict(self._settings.base_urls).get(search.source),
            codes=self._settings.codes,
        )
        for candidate in source_entry(search.source).search(search.query, context):
            if candidate.url in self._journal.lines or self._forgotten.has_url(candidate.url):
                continue
            if not allows(candidate.licence, self._settings.codes):
                self._note(candidate, search, Unusable("licence", candidate.licence or "none"))
                continue
            yield candidate

    def judge(self, candidate: Candidate, search: Search, room: Callable[[], bool]) -> Line | None:
        """Fetch one picture and decide on it.

        Args:
            candidate: What to fetch.
            search: What found it.
            room: Asked under the lock before a picture is kept; False leaves it for another run.

        Raises:
            Unusable: Where asking again may help.
        """
        fetched_sha256 = ""
        try:
            data, content_type = self._fetch(candidate)
            check_type(data, content_type=content_type)
            fetched_sha256 = digest_bytes(data)
            self._refuse_known(fetched_sha256)
            cleaned = clean(data, keep=self._settings.keep)
            if self._settings.find_faces is not None:
                triage(cleaned.pixels, find_faces=self._settings.find_faces)
            return self._keep(candidate, search, cleaned, fetched_sha256, room)
        except Unusable as error:
            if error.retry_after_s is not None:
                raise
            return self._note(candidate, search, error, fetched_sha256=fetched_sha256)

    def give_up(self, candidate: Candidate, search: Search, error: Unusable) -> Line:
        """Account for a picture that was asked for often enough."""
        return self._note(candidate, search, error)

    def _fetch(self, candidate: Candidate) -> tuple[bytes, str]:
        if not source_entry(candidate.source).on_web:
            try:
                return read_photo_bytes(Path(candidate.url)), ""
            except PhotoError as error:
                raise Unusable("not found", error.message) from error
        answer = self._browser.get(
            candidate.url,
            max_bytes=self._settings.max_bytes,
            accept="image/jpeg,image/png,image/webp,image/*;q=0.5",
            may_visit=self._robots.allows if self._settings.robots else None,
        )
        return answer.data, answer.content_type

    def _refuse_known(self, fetched_sha256: str) -> None:
        if fetched_sha256 in self._forgotten.photos:
            raise Unusable("forgotten", "was forgotten on request")
        with self._decide:
            if fetched_sha256 in self._seen:
                raise Unusable("copy", "the same file was fetched before")
            self._seen.add(fetched_sha256)

    def _keep(
        self, candidate: Candidate, search: Search, cleaned: Cleaned, fetched_sha256: str,
        room: Callable[[], bool],
    ) -> Line | None:  # fmt: skip
        sha256 = digest_bytes(cleaned.data)
        if sha256 in self._forgotten.photos:
            raise Unusable("forgotten", "was forgotten on request")
        folder = search.label if self._settings.accept and search.label else INBOX
        path = f"{folder}/{candidate.source}-{sha256[:16]}{cleaned.ending}"
        look = look_at(cleaned.pixels) if self._settings.near_copies else None
        n_judged = 0 if look is None else self._refuse_copy(look)
        with self._decide:
            if look is not None:  # what others took in meanwhile
                self._refuse_copy(look, start=n_judged)
            if not room():
                self._seen.discard(fetched_sha256)
                return None
            if look is not None:
                self._index.add(path, look)
            line = Line(
                url=candidate.url, search=search, reason=None, path=path, sha256=sha256,
                fetched_sha256=fetched_sha256,
                phash="" if look is None else f"{int(look.hashes[0]):016x}",
                candidate=candidate, edits=cleaned.edits, fetched_at=_now(),
            )  # fmt: skip
            self._journal.add(line)
        write_bytes(self._into / path, cleaned.data)
        with self._decide:
            self._sources[path] = source_line(line, accepted=folder != INBOX)
            if folder != INBOX:
                self._accepted.add(path)
        return line

    def _refuse_copy(self, look: Look, *, start: int = 0) -> int:
        """Refuse a copy of what is there; give how many pictures it was compared with."""
        copy, n_judged = self._index.find(look, start=start)
        if copy is not None:
            reason: Reason = "mirrored copy" if copy.mirrored else "copy"
            raise Unusable(reason, f"{reason} of {copy.of}")
        return n_judged

    def _note(
        self, candidate: Candidate, search: Search, error: Unusable, *, fetched_sha256: str = ""
    ) -> Line:
        line = Line(
            url=candidate.url, search=search, reason=error.reason, detail=error.message,
            fetched_sha256="" if error.reason == "forgotten" else fetched_sha256,
            candidate=candidate, fetched_at=_now(),
        )  # fmt: skip
        if error.reason != "forgotten":  # of what was forgotten not even the address is written
            with self._decide:
                self._journal.add(line)
        return line

    def _get_robots(self, url: str) -> bytes:
        return self._browser.get(url, max_bytes=MAX_TEXT_BYTES, accept="text/plain").data

    def _heal(self, held: set[str]) -> None:
        """Make the journal agree with the disk.

        A kept photo without a file was either prevented by a kill, and is fetched again; or it was
        in the ledger, so a person deleted it, and it does not come back.
        """
        lines = read_journal(self._into)
        known = {line.sha256 for line in ledger.read_sources(self._into)}
        lost = {line.url for line in lines if line.reason is None and line.sha256 not in held}
        by_hand = [
            replace(line, reason="rejected by hand", detail="was deleted", path="", sha256="")
            for line in lines
            if line.url in lost and line.sha256 in known
        ]
        if lost:
            rewrite_journal(self._into, lambda line: line.url not in lost, add=by_hand)

    def _take_in(self, photo: HeldPhoto) -> None:
        self._seen.add(photo.sha256)
        if not self._settings.near_copies:
            return
        with contextlib.suppress(PhotoError):
            self._index.add(photo.name, look_at(upright_pixels(decode(photo.path.read_bytes()))))

    def _write_ledger(self) -> None:
        with self._decide:
            for line in self._journal.lines.values():
                here = line.reason is None and line.path not in self._sources
                if here and (self._into / line.path).is_file():
                    accepted = not line.path.startswith(INBOX)
                    self._sources[line.path] = source_line(line, accepted=accepted)
                    if accepted:
                        self._accepted.add(line.path)
            lines = [s for s in self._sources.values() if (self._into / s.path).is_file()]
        new = [s for s in lines if s.state == "kept" and s.path in self._accepted]
        write_groups(self._into, {s.path: ledger.split_groups(s.groups) for s in new})
        self._accepted.clear()
        if lines or (self._into / ledger.LEDGER_NAME).is_file():
            ledger.write_sources(self._into, lines)

    def checkpoint(self) -> None:
        """Write the ledger now."""
        self._write_ledger()

    @property
    def settings(self) -> Settings:
        """How this collector was asked to work."""
        return self._settings

    @property
    def into(self) -> Path:
        """The dataset's folder."""
        return self._into

    def say(self, sentence: str) -> None:
        """Tell the user a sentence."""
        self._say(sentence)


class _Run:
    """One run of one search: threads that take jobs from a schedule."""

    def __init__(
        self, collector: Collector, search: Search, *, limit: int, target: int | None,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._collector = collector
        self._search = search
        self._limit = limit
        self._target = target
        self._progress = progress
        self._schedule: Schedule[_Job] = Schedule(collector.settings.manners)
        self._answers: queue.Queue[Line | BaseException | None] = queue.Queue()
        self._n_kept = 0
        self._n_left = 0
        self._dry = False

    def go(self) -> Gathered:
        before = self._collector.gathered(self._search, dry=False)
        self._asked = before.asked
        names = range(self._collector.settings.workers)
        threads = [threading.Thread(target=self._work, name=f"collect-{i}") for i in names]
        for thread in threads:
            thread.start()
        try:
            self._feed_and_wait()
        finally:
            self._schedule.close()
            for thread in threads:
                thread.join()
        return self._collector.gathered(self._search, dry=self._dry, unfinished=self._n_left)

    def _feed_and_wait(self) -> None:
        candidates = self._collector.candidates(self._search)
        backlog = 4 * self._collector.settings.workers
        kept_at_checkpoint = 0
        while True:
            while not self._is_full() and len(self._schedule) < backlog:
                if not self._offer(candidates):
                    break
            if len(self._schedule) == 0 and self._answers.empty() and self._is_full():
                return
            try:
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            self._progress("collect", self._asked - len(self._schedule), self._limit)
            if self._n_kept - kept_at_checkpoint >= _LEDGER_EVERY:
                kept_at_checkpoint = self._n_kept
                self._collector.checkpoint()

    def _is_full(self) -> bool:
        return self._dry or self._asked >= self._limit or not self._room()

    def _room(self) -> bool:
        return self._target is None or self._n_kept < self._target

    def _offer(self, candidates: Iterator[Candidate]) -> bool:
        try:
            candidate = next(candidates, None)
        except FetchError as error:
            if self._asked == 0:
                raise
            self._collector.say(f"{error} What was found before is kept.")
            candidate = None
        if candidate is None:
            self._dry = True
            return False
        self._asked += 1
        self._schedule.put(_Job(candidate), host=_host(candidate))
        return True

    def _work(self) -> None:
        with in_one_thread():
            self._work_until_closed()

    def _work_until_closed(self) -> None:
        while (taken := self._schedule.take()) is not None:
            job, host = taken
            try:
                self._do(job, host)
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._schedule.finish(host)
                self._answers.put(error)
                return

    def _do(self, job: _Job, host: str) -> None:
        if not self._room():
            self._schedule.finish(host)
            self._answers.put(None)
            return
        try:
            line = self._collector.judge(job.candidate, self._search, self._claim)
        except Unusable as error:
            job.tries += 1
            wait = error.retry_after_s or 0.0
            if error.reason == "throttled" and wait <= MAX_WAIT_S:
                # Being told to wait is no failure of this picture; but it must end some day.
                self._schedule.rest(host, for_s=wait)
            if wait > MAX_WAIT_S:
                self._n_left += 1
                line = None
            elif job.tries < self._tries(error):
                self._schedule.again(job, host=host, after_s=wait)
                return
            else:
                line = self._collector.give_up(job.candidate, self._search, error)
        self._schedule.finish(host)
        self._answers.put(line)

    def _tries(self, error: Unusable) -> int:
        tries = self._collector.settings.manners.tries
        return 10 * tries if error.reason == "throttled" else tries

    def _claim(self) -> bool:
        # Called under the collector's lock: the target is never passed.
        if not self._room():
            return False
        self._n_kept += 1
        return True


def source_line(line: Line, *, accepted: bool) -> ledger.SourceLine:
    """The ledger's line of a photo that was kept."""
    candidate = line.candidate
    return ledger.SourceLine(
        path=line.path, sha256=line.sha256, source=candidate.source, url=line.url,
        landing_page=candidate.landing_page, title=candidate.title, creator=candidate.creator,
        creator_url=candidate.creator_url, licence=candidate.licence,
        licence_url=candidate.licence_url, query=line.search.query, label=line.search.label or "",
        groups=ledger.join_groups(line.search.groups), fetched_at=line.fetched_at,
        tool=f"mien {VERSION}", edits=line.edits, fetched_sha256=line.fetched_sha256,
        state="kept" if accepted else "undecided",
    )  # fmt: skip


def _host(candidate: Candidate) -> str:
    return urlsplit(candidate.url).netloc if source_entry(candidate.source).on_web else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _remove_parts(into: Path) -> None:
    """Remove what a kill left of files that were being written."""
    for folder in (into / INBOX, *(path for path in into.glob("*") if path.is_dir())):
        for part in folder.glob(".*.part"):
            part.unlink(missing_ok=True)
