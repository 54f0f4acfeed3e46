"""Where a run's photos are from: the lines of the ledger that hold for what was trained on.

They are copied into the run folder, so that credits can be given for a model whose photos have
moved on. Law: a line is told by the photo's bytes, never by its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mien.collecting.ledger import SourceLine, read_sources
from mien.records import Dataset


@dataclass(frozen=True, kw_only=True)
class PhotoSources:
    """Where the photos of a run are from, counted.

    Attributes:
        n_known: Photos that the ledger has a line of.
        n_unknown: The others: nothing is recorded of their licence and creator.
        by_source: Photos a source.
        by_licence: Photos a licence; ``"none stated"`` among them.
    """

    n_known: int
    n_unknown: int
    by_source: Mapping[str, int]
    by_licence: Mapping[str, int]


def ledger_of(dataset: Dataset) -> tuple[SourceLine, ...]:
    """The ledger's lines of a dataset's photos, each under the name that its photo has now.

    Raises:
        DatasetError: The folder's ``sources.csv`` cannot be read.
    """
    known = {line.sha256: line for line in read_sources(dataset.root)}
    return tuple(
        replace(known[photo.sha256], path=photo.name, label=photo.label or "", state="kept")
        for photo in dataset.photos
        if photo.sha256 in known
    )


def summarise_sources(lines: Sequence[SourceLine], *, n_photos: int) -> PhotoSources | None:
    """Count the lines; None where nothing is known of any photo."""
    if not lines:
        return None
    return PhotoSources(
        n_known=len(lines),
        n_unknown=n_photos - len(lines),
        by_source=dict(Counter(line.source for line in lines).most_common()),
        by_licence=dict(Counter(line.licence or "none stated" for line in lines).most_common()),
    )
