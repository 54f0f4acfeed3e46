"""One run of one search: some threads fetch, some look pictures over, one decides and writes.

Pictures wait between them, so that none holds up a server's connection while it is looked at, and
what has come together is looked at and written together. Law: a thread never dies in silence, and
none outlives the run; no more pictures are in hand than `_in_hand` says. Knows nothing of how a
picture is judged.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from mien.blas import one_blas_thread
from mien.collecting.books import Books
from mien.collecting.judging import Fetched, Judge, Verdict
from mien.collecting.politeness import MAX_WAIT_S, Schedule
from mien.collecting.records import Candidate, Gathered, Line, Search, Unusable
from mien.collecting.settings import Settings
from mien.collecting.sources import source_entry
from mien.errors import FetchError
from mien.records import Progress, Say

# The ledger is written as a whole: not more often than this, and a twentieth of the time at most. A
# kill in between loses nothing, as the journal knows.
_WRITE_EVERY_S: Final = 5.0
_WRITE_SHARE: Final = 0.05
# Pictures that are looked over, or decided on, at once where so many wait.
_LOOK_AT: Final = 8
_DECIDE_ON: Final = 32
# Pictures in hand for each thread that fetches: with fewer, two cores wait for each other.
_IN_HAND: Final = 5
# How long is waited for half as many to come together: deciding on ten costs half more a picture.
_LINGER_S: Final = 0.1

# Some thirty threads that take turns every 5 ms, as Python has it, take a twentieth of the time.
_TURN_S: Final = 0.02

T = TypeVar("T")


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
        self._fetched: queue.Queue[Fetched | None] = queue.Queue()
        self._looked: queue.Queue[tuple[Fetched, Verdict] | None] = queue.Queue()
        self._answers: queue.Queue[Line | BaseException | None] = queue.Queue()
        # Those past a target have been fetched for nothing: then no more than threads are in hand.
        a_thread = _IN_HAND if target is None else 1
        self._in_hand = threading.Semaphore(settings.workers * a_thread)
        self._linger_s = _LINGER_S if target is None else 0.0
        self._broken_off = False
        self._asked = books.gathered(search).asked
        self._n_open = 0
        self._n_kept = 0
        self._n_left = 0
        self._told: set[str] = set()
        self._dry = False

    def go(self) -> Gathered:
        """Run to the end; an error of any thread is raised here, with all threads home."""
        with _longer_turns():
            return self._go()

    def _go(self) -> Gathered:
        fetchers = self._start(self._fetch_until_closed, self._settings.workers, "fetch")
        lookers = self._start(self._look_until_closed, self._judge.n_looking, "look")
        decider = self._start(self._decide_until_closed, 1, "decide")
        left = self._limit - self._asked
        # Of a search for so many usable ones, most are not asked for more than some times as many.
        self._judge.expect(left if self._target is None else min(left, 4 * self._target))
        try:
            self._feed_and_wait()
        except FetchError:  # of the source alone: other searches go on with the same connections
            raise
        except BaseException:  # Ctrl-C must not wait for slow servers
            self._broken_off = True
            self._schedule.close()
            self._judge.hang_up()
            raise
        finally:
            self._schedule.close()
            self._in_hand.release(len(fetchers))
            _join(fetchers)
            for _ in lookers:
                self._fetched.put(None)
            _join(lookers)
            self._looked.put(None)
            _join(decider)
        return self._books.gathered(self._search, dry=self._dry, unfinished=self._n_left)

    def _start(self, work: Callable[[], None], n: int, name: str) -> list[threading.Thread]:
        def watched() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._answers.put(error)

        threads = [threading.Thread(target=watched, name=f"collect-{name}-{i}") for i in range(n)]
        for thread in threads:
            thread.start()
        return threads

    def _feed_and_wait(self) -> None:
        backlog = 4 * self._settings.workers
        next_write = time.monotonic() + _WRITE_EVERY_S
        while True:
            while not self._is_full() and len(self._schedule) < backlog:
                if not self._offer():
                    break
            if self._n_open == 0 and self._is_full():
                return
            try:
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            self._n_open -= 1
            total = self._asked if self._dry else self._limit
            self._progress("collect", self._asked - self._n_open, total)
            if (began := time.monotonic()) >= next_write:
                self._books.write()
                ended = time.monotonic()
                next_write = ended + max(_WRITE_EVERY_S, (ended - began) / _WRITE_SHARE)

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
        self._n_open += 1
        self._schedule.put(_Job(candidate), host=_host(candidate))
        return True

    def _fetch_until_closed(self) -> None:
        while True:
            self._in_hand.acquire()
            taken = self._schedule.take()
            if taken is None:
                return
            job, host = taken
            if not self._fetch(job, host):
                self._in_hand.release()

    def _fetch(self, job: _Job, host: str) -> bool:
        """Fetch one picture and hand it on; False where there is none to be handed on."""
        if not self._room():
            self._schedule.finish(host)
            self._answers.put(None)
            return False
        try:
            found: Fetched | Line | None = self._judge.fetch(job.candidate, self._search)
        except Unusable as error:
            if self._schedule.closed:  # we hung up, not the server: ask again another day
                self._schedule.finish(host)
                return False
            job.tries += 1
            wait = error.retry_after_s or 0.0
            if error.reason == "throttled" and wait <= MAX_WAIT_S:
                self._schedule.rest(host, for_s=wait)
            if wait > MAX_WAIT_S:
                self._leave(job, error)
                found = None
            elif job.tries < self._tries(error):
                self._schedule.again(job, host=host, after_s=wait)
                return False
            else:
                found = self._judge.give_up(job.candidate, self._search, error)
        self._schedule.finish(host)
        if isinstance(found, Fetched):
            self._fetched.put(found)
            return True
        self._answers.put(found)
        return False

    def _look_until_closed(self) -> None:
        with one_blas_thread():
            while some := _waiting(self._fetched, _LOOK_AT):
                if not self._broken_off:
                    for pair in zip(some, self._judge.look(some), strict=True):
                        self._looked.put(pair)

    def _decide_until_closed(self) -> None:
        with one_blas_thread():
            while some := _waiting(self._looked, _DECIDE_ON, linger_s=self._linger_s):
                for line in self._judge.decide(some, self._claim):
                    self._in_hand.release()
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
        # Asked by one thread alone: the target is never passed.
        if not self._room():
            return False
        self._n_kept += 1
        return True


def _waiting(line: queue.Queue[T | None], n: int, *, linger_s: float = 0.0) -> list[T]:
    """Up to `n` that wait in a queue, at least one; none once there is nothing but an end.

    Lingers a little where fewer than half as many wait.
    """
    first = line.get()
    if first is None:
        return []
    if linger_s and line.qsize() < n // 2:
        time.sleep(linger_s)
    found = [first]
    with contextlib.suppress(queue.Empty):
        while len(found) < n:
            following = line.get_nowait()
            if following is None:
                line.put(None)  # for when these are done
                break
            found.append(following)
    return found


@contextlib.contextmanager
def _longer_turns() -> Iterator[None]:
    """Let a thread of Python keep its turn for longer; what was set before is set again."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(max(before, _TURN_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def _host(candidate: Candidate) -> str:
    return urlsplit(candidate.url).netloc if source_entry(candidate.source).on_web else ""
