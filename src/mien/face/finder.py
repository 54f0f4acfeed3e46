"""From a detector's name to something that finds faces.

Law: a name always means the same files and settings. Where the file of `yunet` is missing, asking
for it is an error: another detector would crop other pixels than the model was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mien.errors import FetchError
from mien.face.catalogue import DETECTORS, detector_entry
from mien.fetch import fetch, find
from mien.records import Face, Pixels, Progress, no_progress


class FindsAll(Protocol):
    """A `FaceFinder` that can also name every face it sees."""

    name: str
    sha256: str

    def __call__(self, image: Pixels) -> Face | None:
        """Find the largest confident face in an upright RGB image."""

    def find_all(self, image: Pixels) -> tuple[Face, ...]:
        """Find every face, the one that `__call__` returns first."""

    def glance(self, image: Pixels) -> tuple[Face, ...]:
        """As `find_all`, perhaps faster and with coarser boxes."""

    def glance_all(self, images: Sequence[Pixels]) -> list[tuple[Face, ...]]:
        """As `glance`, of several images, perhaps faster still."""


def load_face_finder(
    name: str, *, download: bool = False, progress: Progress = no_progress
) -> FindsAll:
    """Load the detector called `name`.

    Args:
        name: In `DETECTORS`.
        download: Whether its file may be fetched from the network.
        progress: Told the bytes of a download.

    Raises:
        RecipeError: There is no such detector.
        FetchError: Its file cannot be had; the hint names the ways to have it.
    """
    entry = detector_entry(name)
    if entry.source is None:
        from mien.face.haar import Haar

        return Haar(entry.cascades)
    from mien.face.yunet import YuNet

    return YuNet(fetch(entry.source, download=download, progress=progress))


def default_detector() -> str:
    """Name of the detector for a new recipe: `yunet` where its file is at hand, else `haar`.

    Asked once, when a model is trained; the answer stands in the model's preprocessing string.
    """
    source = DETECTORS["yunet"].source
    assert source is not None
    try:
        return "yunet" if find(source) else "haar"
    except FetchError:
        # The mirror holds another file of that name. Whoever asks for yunet by name is told.
        return "haar"
