"""What a picture's bytes alone tell: the file to keep, whether it can be used, what copies show.

Three milliseconds of small calls a picture, which threads of one process can only do in turns. So a
long search starts processes for it; a short one is over before they have begun. Law: the answer is
the same either way, and where a process cannot be had or dies, a thread does its work.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from mien.collecting.cleaning import Cleaned, clean
from mien.collecting.copies import Look, in_one_thread, look_at
from mien.collecting.records import Keep, Reason, Unusable
from mien.collecting.triage import FindFaces, triage
from mien.records import Face

if TYPE_CHECKING:  # it loads what fetches, which the processes have no use for
    from mien.collecting.settings import Settings

T = TypeVar("T")

# Starting takes about two seconds of processor time each: what a few hundred pictures cost. So many
# that are meant to come, or were seen already, are worth it.
_EXPECTED: Final = 400
_SEEN: Final = 100
_LARGE_BYTES: Final = 4 << 20


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
    pictures: Sequence[bytes], *, keep: Keep, find_faces: FindFaces | None, near_copies: bool
) -> list[Looked | Unusable]:
    """Clean pictures, sort them, and note what copies are told by; or the reasons why not.

    One step after the other for all of them, not one picture after the other: each step's code then
    stays at hand, which saves a sixth of the time. Not so large ones: all are decoded at once.
    """
    if len(pictures) > 1 and sum(map(len, pictures)) > _LARGE_BYTES:
        one_by_one = partial(look_over, keep=keep, find_faces=find_faces, near_copies=near_copies)
        return [answer for data in pictures for answer in one_by_one([data])]
    cleaned = [_unless_unusable(partial(clean, data, keep=keep)) for data in pictures]
    if find_faces is not None:
        found = [() if isinstance(one, Unusable) else find_faces(one.pixels) for one in cleaned]
        cleaned = [
            one
            if isinstance(one, Unusable)
            else _unless_unusable(partial(_sorted, one, faces=faces))
            for one, faces in zip(cleaned, found, strict=True)
        ]
    return [
        one
        if isinstance(one, Unusable)
        else Looked(
            data=one.data,
            ending=one.ending,
            edits=one.edits,
            look=look_at(one.pixels) if near_copies else None,
        )
        for one in cleaned
    ]


def _sorted(cleaned: Cleaned, *, faces: Sequence[Face]) -> Cleaned:
    triage(cleaned.pixels, faces=faces)
    return cleaned


def _unless_unusable(step: Callable[[], T]) -> T | Unusable:
    try:
        return step()
    except Unusable as error:
        return error


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

    @property
    def n_threads(self) -> int:
        """How many threads of ours are of use: two a process, so that none waits for work."""
        return max(os.cpu_count() or 1, 2 * self._settings.processes)

    def __call__(self, pictures: Sequence[bytes]) -> list[Looked | Unusable]:
        """Look some pictures over; of one that cannot be used, the reason is given back."""
        with self._lock:
            self._n_seen += len(pictures)
            if self._n_seen >= _SEEN:
                self._start()
            pool = self._pool if all(one.done() for one in self._ready) else None
        if pool is not None and not self._broken:
            try:
                answers = pool.submit(_look_there, pictures).result()
            except (BrokenProcessPool, RuntimeError):  # it died, or it is being closed
                self._broken = True
            else:
                return [_arrived(*pair) for pair in zip(answers, pictures, strict=True)]
        some = self._settings
        return look_over(
            pictures, keep=some.keep, find_faces=some.find_faces, near_copies=some.near_copies
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
    # What is loaded by now stays: looking through it for garbage takes a tenth of the time.
    gc.collect()
    gc.freeze()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with suppress(OSError):
            parent.join()
        os._exit(0)


def _nothing() -> None:
    """Done as soon as a process is ready."""


def _look_there(pictures: Sequence[bytes]) -> list[Looked | tuple[Reason, str]]:
    """As `look_over`; a refusal travels as words, and a file that stays as it is not at all."""
    looked = look_over(pictures, keep=_keep, find_faces=_find_faces, near_copies=_near_copies)
    return [
        (one.reason, one.message)
        if isinstance(one, Unusable)
        else (replace(one, data=b"") if one.data == data else one)
        for one, data in zip(looked, pictures, strict=True)
    ]


def _arrived(answer: Looked | tuple[Reason, str], data: bytes) -> Looked | Unusable:
    if not isinstance(answer, Looked):
        return Unusable(*answer)
    return answer if answer.data else replace(answer, data=data)
