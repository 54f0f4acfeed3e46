"""What a picture's bytes alone tell: the file to keep, whether it can be used, what copies show.

Three milliseconds of small calls a picture, which threads of one process can only do in turns. So a
long search starts processes for it; a short one is over before they have begun. Law: the answer is
the same either way, and where a process cannot be had or dies, a thread does its work.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from mien.audits.perceptual import grey_of
from mien.collecting.apart import Apart, Gone, answer
from mien.collecting.cleaning import Cleaned, clean
from mien.collecting.copies import Look, look_at_all
from mien.collecting.records import Keep, Reason, Unusable
from mien.collecting.triage import FindFaces, triage

if TYPE_CHECKING:  # it loads what fetches, which the processes have no use for
    from mien.collecting.settings import Settings

T = TypeVar("T")

# Starting takes half a second of processor time and more: what some hundred pictures cost. So many
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
    sound = {i: one for i, one in enumerate(cleaned) if not isinstance(one, Unusable)}
    lumas = {i: grey_of(one.pixels) for i, one in sound.items()}
    refused = {i: one for i, one in enumerate(cleaned) if isinstance(one, Unusable)}
    if find_faces is not None:
        faces = {i: find_faces(one.pixels) for i, one in sound.items()}
        for i, one in sound.items():
            try:
                triage(one.pixels, faces=faces[i], luma=lumas[i])
            except Unusable as error:
                refused[i] = error
    usable = [i for i in sound if i not in refused]
    looks = look_at_all([lumas[i] for i in usable]) if near_copies else [None] * len(usable)
    found = {i: _looked(sound[i], look) for i, look in zip(usable, looks, strict=True)}
    return [refused[i] if i in refused else found[i] for i in range(len(pictures))]


def _looked(cleaned: Cleaned, look: Look | None) -> Looked:
    return Looked(data=cleaned.data, ending=cleaned.ending, edits=cleaned.edits, look=look)


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
        self._processes: list[Apart] = []
        # A detector without a name cannot be had there: pictures would pass unsorted.
        unnamed = settings.find_faces is not None and settings.detector is None
        self._n_processes: Final = 0 if unnamed else settings.processes

    @property
    def n_threads(self) -> int:
        """How many threads of ours are of use: two a process, so that none waits for work."""
        return max(os.cpu_count() or 1, 2 * self._n_processes)

    def __call__(self, pictures: Sequence[bytes]) -> list[Looked | Unusable]:
        """Look some pictures over; of one that cannot be used, the reason is given back."""
        with self._lock:
            self._n_seen += len(pictures)
            if self._n_seen >= _SEEN:
                self._start()
        able = [one for one in self._processes if one.can_answer]
        if able:
            with suppress(Gone):
                answers = min(able, key=len).ask(pictures).result()
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
        for one in self._processes:
            one.close()

    def _start(self) -> None:
        """Start the processes, unless they are there; threads work until they are ready."""
        if self._processes:
            return
        some = self._settings
        with suppress(OSError):  # none can be had: threads go on
            for _ in range(self._n_processes):
                setup = (some.keep, some.detector, some.near_copies)
                self._processes.append(Apart(__name__, look_apart.__name__, *setup))


def look_apart() -> None:
    """What a process does."""
    answer(_prepared)


def _prepared(
    keep: Keep, detector: str | None, near_copies: bool
) -> Callable[[Sequence[bytes]], list[Looked | tuple[Reason, str]]]:
    find_faces: FindFaces | None = None
    if detector is not None:
        from mien.face import load_face_finder

        find_faces = load_face_finder(detector).glance
    # What is loaded by now stays: looking through it for garbage takes a tenth of the time.
    gc.collect()
    gc.freeze()
    return partial(_look_there, keep=keep, find_faces=find_faces, near_copies=near_copies)


def _look_there(
    pictures: Sequence[bytes], *, keep: Keep, find_faces: FindFaces | None, near_copies: bool
) -> list[Looked | tuple[Reason, str]]:
    """As `look_over`; a refusal travels as words, and a file that stays as it is not at all."""
    looked = look_over(pictures, keep=keep, find_faces=find_faces, near_copies=near_copies)
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
