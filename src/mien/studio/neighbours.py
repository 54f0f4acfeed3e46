"""The photos most like a doubtful one, so that a person can judge its label beside them.

Embeddings come from the cache that the audit has just filled. Law: likeness is the cosine between
embeddings of the recipe `expression`; a photo is never its own neighbour. Knows no pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mien.dataset.folder import read_dataset
from mien.head.recipe import recipe_from
from mien.records import Progress, no_progress, say_nothing
from mien.workflows.embedder import embedder_for, with_detector_at_hand
from mien.workflows.train import DEFAULT_RECIPE

N_NEIGHBOURS: Final = 6


def nearest_photos(
    root: Path, names: Sequence[str], *, progress: Progress = no_progress
) -> dict[str, list[str]]:
    """Names of the photos in `root` that are most like each of `names`, nearest first.

    Photos without an embedding have no neighbours and are left out.
    """
    if not names:
        return {}
    recipe = with_detector_at_hand(recipe_from(DEFAULT_RECIPE), say=say_nothing)
    dataset, embedded = embedder_for(recipe).embed_dataset(read_dataset(root), progress=progress)
    rows = {photo.name: i for i, photo in enumerate(dataset.photos)}
    norms = np.linalg.norm(embedded.values, axis=1, keepdims=True)
    unit = embedded.values / np.maximum(norms, np.finfo(np.float32).tiny)
    found = {}
    for name in names:
        if name in rows:
            alike = unit @ unit[rows[name]]
            alike[rows[name]] = -np.inf
            order = np.argsort(-alike, kind="stable")[:N_NEIGHBOURS]
            found[name] = [dataset.photos[i].name for i in order if np.isfinite(alike[i])]
    return found
