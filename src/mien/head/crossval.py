"""Repeated stratified cross-validation of a recipe: how good it is on photos it has not seen.

Law: both embeddings of a photo, its own and its mirror image's, are on the same side of a fold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from mien.head.recipe import Recipe
from mien.records import Progress, no_progress


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """What cross-validation found.

    Attributes:
        folds: Parts in a repeat.
        repeats: How many times the photos were dealt into folds anew.
        n: Photos.
        fold_accuracy: ``(repeats, folds)``.
        fold_of: ``(repeats, n)``, the fold in which a photo was held out.
        probs: ``(repeats, n, classes)``, of the head that had not seen the photo.
        y_pred: ``(repeats, n)``.
        mean: Mean of the repeats' accuracies over all photos.
        sd: Their standard deviation (n - 1); 0 for one repeat.
    """

    folds: int
    repeats: int
    n: int
    mean: float
    sd: float
    fold_accuracy: Float32[np.ndarray, "r k"]
    fold_of: Int[np.ndarray, "r n"]
    probs: Float32[np.ndarray, "r n c"]
    y_pred: Int[np.ndarray, "r n"]


def cross_validate(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    mirrored: Float32[np.ndarray, "n d"] | None,
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    folds: int,
    repeats: int,
    seed: int,
    n_classes: int,
    progress: Progress = no_progress,
) -> CrossValidation:
    """Deal the photos into folds, train on all but one, predict that one.

    Raises:
        DatasetError: A class has fewer photos than there are folds.
        RecipeError: Fewer than 2 folds, or fewer than 1 repeat.
    """
    raise NotImplementedError
