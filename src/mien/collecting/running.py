"""One run of one search: threads that take jobs from a schedule until it is dry or full.

Law: a thread never dies in silence, and none outlives the run. Knows nothing of how a picture is
judged.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mien.collecting.books import Books
from mien.collecting.copies import in_one_thread
from mien.collecting.judging import Judge
from mien.collecting.politeness import MAX_WAIT_S, Schedule
from mien.collecting.records import Candidate, Gathered, Line, Search, Unusable
from mien.collecting.settings import Settings
from mien.collecting.sources import source_entry
from mien.errors import FetchError
from mien.records import Progress, Say

# Photos kept between two writings of the ledger, at first: each writes it as a whole.
_WRITE_EVERY: Final = 200


@dataclass
class _Job:
    candidate: Candidate
    tries: int = 0


class Run:
    """One run of one search.

    Args:
        judge: Fetches a picture and decides on it.
        books: What is known already; written now and then.
        search: What is being collected.
        candidates: What the source offers and is not known yet.
        settings: How.
        limit: Pictures to account for at most, those of earlier runs included.
        target: Stop once so many were kept in this run; None to go on to the limit.
        progress: Told as stage ``"collect"``.
        say: Told sentences for the user.
    """

    def __init__(
        self, judge: Judge, books: Books, *, search: Search, candidates: Iterator[Candidate],
        settings: Settings, limit: int, target: int | None, progress: Progress, say: Say,
    ) -> None:  # fmt: skip
        self._judge = judge
        self._books = books
        self._search = search
        self._candidates = candidates
        self._settings = settings
        self._limit = limit
        self._target = target
        self._progress = progress
        self._say = say
        self._schedule: Schedule[_Job] = Schedule(settings.manners)
        self._answers: queue.Queue[Line | BaseException | None] = queue.Queue()
        self._asked = books.gathered(search).asked
        self._n_kept = 0
        self._n_left = 0
        self._told: set[str] = set()
        self._dry = False

    def go(self) -> Gathered:
        """Run to the end; an error of any thread is raised here, with all threads home."""
        names = range(self._settings.workers)
        threads = [threading.Thread(target=self._work, name=f"collect-{i}") for i in names]
        for thread in threads:
            thread.start()
        left = self._limit - self._asked
        # Of a search for so many usable ones, most are not asked for more than some times as many.
        self._judge.expect(left if self._target is None else min(left, 4 * self._target))
        try:
            self._feed_and_wait()
        except FetchError:  # of the source alone: other searches go on with the same connections
            raise
        except BaseException:  # Ctrl-C must not wait for slow servers
            self._schedule.close()
            self._judge.hang_up()
            raise
        finally:
            self._schedule.close()
            for thread in threads:
                thread.join()
        return self._books.gathered(self._search, dry=self._dry, unfinished=self._n_left)

    def _feed_and_wait(self) -> None:
        backlog = 4 * self._settings.workers
        next_write = _WRITE_EVERY
        while True:
            while not self._is_full() and len(self._schedule) < backlog:
                if not self._offer():
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
            if self._n_kept >= next_write:
                next_write += max(_WRITE_EVERY, self._n_kept // 2)
                self._books.write()

    def _is_full(self) -> bool:
        return self._dry or self._asked >= self._limit or not self._room()

    def _room(self) -> bool:
        return self._target is None or self._n_kept < self._target

    def _offer(self) -> bool:
        try:
            candidate = next(self._candidates, None)
        except FetchError as error:
            if self._asked == 0:
                raise
            self._say(f"{error} What was found before is kept.")
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
            line = self._judge.judge(job.candidate, self._search, self._claim)
        except Unusable as error:
            if self._schedule.closed:  # we hung up, not the server: ask again another day
                self._schedule.finish(host)
                return
            job.tries += 1
            wait = error.retry_after_s or 0.0
            if error.reason == "throttled" and wait <= MAX_WAIT_S:
                self._schedule.rest(host, for_s=wait)
            if wait > MAX_WAIT_S:
                self._leave(job, error)
                line = None
            elif job.tries < self._tries(error):
                self._schedule.again(job, host=host, after_s=wait)
                return
            else:
                line = self._judge.give_up(job.candidate, self._search, error)
        self._schedule.finish(host)
        self._answers.put(line)

    def _leave(self, job: _Job, error: Unusable) -> None:
        """Leave a picture for a later run, and say once why."""
        self._n_left += 1
        why = f"{_host(job.candidate)}: {error.message}"
        if why not in self._told:
            self._told.add(why)
            self._say(f"{why}. Its pictures are left for a later run.")

    def _tries(self, error: Unusable) -> int:
        tries = self._settings.manners.tries
        # Neither being told to wait nor a robots.txt that cannot be read is the picture's failure.
        return 10 * tries if error.reason in ("throttled", "robots.txt") else tries

    def _claim(self) -> bool:
        # Called under the collector's lock: the target is never passed.
        if not self._room():
            return False
        self._n_kept += 1
        return True


def _host(candidate: Candidate) -> str:
    return urlsplit(candidate.url).netloc if source_entry(candidate.source).on_web else ""
