"""From a candidate to a verdict: fetched, looked over, compared with what is there, kept or noted.

Three steps, each for threads of its own; the last takes several pictures at once, because aligning
and flushing cost little more for ten than for one. A kept photo is first written into the journal,
then to disk under the name of its digest: a kill in between leaves a line without a file, which the
next start takes out again, and never a file without a line. Knows nothing of schedules and of what
a search still needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from mien.collecting.books import Books
from mien.collecting.cleaning import check_type
from mien.collecting.connection import MAX_TEXT_BYTES, Browser
from mien.collecting.copies import Copy, CopyIndex, Newcomer, look_at
from mien.collecting.inventory import HeldPhoto
from mien.collecting.journal import INBOX
from mien.collecting.ledger import Forgotten
from mien.collecting.looking import Looked, Looker
from mien.collecting.politeness import Robots
from mien.collecting.records import Candidate, Line, Reason, Search, Unusable
from mien.collecting.settings import Settings
from mien.collecting.sources import source_entry
from mien.digest import digest_bytes
from mien.errors import PhotoError
from mien.files import write_many
from mien.image.decode import decode, read_photo_bytes
from mien.image.preprocessing import upright_pixels

# Files that are flushed at once: more gains nothing on a solid-state disk.
_WRITERS: Final = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Fetched:
    """A picture that arrived and that nobody has looked at.

    Attributes:
        candidate: What it was offered as.
        search: What found it.
        data: Its bytes.
        sha256: Of these.
    """

    candidate: Candidate
    search: Search
    data: bytes
    sha256: str


Verdict: TypeAlias = Looked | Unusable


@dataclass(frozen=True, kw_only=True, eq=False)
class _Usable:
    """A picture that is kept if it is new.

    Attributes:
        looked: The file to keep and what is compared.
        sha256: Of that file.
        path: Where it will lie, relative to the dataset's folder.
    """

    looked: Looked
    sha256: str
    path: str


class Judge:
    """Decides on pictures in the light of all that is there.

    Args:
        settings: How.
        browser: Fetches.
        books: What was decided before, and where verdicts are written.
        forgotten: What must not come back.
    """

    def __init__(
        self, *, settings: Settings, browser: Browser, books: Books, forgotten: Forgotten
    ) -> None:
        self._settings: Final = settings
        self._browser: Final = browser
        self._books: Final = books
        self._forgotten: Final = forgotten
        self._robots: Final = Robots(self._get_robots)
        self._index: Final = CopyIndex()
        self._looker: Final = Looker(settings)
        self._writers: Final = ThreadPoolExecutor(_WRITERS, thread_name_prefix="collect-write")
        self._lock: Final = threading.Lock()
        self._seen: Final = {line.fetched_sha256 for line in books.lines.values()} - {""}

    @property
    def n_looking(self) -> int:
        """How many threads may look at once to some gain."""
        return self._looker.n_threads

    def take_in(self, photo: HeldPhoto) -> None:
        """Say that a photo is there, so that copies of it are refused."""
        self._seen.add(photo.sha256)
        if not self._settings.near_copies:
            return
        try:
            pixels = upright_pixels(decode(photo.path.read_bytes()))
        except (PhotoError, OSError):
            return  # the audit names it; nothing can be a copy of what shows nothing
        self._index.add(photo.name, look_at(pixels))

    def expect(self, n: int) -> None:
        """Say that up to `n` pictures will come."""
        self._looker.expect(n)

    def close(self) -> None:
        """End what looks pictures over, and what writes them."""
        self._looker.close()
        self._writers.shutdown()

    def hang_up(self) -> None:
        """Break off what is being fetched."""
        self._browser.hang_up()

    def fetch(self, candidate: Candidate, search: Search) -> Fetched | Line:
        """Fetch one picture, from any thread.

        Args:
            candidate: What to fetch.
            search: What found it.

        Returns:
            The picture; or what was written down, where it is none or was there before.

        Raises:
            Unusable: Where asking again may help.
        """
        sha256 = ""
        try:
            data, content_type = self._fetch(candidate)
            check_type(data, content_type=content_type)
            sha256 = digest_bytes(data)
            self._refuse_known(sha256)
        except Unusable as error:
            if error.retry_after_s is not None:
                raise
            return self.give_up(candidate, search, error, fetched_sha256=sha256)
        return Fetched(candidate=candidate, search=search, data=data, sha256=sha256)

    def look(self, pictures: Sequence[Fetched]) -> list[Verdict]:
        """Look pictures over, from any thread."""
        return self._looker([one.data for one in pictures])

    def decide(
        self, pictures: Sequence[tuple[Fetched, Verdict]], room: Callable[[], bool]
    ) -> list[Line | None]:
        """Keep what is usable and new, and write down what came of all, from one thread at a time.

        Args:
            pictures: What was fetched, and how it looks; the first to come first.
            room: Asked before a picture is kept; False leaves it for another run.

        Returns:
            What was written down of each; None where there was no room.
        """
        found = [self._placed(fetched, verdict) for fetched, verdict in pictures]
        admitted = iter(self._admit([one for one in found if isinstance(one, _Usable)], room))
        lines: list[Line | None] = []
        files: dict[Path, bytes] = {}
        for (fetched, _), one in zip(pictures, found, strict=True):
            verdict = next(admitted) if isinstance(one, _Usable) else one
            if isinstance(verdict, _Usable):
                lines.append(_kept(fetched, verdict))
                files[self._books.folder / verdict.path] = verdict.looked.data
            elif isinstance(verdict, Unusable):
                lines.append(_refused(fetched.candidate, fetched.search, verdict, fetched.sha256))
            else:
                self._seen.discard(fetched.sha256)
                lines.append(None)
        written = [line for line in lines if line is not None]
        self._write_down(written)
        write_many(files, pool=self._writers)
        self._books.placed(line for line in written if line.reason is None)
        return lines

    def give_up(
        self, candidate: Candidate, search: Search, error: Unusable, *, fetched_sha256: str = ""
    ) -> Line:
        """Account for a picture that is not kept."""
        line = _refused(candidate, search, error, fetched_sha256)
        self._write_down([line])
        return line

    def _write_down(self, lines: Sequence[Line]) -> None:
        # Of what was forgotten not even the address is written.
        self._books.add([line for line in lines if line.reason != "forgotten"])

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

    def _get_robots(self, url: str) -> bytes:
        return self._browser.get(url, max_bytes=MAX_TEXT_BYTES, accept="text/plain").data

    def _refuse_known(self, sha256: str) -> None:
        if sha256 in self._forgotten.photos:
            raise _forgotten()
        with self._lock:
            if sha256 in self._seen:
                raise Unusable("copy", "the same file was fetched before")
            self._seen.add(sha256)

    def _placed(self, fetched: Fetched, verdict: Verdict) -> _Usable | Unusable:
        """Where a picture will lie if it is kept."""
        if isinstance(verdict, Unusable):
            return verdict
        sha256 = digest_bytes(verdict.data)
        if sha256 in self._forgotten.photos:
            return _forgotten()
        label = fetched.search.label
        folder = label if self._settings.accept and label else INBOX
        path = f"{folder}/{fetched.candidate.source}-{sha256[:16]}{verdict.ending}"
        return _Usable(looked=verdict, sha256=sha256, path=path)

    def _admit(
        self, pictures: Sequence[_Usable], room: Callable[[], bool]
    ) -> list[_Usable | Unusable | None]:
        """The pictures that are new and have room; why not; None without room."""
        looks = [(one.path, one.looked.look) for one in pictures]
        newcomers = [Newcomer(name=name, look=look) for name, look in looks if look is not None]
        if len(newcomers) == len(pictures):
            verdicts = self._index.admit(newcomers, claim=room)
        else:  # near copies are not looked for
            verdicts = [room() for _ in pictures]
        return [
            _copied(verdict) if isinstance(verdict, Copy) else (one if verdict else None)
            for one, verdict in zip(pictures, verdicts, strict=True)
        ]


def _kept(fetched: Fetched, usable: _Usable) -> Line:
    look = usable.looked.look
    return Line(
        url=fetched.candidate.url, search=fetched.search, reason=None, path=usable.path,
        sha256=usable.sha256, fetched_sha256=fetched.sha256,
        phash="" if look is None else f"{int(look.hashes[0]):016x}",
        candidate=fetched.candidate, edits=usable.looked.edits, fetched_at=_now(),
    )  # fmt: skip


def _refused(candidate: Candidate, search: Search, error: Unusable, fetched_sha256: str) -> Line:
    return Line(
        url=candidate.url, search=search, reason=error.reason, detail=error.message,
        fetched_sha256="" if error.reason == "forgotten" else fetched_sha256,
        candidate=candidate, fetched_at=_now(),
    )  # fmt: skip


def _copied(copy: Copy) -> Unusable:
    reason: Reason = "mirrored copy" if copy.mirrored else "copy"
    return Unusable(reason, f"{reason} of {copy.of}")


def _forgotten() -> Unusable:
    return Unusable("forgotten", "was forgotten on request")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
