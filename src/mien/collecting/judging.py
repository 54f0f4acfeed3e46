"""From a candidate to a verdict: fetched, checked, cleaned, sorted, compared, kept or noted.

A kept photo is first written into the journal, then to disk under the name of its digest: a kill in
between leaves a line without a file, which the next start takes out again, and never a file without
a line. Safe to use from many threads. Knows nothing of schedules and of what a search still needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien.collecting.books import Books
from mien.collecting.cleaning import check_type
from mien.collecting.connection import MAX_TEXT_BYTES, Browser
from mien.collecting.copies import Copy, CopyIndex, Look, look_at
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
from mien.files import write_bytes
from mien.image.decode import decode, read_photo_bytes
from mien.image.preprocessing import upright_pixels


class Judge:
    """Decides on one picture at a time, in the light of all that is there.

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
        self._lock: Final = threading.Lock()
        self._seen: Final = {line.fetched_sha256 for line in books.lines.values()} - {""}

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

    def judge(self, candidate: Candidate, search: Search, room: Callable[[], bool]) -> Line | None:
        """Fetch one picture and decide on it.

        Args:
            candidate: What to fetch.
            search: What found it.
            room: Asked under a lock before a picture is kept; False leaves it for another run.

        Returns:
            What was written down; None where there was no room.

        Raises:
            Unusable: Where asking again may help.
        """
        fetched_sha256 = ""
        try:
            data, content_type = self._fetch(candidate)
            check_type(data, content_type=content_type)
            fetched_sha256 = digest_bytes(data)
            self._refuse_known(fetched_sha256)
            looked = self._looker(data)
            return self._keep(candidate, search, looked, fetched_sha256, room)
        except Unusable as error:
            if error.retry_after_s is not None:
                raise
            return self.give_up(candidate, search, error, fetched_sha256=fetched_sha256)

    def expect(self, n: int) -> None:
        """Say that up to `n` pictures will come."""
        self._looker.expect(n)

    def close(self) -> None:
        """End what looks pictures over."""
        self._looker.close()

    def hang_up(self) -> None:
        """Break off what is being fetched."""
        self._browser.hang_up()

    def give_up(
        self, candidate: Candidate, search: Search, error: Unusable, *, fetched_sha256: str = ""
    ) -> Line:
        """Account for a picture that is not kept."""
        line = Line(
            url=candidate.url, search=search, reason=error.reason, detail=error.message,
            fetched_sha256="" if error.reason == "forgotten" else fetched_sha256,
            candidate=candidate, fetched_at=_now(),
        )  # fmt: skip
        if error.reason != "forgotten":  # of what was forgotten not even the address is written
            self._books.add(line)
        return line

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

    def _refuse_known(self, fetched_sha256: str) -> None:
        self._refuse_forgotten(fetched_sha256)
        with self._lock:
            if fetched_sha256 in self._seen:
                raise Unusable("copy", "the same file was fetched before")
            self._seen.add(fetched_sha256)

    def _refuse_forgotten(self, sha256: str) -> None:
        if sha256 in self._forgotten.photos:
            raise Unusable("forgotten", "was forgotten on request")

    def _keep(
        self, candidate: Candidate, search: Search, looked: Looked, fetched_sha256: str,
        room: Callable[[], bool],
    ) -> Line | None:  # fmt: skip
        sha256 = digest_bytes(looked.data)
        self._refuse_forgotten(sha256)
        folder = search.label if self._settings.accept and search.label else INBOX
        path = f"{folder}/{candidate.source}-{sha256[:16]}{looked.ending}"
        phash = self._admit(path, looked.look, room)
        if phash is None:
            with self._lock:
                self._seen.discard(fetched_sha256)
            return None
        line = Line(
            url=candidate.url, search=search, reason=None, path=path, sha256=sha256,
            fetched_sha256=fetched_sha256, phash=phash, candidate=candidate, edits=looked.edits,
            fetched_at=_now(),
        )  # fmt: skip
        self._books.add(line)
        write_bytes(self._books.folder / path, looked.data)
        self._books.placed(line)
        return line

    def _admit(self, path: str, look: Look | None, room: Callable[[], bool]) -> str | None:
        """The perceptual hash of a picture that is new and has room; None without room."""
        if look is None:
            with self._lock:
                return "" if room() else None
        verdict = self._index.admit(path, look, claim=room)
        if isinstance(verdict, Copy):
            reason: Reason = "mirrored copy" if verdict.mirrored else "copy"
            raise Unusable(reason, f"{reason} of {verdict.of}")
        return f"{int(look.hashes[0]):016x}" if verdict else None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
