"""Fetches what a search offers, keeps what can be used, and accounts for every address once.

Law: no picture is fetched twice; what was forgotten stays forgotten; one collector at a time works
in a folder. Read on in `running` (threads), `judging` (one picture) and `books` (what is written).
Knows nothing of quotas and of the command line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mien.collecting import ledger
from mien.collecting.books import Books
from mien.collecting.connection import Browser
from mien.collecting.inventory import held_photos
from mien.collecting.judging import Judge
from mien.collecting.licences import allows
from mien.collecting.locking import alone
from mien.collecting.records import Candidate, Gathered, Search, Unusable
from mien.collecting.running import Run
from mien.collecting.settings import Settings
from mien.collecting.sources import SourceContext, source_entry
from mien.records import Progress, Say, no_progress, say_nothing


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
        self.into: Final = into
        self._settings: Final = settings
        self._browser: Final = browser
        self._say: Final = say
        self._warned: Final[set[str]] = set()
        self._n_known = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(alone(self.into, wait_s=0.0))
            held = held_photos(self.into)
            self._forgotten = ledger.Forgotten.of(ledger.read_tombstones(self.into))
            self._books = stack.enter_context(Books(self.into, held))
            self._judge = Judge(
                settings=self._settings, browser=self._browser, books=self._books,
                forgotten=self._forgotten,
            )  # fmt: skip
            stack.callback(self._judge.close)
            for photo in held:
                self._judge.take_in(photo)
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
        run = Run(
            self._judge, self._books, search=search, candidates=self._candidates(search),
            settings=self._settings, limit=limit, target=target, progress=progress, say=self._say,
        )  # fmt: skip
        self._n_known = 0
        try:
            return replace(run.go(), known=self._n_known)
        finally:
            self._books.write()

    def gathered(self, search: Search) -> Gathered:
        """What a search gave so far."""
        return self._books.gathered(search)

    def _candidates(self, search: Search) -> Iterator[Candidate]:
        """What the source offers and is not known yet; licences are judged here."""
        context = SourceContext(
            browser=self._browser,
            base_url=dict(self._settings.base_urls).get(search.source),
            codes=self._settings.codes,
        )
        for candidate in source_entry(search.source).search(search.query, context):
            known = self._books.lines.get(candidate.url)
            if known is not None or self._forgotten.has_url(candidate.url):
                self._n_known += known is not None and known.search != search
                continue
            if not allows(candidate.licence, self._settings.codes):
                refusal = Unusable("licence", candidate.licence or "none")
                self._judge.give_up(candidate, search, refusal)
                continue
            yield candidate
