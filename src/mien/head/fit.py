"""Fit heads on embeddings; the only file that knows JAX.

`fit` is what the rest of mien calls: it checks the input and hands a recipe to the solver of its
kind of head. The mlp is Teachable Machine's, step for step. Sources:
`libraries/image/src/teachable-mobilenet.ts` of googlecreativelab/teachablemachine-community
(layers, loss, split, order) and TensorFlow.js (`VarianceScaling`, whose truncated normal is not
rescaled as Keras's is; `AdamOptimizer`, epsilon outside the root and after bias correction;
`categoricalCrossentropy`, probabilities clipped to 1e-7).

Law: a head depends on its own photos, recipe and seed alone, to the last bit: not on the seeds
trained beside it, nor on the epochs at which it was looked at.

One head at a time fills a core: a step moves the kernel and its two moments (1.5 MB), which fit
into L2 once but not eight times. So seeds go side by side on threads (XLA lets go of the
interpreter), and `vmap` is left to accelerators.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from mien.errors import DatasetError, RecipeError
from mien.head.calibrate import Calibration, calibrate, with_temperature
from mien.head.fitted import Fitted, History, accuracy, logits, predict_probs
from mien.head.logistic import fit_logistic
from mien.head.recipe import Recipe
from mien.head.split import hidden_split
from mien.records import Dense, Head, Progress, no_progress

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
_SEGMENT_EPOCHS = 50  # between two looks at the clock: a fraction of a second


def fit(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    mirrored: Float32[np.ndarray, "n d"] | None,
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    seeds: Sequence[int],
    n_classes: int,
    marks: Sequence[int] = (),
    progress: Progress = no_progress,
) -> list[Fitted]:
    """Fit one head a seed.

    Args:
        embeddings: Of the training photos.
        mirrored: Of their mirror images; needed where the recipe uses mirror images, else None.
        y: Class numbers of the photos, each of 0 … `n_classes` - 1 at least twice.
        recipe: All settings.
        seeds: Each gives its own split, order, start and inner folds.
        n_classes: How many classes there are.
        marks: Epochs before the last at which an mlp is kept as well.
        progress: Told in epochs (mlp) or heads (logistic) over all seeds.

    Returns:
        Seed by seed in the order given; with marks, each seed's heads by rising epochs.

    Raises:
        DatasetError: The arrays do not fit each other, or a class has too few photos.
        RecipeError: A mark is not below the recipe's epochs, or mirror images are missing.
    """
    check_input(embeddings, mirrored=mirrored, y=y, recipe=recipe, n_classes=n_classes)
    if recipe.head == "mlp":
        return fit_mlp(
            embeddings,
            mirrored=mirrored,
            y=y,
            recipe=recipe,
            seeds=seeds,
            n_classes=n_classes,
            marks=marks,
            progress=progress,
        )
    raise NotImplementedError


def as_seen(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    mirrored: Float32[np.ndarray, "n d"] | None,
    recipe: Recipe,
) -> Float32[np.ndarray, "n d"]:
    """Embeddings as the recipe's head sees photos to predict: averaged with the mirror's or not."""
    raise NotImplementedError
