"""How to collect: what the user chose, as the parts of a collector read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.collecting.connection import MAX_PICTURE_BYTES
from mien.collecting.politeness import Manners
from mien.collecting.records import Keep
from mien.collecting.triage import FindFaces


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to collect.

    Attributes:
        keep: ``"original"`` bytes without metadata, or ``"clean"``: encoded anew.
        accept: Put usable photos into their class folder at once, not into the inbox.
        codes: Licence codes that may be kept; None for all, stated or not.
        manners: How hard hosts may be asked.
        workers: Threads that fetch and look.
        robots: Whether robots.txt is heeded for pictures. APIs have their own terms.
        max_bytes: The largest file that is fetched.
        find_faces: For the triage; None keeps every picture that can be read.
        near_copies: Whether re-encoded, cropped and mirrored copies are looked for; equal files
            are refused in any case.
        processes: How many look pictures over beside ours, once there are many; 0 for none.
        detector: The name of the one that `find_faces` asks: what processes load.
        base_urls: Source -> address that stands in for its own, for tests and mirrors.
    """

    keep: Keep = "original"
    accept: bool = False
    codes: frozenset[str] | None = None
    manners: Manners = field(default_factory=Manners)
    workers: int = 16
    robots: bool = True
    max_bytes: int = MAX_PICTURE_BYTES
    find_faces: FindFaces | None = None
    near_copies: bool = True
    processes: int = 0
    detector: str | None = None
    base_urls: tuple[tuple[str, str], ...] = ()
