"""Which photos must stay on one side of a fold: near copies, the same bytes, photos of one person.

A copy of a photo in the other folds answers for it: a score out of fold would count memory as
skill. The evidence is the audit's own, cached beside the photos. Law: units follow from the photos
and their groups alone, not from a seed.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from mien.audits.view import View
from mien.dataset.splits import join_units
from mien.errors import DatasetError
from mien.face import default_detector, load_face_finder
from mien.records import Dataset, Progress, Say, no_progress, say_nothing
from mien.workflows.embedder import Embedder
from mien.workflows.measuring import Tools, measure_dataset


def units_of(
    dataset: Dataset,
    *,
    embedder: Embedder,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> Int[np.ndarray, " n"]:
    """Number the units of photos that folds keep together.

    Args:
        dataset: Photos that can be embedded.
        embedder: Whose embeddings and faces help to find near copies.
        progress: Told photos that are measured.
        say: Told where the cache went.
    """
    finder = embedder.find_face or load_face_finder(default_detector())
    tools = Tools(embedder=embedder, no_embedder="", find_face=finder)
    part, _ = measure_dataset(dataset, tools=tools, progress=progress, say=say)
    row = {photo.name: number for number, photo in enumerate(dataset.photos)}
    unit = View(train=part).units
    found: dict[int, list[int]] = {}
    for name, number in zip(part.names, unit.tolist(), strict=True):
        found.setdefault(number, []).append(row[name])
    return join_units(dataset.photos, clusters=list(found.values()))


def require_units(dataset: Dataset, *, units: Int[np.ndarray, " n"], minimum: int) -> None:
    """Stop where a class has too few units to be dealt into folds.

    Raises:
        DatasetError: One error that names every such class with its count.
    """
    labels = np.array([photo.label for photo in dataset.photos])
    counts = {label: len(np.unique(units[labels == label])) for label in dataset.classes}
    short = [f"class '{label}' has {n}" for label, n in counts.items() if n < minimum]
    if short:
        raise DatasetError(
            f"{', '.join(short)} persons or photos that are no copies of each other, folds need at "
            f"least {minimum}",
            "Photos of one person, and copies, stay in one fold. Ask for fewer folds, or add "
            "photos of others.",
        )


def people_of(dataset: Dataset) -> Int[np.ndarray, " n"]:
    """Units as far as they can be told without opening a picture: equal bytes and persons."""
    return join_units(dataset.photos)


def clusters_of(units: Int[np.ndarray, " n"]) -> list[str] | None:
    """Units as the statistics take them: None where no photos belong together."""
    return None if len(np.unique(units)) == len(units) else [str(unit) for unit in units]
