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

from mien.collecting.apart import Apart, Gone, answer
from mien.collecting.cleaning import Cleaned, clean
from mien.collecting.copies import Look, Sketch, look_at_all, sketch
from mien.collecting.records import Keep, Reason, Unusable
from mien.collecting.triage import FindFaces, FindMany, Sight, triage_all

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Sorted:
    """As `Looked`, before its look is made of `sketch`."""

    data: bytes
    ending: str
    edits: str
    sketch: Sketch | None


def look_over(
    pictures: Sequence[bytes], *, keep: Keep, find_faces: FindFaces | None, near_copies: bool
) -> list[Looked | Unusable]:
    """Clean pictures, sort them, and note what copies are told by; or the reasons why not."""
    return finished(
        sort_out(pictures, keep=keep, find_many=_many(find_faces), near_copies=near_copies)
    )


def _many(find_faces: FindFaces | None) -> FindMany | None:
    return None if find_faces is None else lambda images: [find_faces(one) for one in images]


def finished(answers: Sequence[Looked | Sorted | Unusable]) -> list[Looked | Unusable]:
    """Make what is compared with others, of all pictures of which it is not made yet."""
    begun = [one for one in answers if isinstance(one, Sorted)]
    looks = iter(look_at_all([one.sketch for one in begun if one.sketch is not None]))
    return [
        Looked(
            data=one.data,
            ending=one.ending,
            edits=one.edits,
            look=None if one.sketch is None else next(looks),
        )
        if isinstance(one, Sorted)
        else one
        for one in answers
    ]


def sort_out(
    pictures: Sequence[bytes], *, keep: Keep, find_many: FindMany | None, near_copies: bool
) -> list[Sorted | Unusable]:
    """As `look_over`, but for what `finished` does.

    One step after the other for all of them, not one picture after the other: each step's code then
    stays at hand, which saves a sixth of the time. Not so large ones: all are decoded at once.
    """
    if len(pictures) > 1 and sum(map(len, pictures)) > _LARGE_BYTES:
        one_by_one = partial(sort_out, keep=keep, find_many=find_many, near_copies=near_copies)
        return [answer for data in pictures for answer in one_by_one([data])]
    answers: list[Cleaned | Unusable] = [
        _unless_unusable(partial(clean, data, keep=keep)) for data in pictures
    ]
    sound = {i: one for i, one in enumerate(answers) if isinstance(one, Cleaned)}
    if find_many is not None:
        found = find_many([one.pixels for one in sound.values()])
        sights = [
            Sight(pixels=one.pixels, luma=one.luma, faces=faces)
            for one, faces in zip(sound.values(), found, strict=True)
        ]
        for i, verdict in zip(list(sound), triage_all(sights), strict=True):
            if isinstance(verdict, Unusable):
                answers[i] = verdict
                del sound[i]
    made = {
        i: Sorted(
            data=one.data,
            ending=one.ending,
            edits=one.edits,
            sketch=sketch(one.luma) if near_copies else None,
        )
        for i, one in sound.items()
    }
    return [one if isinstance(one, Unusable) else made[i] for i, one in enumerate(answers)]


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
                process = min(able, key=len)
                # One that is busy already is what all wait for: then we finish its work.
                answers = process.ask((pictures, len(process) == 0)).result()
                arrived = [_arrived(*pair) for pair in zip(answers, pictures, strict=True)]
                return finished(arrived)
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
) -> Callable[[tuple[Sequence[bytes], bool]], list[Looked | Sorted | tuple[Reason, str]]]:
    find_many: FindMany | None = None
    if detector is not None:
        from mien.face import load_face_finder

        find_many = load_face_finder(detector).glance_all
    # What is loaded by now stays: looking through it for garbage takes a tenth of the time.
    gc.collect()
    gc.freeze()
    return partial(_look_there, keep=keep, find_many=find_many, near_copies=near_copies)


def _look_there(
    question: tuple[Sequence[bytes], bool],
    *,
    keep: Keep,
    find_many: FindMany | None,
    near_copies: bool,
) -> list[Looked | Sorted | tuple[Reason, str]]:
    """As `look_over`, or without `finished` where the question's second says so.

    A refusal travels as words, and a file that stays as it is not at all.
    """
    pictures, finish = question
    looked: Sequence[Looked | Sorted | Unusable] = sort_out(
        pictures, keep=keep, find_many=find_many, near_copies=near_copies
    )
    if finish:
        looked = finished(looked)
    return [
        (one.reason, one.message)
        if isinstance(one, Unusable)
        else (replace(one, data=b"") if one.data == data else one)
        for one, data in zip(looked, pictures, strict=True)
    ]


def _arrived(
    answer: Looked | Sorted | tuple[Reason, str], data: bytes
) -> Looked | Sorted | Unusable:
    if isinstance(answer, tuple):
        return Unusable(*answer)
    return answer if answer.data else replace(answer, data=data)
