"""What a picture's bytes alone tell: the file to keep, whether it can be used, what copies show.

Four milliseconds of small calls a picture, which threads of one process can only do in turns. So a
long search starts processes for it; a short one is over before they have begun. Law: the answer is
the same either way, and where a process cannot be had or dies, a thread does its work.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Final

from mien.collecting.cleaning import clean
from mien.collecting.copies import Look, in_one_thread, look_at
from mien.collecting.records import Keep, Reason, Unusable
from mien.collecting.settings import Settings
from mien.collecting.triage import FindFaces, triage

# Starting takes about two seconds of processor time each: what a few hundred pictures cost. So many
# that are meant to come, or were seen already, are worth it.
_EXPECTED: Final = 400
_SEEN: Final = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """A picture that can be used.

    Attributes:
        data: The file to keep.
        ending: Of its name.
        edits: What was done to it, in words for the ledger.
        look: What is compared with others, where copies are looked for.
    """

    data: bytes
    ending: str
    edits: str
    look: Look | None


def look_over(
    data: bytes, *, keep: Keep, find_faces: FindFaces | None, near_copies: bool
) -> Looked:
    """Clean a picture, sort it, and note what copies are told by.

    Raises:
        Unusable: With the reason.
    """
    cleaned = clean(data, keep=keep)
    if find_faces is not None:
        triage(cleaned.pixels, find_faces=find_faces)
    look = look_at(cleaned.pixels) if near_copies else None
    return Looked(data=cleaned.data, ending=cleaned.ending, edits=cleaned.edits, look=look)


class Looker:
    """Looks pictures over, from any thread; in processes once there were many of them.

    Args:
        settings: Of these `keep`, `find_faces`, `near_copies`, `processes` and `detector`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings: Final = settings
        self._lock: Final = threading.Lock()
        self._n_seen = 0
        self._pool: ProcessPoolExecutor | None = None
        self._ready: list[Future[None]] = []
        # A detector without a name cannot be had there: pictures would pass unsorted.
        unnamed = settings.find_faces is not None and settings.detector is None
        self._broken = settings.processes < 1 or unnamed

    def __call__(self, data: bytes) -> Looked:
        """Look one picture over.

        Raises:
            Unusable: With the reason.
        """
        with self._lock:
            self._n_seen += 1
            if self._n_seen >= _SEEN:
                self._start()
            pool = self._pool if all(one.done() for one in self._ready) else None
        if pool is not None and not self._broken:
            try:
                answer = pool.submit(_look_there, data).result()
            except (BrokenProcessPool, RuntimeError):  # it died, or it is being closed
                self._broken = True
            else:
                if isinstance(answer, Looked):
                    return answer
                raise Unusable(*answer)
        some = self._settings
        return look_over(
            data, keep=some.keep, find_faces=some.find_faces, near_copies=some.near_copies
        )

    def expect(self, n: int) -> None:
        """Say that up to `n` pictures will come."""
        if n >= _EXPECTED:
            with self._lock:
                self._start()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        """Start the processes, unless they are there; threads work until they are ready."""
        if self._broken or self._pool is not None:
            return
        some = self._settings
        self._pool = ProcessPoolExecutor(
            some.processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(some.keep, some.detector, some.near_copies),
        )
        self._ready = [self._pool.submit(_nothing) for _ in range(some.processes)]


_keep: Keep = "original"
_find_faces: FindFaces | None = None
_near_copies: bool = True
_limits: AbstractContextManager[None] | None = None


def _begin(keep: Keep, detector: str | None, near_copies: bool) -> None:
    """In a new process: load what is needed, heed nobody's Ctrl-C, and outlive nobody."""
    global _keep, _find_faces, _near_copies, _limits
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limits = in_one_thread()  # held: who lets go of it is given more threads again
    _limits.__enter__()
    _keep, _near_copies = keep, near_copies
    if detector is not None:
        from mien.face import load_face_finder

        _find_faces = load_face_finder(detector).glance


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with suppress(OSError):
            parent.join()
        os._exit(0)


def _nothing() -> None:
    """Done as soon as a process is ready."""


def _look_there(data: bytes) -> Looked | tuple[Reason, str]:
    """As `look_over`; a refusal comes back as words, for exceptions do not travel well."""
    try:
        return look_over(data, keep=_keep, find_faces=_find_faces, near_copies=_near_copies)
    except Unusable as error:
        return error.reason, error.message
