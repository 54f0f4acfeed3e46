"""Looks at photos in the background, so that one without a usable face says so at once.

It embeds and measures photos through the project's cache with the default recipe: what a training
would do first. So the training has little left to do, and what it will leave out is known before.
Photos that come in are looked at in passing, while they are open for the verdict on them.
Law: it changes nothing but the cache; where backbone or detector are missing it rests and says so.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mien.cache import Cache
from mien.digest import digest_file
from mien.errors import UserError
from mien.image.decode import Look, look_away
from mien.records import Photo, say_nothing
from mien.studio.listing import Item, Listing
from mien.studio.project import Project

if TYPE_CHECKING:
    from mien.backbone.embed import Glean
    from mien.workflows.embedder import Embedder

_BATCH: Final = 16
_REST_S: Final = 2.0
# For so long what comes in is looked at in passing: who brings some hundred photos trains next, and
# what is done by then need not be waited for. Who brings thousands wants to see them first.
_LONGEST_IN_PASSING_S: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is known of a listing's photos.

    Attributes:
        version: Changes when more is known.
        looked_at: How many photos were looked at.
        faceless: Class → photos that cannot be used, mostly for want of a face.
    """

    version: int
    looked_at: int
    faceless: dict[str, int]


class Watch:
    """The background thread of one project.

    Args:
        project: Whose photos are looked at.
        is_busy: Whether a job runs: a training embeds the same photos, and twice is too often.

    Attributes:
        reasons: (name, version) of a photo → why it cannot be used, None where it can.
        trouble: Why nothing is looked at, None where all is well.
    """

    def __init__(self, project: Project, *, is_busy: Callable[[], bool] = lambda: False) -> None:
        self._project = project
        self._is_busy = is_busy
        self.reasons: dict[tuple[str, str], str | None] = {}
        self.trouble: str | None = None
        self._wake = threading.Event()
        self._stop = False
        self._coming_since = self._came_last = -math.inf
        self._loading = threading.Lock()
        self._loaded: Embedder | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop = True
        self._wake.set()

    def wake(self) -> None:
        """Say that there are new photos."""
        self._wake.set()

    @contextmanager
    def in_passing(self, sha256s: Sequence[str]) -> Iterator[Look]:
        """Look at photos that are open because they are being stored: what is seen is remembered.

        Args:
            sha256s: Of the photos' bytes.

        Yields:
            What takes a photo; may be called from many threads. It does nothing while a job runs,
            where photos have been coming for long, or where backbone or detector are missing: the
            background thread will come to them.
        """
        now = _now()
        if now - self._came_last > _LONGEST_IN_PASSING_S:  # these are others than those before
            self._coming_since = now
        self._came_last = now
        wanted = now - self._coming_since < _LONGEST_IN_PASSING_S and not self._is_busy()
        embedder = self._embedder_at_hand() if wanted else None
        if embedder is None:
            yield look_away
            return
        with (
            Cache.open(self._project.root) as cache,
            embedder.in_passing(sha256s, cache=cache, glean=self._glean) as look,
        ):
            yield look

    def summary(self, listing: Listing) -> Summary:
        """What is known now."""
        known = dict(self.reasons)
        faceless = {
            label: sum(bool(known.get((i.name, i.version))) for i in items)
            for label, items in listing.photos.items()
        }
        return Summary(version=len(known), looked_at=len(known), faceless=faceless)

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()
            try:
                while not self._stop and not self._is_busy() and self._look():
                    pass
            except UserError as error:
                self.trouble = str(error)
            except OSError as error:  # the folder was taken away: it may come back
                self.trouble = str(error)
            self._wake.wait(_REST_S)

    def _look(self) -> bool:
        """Look at some photos; whether there were any."""
        new = [
            item
            for items in self._project.listing().photos.values()
            for item in items
            if (item.name, item.version) not in self.reasons
        ][:_BATCH]
        if new:
            self._judge(new)
        return bool(new)

    def _judge(self, items: Sequence[Item]) -> None:
        photos = []
        for item in items:
            try:
                photos.append(Photo(path=item.path, name=item.name, sha256=digest_file(item.path)))
            except OSError:  # moved away since it was listed
                self.reasons[item.name, item.version] = None
        with Cache.open(self._project.root) as cache:
            embedded = self._embedder.embed(photos, cache=cache, glean=self._glean)
        said = {reject.path: reject.reason for reject in embedded.rejects}
        for item in items:
            self.reasons[item.name, item.version] = said.get(item.name)

    def _embedder_at_hand(self) -> Embedder | None:
        try:
            return self._embedder
        except UserError as error:
            self.trouble = str(error)
            return None

    @property
    def _glean(self) -> Glean | None:
        from mien.workflows.measuring import gleaner

        return gleaner(self._embedder)

    @property
    def _embedder(self) -> Embedder:
        with self._loading:
            if self._loaded is None:
                self._loaded = _embedder()
            return self._loaded


def _now() -> float:
    return time.monotonic()


def _embedder() -> Embedder:
    from mien.head.recipe import recipe_from
    from mien.workflows.embedder import embedder_for, with_detector_at_hand
    from mien.workflows.train import DEFAULT_RECIPE

    return embedder_for(with_detector_at_hand(recipe_from(DEFAULT_RECIPE), say=say_nothing))
