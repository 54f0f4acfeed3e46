"""Which photos must stay on one side of a fold: near copies, the same bytes, photos of one person.

A copy of a photo in the other folds answers for it: a score out of fold would count memory as
skill. The evidence is the audit's own, cached beside the photos. Law: units follow from the photos
and their groups alone, not from a seed.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Int

from mien.audits.view import View
from mien.cache import Cache
from mien.dataset.splits import join_units
from mien.digest import digest_bytes, digest_json, digest_many
from mien.errors import DatasetError
from mien.records import Dataset, Progress, Say, no_progress, say_nothing
from mien.workflows.embedder import Embedder
from mien.workflows.measuring import Tools, measure_dataset, tools_with


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
    tools = tools_with(embedder)
    key = _key(dataset, tools)
    with Cache.open(dataset.root, say=say) as known:
        stored = known.get_many([key])
    if key in stored:
        pairs = [(first, second) for first, second in json.loads(stored[key])]
    else:
        pairs = _copies(dataset, tools, progress=progress, say=say)
        with Cache.open(dataset.root, say=say_nothing) as known:
            known.put_many({key: json.dumps(pairs).encode()})
    row = {photo.sha256: number for number, photo in enumerate(dataset.photos)}
    return join_units(dataset.photos, clusters=[[row[a], row[b]] for a, b in pairs])


def _copies(
    dataset: Dataset, tools: Tools, *, progress: Progress, say: Say
) -> list[tuple[str, str]]:
    """Near copies, by their digests: looking for them costs more than the training itself."""
    part, _ = measure_dataset(dataset, tools=tools, progress=progress, say=say)
    sha256 = [photo.sha256 for photo in part.dataset.photos]
    return [(sha256[twin.first], sha256[twin.second]) for twin in View(train=part).twins]


def _key(dataset: Dataset, tools: Tools) -> str:
    """Of the near copies among these photos, as these tools and the rules of today see them."""
    assert tools.embedder is not None
    return "copies:" + digest_json(
        [
            sorted({photo.sha256 for photo in dataset.photos}),
            tools.embedder.backbone.sha256,
            str(tools.embedder.preprocessing),
            tools.find_face.sha256,
            _rules(),
        ]
    )


@cache
def _rules() -> str:
    """What decides whether two photos are copies: a changed threshold must ask anew."""
    sources = files("mien.audits").iterdir()
    return digest_many(sorted(digest_bytes(one.read_bytes()) for one in sources if one.is_file()))


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
