"""Repeated stratified cross-validation of a recipe: how good it is on photos it has not seen.

Law: everything that looks at labels happens inside a fold's training photos; both embeddings of a
photo, its own and its mirror image's, are on the same side, and so are photos that belong together.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int

from mien.blas import one_blas_thread
from mien.errors import RecipeError
from mien.head.fit import as_seen, fit
from mien.head.fitted import predict_probs
from mien.head.recipe import Recipe
from mien.head.split import stratified_folds
from mien.records import Progress, no_progress


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossValidation:
    """What cross-validation found.

    Attributes:
        folds: Parts in a repeat.
        repeats: How many times the photos were dealt into folds anew.
        n: Photos.
        mean: Mean of the repeats' accuracies, each over all photos.
        sd: Their standard deviation (n - 1); 0 for one repeat. It says how much the dealing and
            the seeds matter, not how far the figure may be from other photos': for that see
            `mien.stats`.
        fold_accuracy: ``(repeats, folds)``.
        fold_of: ``(repeats, n)``, the fold in which a photo was held out.
        probs: ``(repeats, n, classes)``, of the head that had not seen the photo.
        y_pred: ``(repeats, n)``.
    """

    folds: int
    repeats: int
    n: int
    mean: float
    sd: float
    fold_accuracy: Float64[np.ndarray, "r k"]
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
    units: Int[np.ndarray, " n"] | None = None,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> CrossValidation:
    """Deal the photos into folds, train on all but one, predict that one; again and again.

    Args:
        embeddings: Of the photos.
        mirrored: Of their mirror images, where the recipe uses them.
        y: Class numbers.
        recipe: What is tried.
        folds: At least 2 and at most the photos of the smallest class, which keeps at least 2
            photos for training in every fold.
        repeats: At least 1.
        seed: Deals the folds, and gives each fold's training a seed of its own.
        n_classes: How many classes there are.
        units: Photos with equal numbers are held out together: copies, photos of one person.
        workers: Threads; as many as cores where None.
        progress: Told trainings.

    Raises:
        DatasetError: A class has fewer photos than there are folds, or too few to train on.
        RecipeError: Fewer than 2 folds or fewer than 1 repeat.
    """
    if folds < 2 or repeats < 1:
        raise RecipeError(
            f"cross-validation is {repeats}x{folds}, expected at least 1 repeat of 2 folds", ""
        )
    deals = [
        stratified_folds(y, folds=folds, rng=np.random.default_rng([seed, repeat]), units=units)
        for repeat in range(repeats)
    ]
    seen = as_seen(embeddings, mirrored=mirrored, recipe=recipe)
    probs = np.empty((repeats, len(y), n_classes), np.float32)
    done, lock, stop = 0, threading.Lock(), threading.Event()

    def one(job: tuple[int, int]) -> None:
        nonlocal done
        if stop.is_set():
            return
        repeat, fold = job
        outside = deals[repeat] == fold
        (fitted,) = fit(
            embeddings[~outside],
            mirrored=None if mirrored is None else mirrored[~outside],
            y=y[~outside],
            recipe=recipe,
            seeds=[int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0])],
            n_classes=n_classes,
            units=None if units is None else units[~outside],
            workers=1,
        )
        probs[repeat, outside] = predict_probs(fitted.head, seen[outside])
        with lock:
            done += 1
            progress("cross-validating", done, repeats * folds)

    jobs = [(repeat, fold) for repeat in range(repeats) for fold in range(folds)]
    threads = workers or os.cpu_count() or 1
    with one_blas_thread(), ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            list(pool.map(one, jobs))
        except BaseException:
            stop.set()
            raise
    return _summary(probs, y, deals=np.stack(deals), folds=folds)


def _summary(probs: np.ndarray, y: np.ndarray, *, deals: np.ndarray, folds: int) -> CrossValidation:
    y_pred = probs.argmax(axis=2)
    right = y_pred == y
    by_fold = [
        [hits[deal == k].mean() for k in range(folds)]
        for hits, deal in zip(right, deals, strict=True)
    ]
    means = right.mean(axis=1)
    return CrossValidation(
        folds=folds,
        repeats=len(deals),
        n=len(y),
        mean=float(means.mean()),
        sd=float(means.std(ddof=1)) if len(means) > 1 else 0.0,
        fold_accuracy=np.array(by_fold),
        fold_of=deals,
        probs=probs,
        y_pred=y_pred,
    )
