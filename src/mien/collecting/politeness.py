"""Who may be asked when: a schedule that spares servers, and the rules of their robots.txt.

Law: no host is asked by more than `Manners.at_once` at a time, nor more often than `per_second`;
a host that answers ``Retry-After`` is left alone until then; what robots.txt forbids is not
fetched. The schedule only keeps the order: it knows nothing of HTTP.
"""

from __future__ import annotations

import heapq
import math
import threading
import time
import urllib.robotparser
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from mien.collecting.records import Unusable

T = TypeVar("T")

# A host that wants us to wait longer than this is left for another day.
MAX_WAIT_S: Final = 120.0
_ROBOTS_TRIES: Final = 3
_ROBOTS_BYTES: Final = 500_000  # RFC 9309, 2.5: at least 500 kibibytes are to be read


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How hard a host may be asked.

    Attributes:
        at_once: Requests to one host at a time.
        per_second: Requests to one host a second; None where the host is known not to mind.
        tries: How often a picture is asked for before it is given up.
    """

    at_once: int = 4
    per_second: float | None = 8.0
    tries: int = 3


@dataclass
class _Host(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    active: int = 0
    ready_at: float = 0.0


class Schedule(Generic[T]):
    """Jobs by host; threads take the next one whose host is ready.

    A job that is taken must be given back with `finish`, or put again with `again`.
    """

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._hosts: dict[str, _Host[T]] = {}
        self._later: list[tuple[float, int, str, T]] = []
        self._n = 0
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Jobs that are waiting or being done."""
        return self._count

    @property
    def closed(self) -> bool:
        """Whether threads are being sent home."""
        return self._closed

    def put(self, job: T, *, host: str) -> None:
        """Add a job."""
        with self._changed:
            self._host(host).waiting.append(job)
            self._count += 1
            self._changed.notify()

    def take(self) -> tuple[T, str] | None:
        """Wait for a job whose host is ready; None once the schedule is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    _, _, host, job = heapq.heappop(self._later)
                    self._host(host).waiting.append(job)
                ready = self._next_ready(now)
                if ready is not None:
                    return ready
                self._changed.wait(self._soonest(now))
            return None

    def finish(self, host: str) -> None:
        """Say that a job of a host is done."""
        with self._changed:
            self._host(host).active -= 1
            self._count -= 1
            self._changed.notify_all()

    def again(self, job: T, *, host: str, after_s: float) -> None:
        """Put a taken job back, to be done no sooner than `after_s` from now."""
        with self._changed:
            self._host(host).active -= 1
            self._n += 1
            heapq.heappush(self._later, (time.monotonic() + after_s, self._n, host, job))
            self._changed.notify_all()

    def rest(self, host: str, *, for_s: float) -> None:
        """Leave a host alone for some seconds."""
        with self._changed:
            entry = self._host(host)
            entry.ready_at = max(entry.ready_at, time.monotonic() + for_s)

    def close(self) -> None:
        """Let every thread that waits go home; jobs that were not taken stay undone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _host(self, host: str) -> _Host[T]:
        return self._hosts.setdefault(host, _Host())

    def _next_ready(self, now: float) -> tuple[T, str] | None:
        for name, host in self._hosts.items():
            if host.waiting and host.active < self._manners.at_once and host.ready_at <= now:
                host.active += 1
                if self._manners.per_second:
                    host.ready_at = max(host.ready_at, now) + 1 / self._manners.per_second
                return host.waiting.popleft(), name
        return None

    def _soonest(self, now: float) -> float | None:
        times = [host.ready_at for host in self._hosts.values()
                 if host.waiting and host.active < self._manners.at_once]  # fmt: skip
        if self._later:
            times.append(self._later[0][0])
        return max(0.001, min(times) - now) if times else None


class Robots:
    """The rules of each site, fetched once (RFC 9309).

    A site without robots.txt allows all. One whose robots.txt cannot be reached allows nothing for
    now, as the standard says: it is asked again a little later, and when it still does not answer,
    its pictures are left for another run. Rules for ``mien`` go before those for ``*``.

    Args:
        get: Fetches a URL's bytes, raising `Unusable`.
        clock: Seconds, for tests.
    """

    def __init__(
        self, get: Callable[[str], bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._get = get
        self._clock = clock
        self._sites: dict[str, _Site] = {}
        self._lock = threading.Lock()

    def allows(self, url: str) -> bool:
        """Whether the site lets a robot called mien fetch this.

        Raises:
            Unusable: Its robots.txt cannot be reached; `retry_after_s` is infinite where asking
                again in this run is no use.
        """
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            site = self._sites.setdefault(name, _Site())
        with site.lock:
            if site.rules is None:
                self._read(name, site)
        rules = site.rules
        assert rules is not None
        return rules if isinstance(rules, bool) else rules.can_fetch("mien", url)

    def _read(self, name: str, site: _Site) -> None:
        if site.failure is not None and self._clock() < site.again_at:
            raise site.refusal(self._clock())
        try:
            text = self._get(f"{name}/robots.txt")[:_ROBOTS_BYTES].decode("utf-8", "replace")
        except Unusable as error:
            if error.reason in ("not found", "refused address", "too large"):
                site.rules = True
                return
            site.failed(error, now=self._clock())
            raise site.refusal(self._clock()) from error
        site.rules = urllib.robotparser.RobotFileParser()
        site.rules.parse(text.splitlines())


@dataclass
class _Site:
    """What is known of a site's robots.txt: its rules, or why they cannot be had."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    rules: urllib.robotparser.RobotFileParser | bool | None = None
    failure: Unusable | None = None
    n_failures: int = 0
    again_at: float = 0.0

    def failed(self, error: Unusable, *, now: float) -> None:
        self.failure = error
        self.n_failures += 1
        wait = max(error.retry_after_s or 0.0, 2.0**self.n_failures)
        is_last = self.n_failures >= _ROBOTS_TRIES or wait > MAX_WAIT_S
        self.again_at = math.inf if is_last else now + wait

    def refusal(self, now: float) -> Unusable:
        assert self.failure is not None
        return Unusable(
            "robots.txt", f"robots.txt of the site cannot be read: {self.failure.message}",
            retry_after_s=self.again_at - now,
        )  # fmt: skip
