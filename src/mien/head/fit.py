"""Fit heads on embeddings: check what came in, then hand it to the solver of the kind of head.

Knows neither photos nor files. Law: one seed's head does not depend on the other seeds asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int

from mien.errors import DatasetError, RecipeError
from mien.head.fitted import Fitted, Watch, watch_nothing
from mien.head.logistic import fit_logistic
from mien.head.mlp import fit_mlp
from mien.head.recipe import Recipe
from mien.records import Progress, no_progress


def fit(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    mirrored: Float32[np.ndarray, "n d"] | None,
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    seeds: Sequence[int],
    n_classes: int,
    units: Int[np.ndarray, " n"] | None = None,
    marks: Sequence[int] = (),
    workers: int | None = None,
    progress: Progress = no_progress,
    watch: Watch = watch_nothing,
) -> list[Fitted]:
    """Fit one head a seed.

    Args:
        embeddings: Of the training photos.
        mirrored: Of their mirror images; needed where the recipe uses mirror images, else None.
        y: Class numbers of the photos, each of 0 … `n_classes` - 1 at least twice.
        recipe: All settings.
        seeds: Each gives its own split, order, start and inner folds.
        n_classes: How many classes there are.
        units: Photos with equal numbers, such as copies and photos of one person, are in one inner
            fold of a logistic head. An mlp's held-out photos are Teachable Machine's: photo by
            photo.
        marks: Epochs before the last at which an mlp is kept as well.
        workers: Threads for seeds of an mlp; as many as cores where None.
        progress: Told in epochs (mlp) or heads (logistic) over all seeds.
        watch: Told the epochs of an mlp while they go on.

    Returns:
        Seed by seed in the order given; with marks, each seed's heads by rising epochs.

    Raises:
        DatasetError: The arrays do not fit each other, or a class has too few photos.
        RecipeError: A mark is not below the recipe's epochs, mirror images are missing, or there
            is nothing to calibrate on.

    Example:
        >>> from mien.head.recipe import recipe_from
        >>> x = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]]
        >>> recipe = recipe_from("teachable-machine", head="logistic")
        >>> fit(x, mirrored=None, y=np.array([0, 0, 1, 1]), recipe=recipe, seeds=[7], n_classes=2)[
        ...     0
        ... ].validation_accuracy
        1.0
    """
    _check(embeddings, mirrored=mirrored, y=y, recipe=recipe, n_classes=n_classes, marks=marks)
    seen = as_seen(embeddings, mirrored=mirrored, recipe=recipe)
    views = (embeddings, mirrored) if recipe.mirror_photos and mirrored is not None else (seen,)
    if recipe.head == "logistic":
        return fit_logistic(
            seen,
            views=views,
            y=y,
            recipe=recipe,
            seeds=seeds,
            n_classes=n_classes,
            units=units,
            progress=progress,
        )
    return fit_mlp(
        seen,
        views=views,
        y=y,
        recipe=recipe,
        seeds=seeds,
        n_classes=n_classes,
        marks=marks,
        workers=workers,
        progress=progress,
        watch=watch,
    )


def as_seen(
    embeddings: Float32[np.ndarray, "n d"],
    *,
    mirrored: Float32[np.ndarray, "n d"] | None,
    recipe: Recipe,
) -> Float32[np.ndarray, "n d"]:
    """Embeddings as the recipe's head sees photos to predict: averaged with the mirror's or not.

    Raises:
        RecipeError: The recipe averages, and there are no mirror images.
    """
    if not recipe.average_mirror:
        return embeddings
    if mirrored is None:
        raise _no_mirror(recipe)
    return np.asarray((embeddings + mirrored) / np.float32(2))


def needs_mirror(recipe: Recipe) -> bool:
    """Whether training needs the mirror images' embeddings."""
    return recipe.average_mirror or recipe.mirror_photos


def _check(
    embeddings: np.ndarray,
    *,
    mirrored: np.ndarray | None,
    y: np.ndarray,
    recipe: Recipe,
    n_classes: int,
    marks: Sequence[int],
) -> None:
    n = len(y)
    if embeddings.ndim != 2 or len(embeddings) != n:
        raise DatasetError(f"embeddings have shape {embeddings.shape}, expected ({n}, d)", "")
    if mirrored is not None and mirrored.shape != embeddings.shape:
        raise DatasetError(
            f"mirrored embeddings have shape {mirrored.shape}, expected {embeddings.shape}", ""
        )
    if needs_mirror(recipe) and mirrored is None:
        raise _no_mirror(recipe)
    if not np.isfinite(embeddings).all() or (
        mirrored is not None and not np.isfinite(mirrored).all()
    ):
        raise DatasetError("embeddings hold numbers that are not finite", "")
    _check_classes(y, n_classes=n_classes)
    if recipe.head == "mlp" and recipe.calibrate and recipe.validation_fraction == 0:
        raise RecipeError(
            "setting calibrate is yes and validation_fraction is 0: no photos are left to "
            "calibrate on",
            "Hold photos out, or set calibrate=no.",
        )
    for mark in marks:
        if recipe.head != "mlp" or not 1 <= mark <= recipe.epochs:
            raise RecipeError(
                f"a mark at epoch {mark} needs an mlp trained for {mark} epochs or more", ""
            )


def _check_classes(y: np.ndarray, *, n_classes: int) -> None:
    if n_classes < 2:
        raise DatasetError(
            f"{n_classes} classes, at least 2 are needed",
            "Add a folder with photos of another class.",
        )
    if len(y) and not (y.min() >= 0 and y.max() < n_classes):
        raise DatasetError(
            f"class numbers go from {y.min()} to {y.max()}, expected 0 to {n_classes - 1}", ""
        )
    counts = np.bincount(y, minlength=n_classes)
    for number in np.flatnonzero(counts < 2):
        raise DatasetError(
            f"class number {number} has {counts[number]} photos, at least 2 are needed",
            "Add photos to it, or take the class out.",
        )


def _no_mirror(recipe: Recipe) -> RecipeError:
    return RecipeError(
        f"recipe '{recipe.name}' uses mirror images, and their embeddings are missing",
        "Embed the mirrored photos as well, or set average_mirror=no and mirror_photos=no.",
    )
