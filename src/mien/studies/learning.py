"""The learning curve: how accuracy grows with photos, and what each class's photos are worth.

Knows embeddings and a recipe, no files. Law: a seed's smaller subsets lie in its larger ones, so
that sizes are compared in pairs; every interval counts photos and seeds as samples; what lies
beyond the photos at hand is called a forecast.

Sources: power law of learning curves: Figueroa et al., BMC Medical Informatics and Decision Making
12 (2012) 8; variance over photos and seeds together: Owen, Annals of Applied Statistics 1 (2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mien.blas import one_blas_thread
from mien.head.fit import as_seen, fit
from mien.head.fitted import predict_probs
from mien.head.recipe import Recipe
from mien.head.split import stratified_folds
from mien.records import Estimate, Progress, no_progress
from mien.stats.bootstrap import cluster_numbers
from mien.stats.intervals import t_quantile
from mien.studies.executors import Way
from mien.studies.jobs import Material, look_of

LEVEL = 0.95
# Fewer photos a class than this leave an inner cross-validation nothing to choose on.
LEAST_PER_CLASS = 4
_MOST_SIZES = 6
_RESAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Portion:
    """How many photos of each class one training may use, and its seed."""

    seed: int
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Point:
    """Accuracy at one size.

    Attributes:
        per_class: Photos of each class.
        n_photos: All together.
        mean: Accuracy over seeds and photos.
        low: Of its interval.
        high: Its other end.
        level: Its confidence.
        n_seeds: Trainings.
    """

    per_class: int
    n_photos: int
    mean: float
    low: float
    high: float
    level: float
    n_seeds: int


@dataclass(frozen=True, kw_only=True)
class ClassWorth:
    """What half of a class's photos add to the accuracy, all other classes whole.

    Attributes:
        label: The class.
        n: Its photos.
        worth: Accuracy with all of them minus that with half of them.
    """

    label: str
    n: int
    worth: Estimate


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The curve ``a - b * m**-c`` at twice the largest size: extrapolated, not measured."""

    per_class: int
    accuracy: Estimate
    a: float
    b: float
    c: float


def sizes_of(smallest: int) -> tuple[int, ...]:
    """Sizes to try: the smallest class's count, and down by a root of two, rising.

    Example:
        >>> sizes_of(46)
        (8, 12, 16, 23, 33, 46)
    """
    sizes = [round(smallest / math.sqrt(2) ** step) for step in range(_MOST_SIZES)]
    return tuple(sorted({size for size in sizes if size >= LEAST_PER_CLASS}))


def ask_portions(
    portions: Sequence[Portion],
    *,
    recipe: Recipe,
    material: Material,
    way: Way,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> dict[Portion, Int[np.ndarray, " n"]]:
    """Train on portions of the photos and answer the photos that are scored.

    Returns:
        For each portion, class numbers of the test photos, -1 where a photo has no embedding;
        without test photos, of all training photos, each by the head of the fold that had not
        seen it.
    """
    found: dict[Portion, np.ndarray] = {}
    with one_blas_thread():
        # The recipe travels with the material: both are the same for every portion.
        given = (material, recipe)
        for portion, answers in way(_answer, portions, material=given, workers=workers):
            found[portion] = answers
            progress("curve", len(found), len(portions))
    return found


def _answer(
    portion: Portion, given: tuple[Material, Recipe]
) -> tuple[Portion, Int[np.ndarray, " n"]]:
    material, recipe = given
    look, y = material.looks[look_of(recipe)], material.y
    if look.test is not None:
        test = as_seen(look.test, mirrored=look.test_mirrored, recipe=recipe)
        every = np.arange(len(y))
        return portion, _predict(portion, given, inside=every, seen=test)
    rng = np.random.default_rng([portion.seed, 0])
    deal = stratified_folds(y, folds=material.folds, rng=rng, units=material.units)
    seen = as_seen(look.train, mirrored=look.train_mirrored, recipe=recipe)
    predicted = np.empty(len(y), int)
    for fold in range(material.folds):
        inside, outside = np.flatnonzero(deal != fold), deal == fold
        predicted[outside] = _predict(portion, given, inside=inside, seen=seen[outside])
    return portion, predicted


def _predict(
    portion: Portion,
    given: tuple[Material, Recipe],
    *,
    inside: Int[np.ndarray, " m"],
    seen: Float[np.ndarray, "k d"],
) -> Int[np.ndarray, " k"]:
    """Train on the portion of the photos `inside` and answer, -1 where there is no embedding."""
    material, recipe = given
    look = material.looks[look_of(recipe)]
    chosen = inside[_subset(material.y[inside], portion)]
    (fitted,) = fit(
        look.train[chosen],
        mirrored=None if look.train_mirrored is None else look.train_mirrored[chosen],
        y=material.y[chosen],
        recipe=recipe,
        seeds=[portion.seed],
        n_classes=material.n_classes,
        units=None if material.units is None else material.units[chosen],
        workers=1,
    )
    there = np.isfinite(seen).all(axis=1)
    answers = np.full(len(seen), -1)
    answers[there] = predict_probs(fitted.head, seen[there]).argmax(axis=1)
    return answers


def _subset(y: Int[np.ndarray, " n"], portion: Portion) -> Int[np.ndarray, " m"]:
    """The first photos of each class in an order that the seed fixes, so that subsets nest."""
    rng = np.random.default_rng([portion.seed, 1])
    parts = [
        rng.permutation(np.flatnonzero(y == number))[:count]
        for number, count in enumerate(portion.counts)
    ]
    return np.sort(np.concatenate(parts))


def crossed(
    difference: Float[np.ndarray, "s n"],
    *,
    method: str,
    n_together: int = 1,
    clusters: Sequence[str] | None = None,
) -> Estimate:
    """Mean of a table of seeds by photos, with an interval that takes both as samples.

    The two variances, over photos of their mean and over seeds of theirs, are added; what is left
    after both is then counted twice, which errs to the careful side.

    Args:
        difference: A figure for each seed and photo.
        method: What the interval is called.
        n_together: Intervals that shall hold all at once (Bonferroni).
        clusters: Which photos count together; None where each stands alone.

    Example:
        >>> found = crossed(np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), method="crossed")
        >>> round(found.value, 3)
        0.667
    """
    s, n = difference.shape
    mean = float(difference.mean())
    units = cluster_numbers(clusters, n=n)
    n_units = int(units.max()) + 1
    # Linearised, as photos of a unit vary together: the variance of a sum of units' totals.
    totals = np.bincount(units, weights=difference.mean(axis=0) - mean)
    by_photo = float(np.sum(totals**2)) * n_units / (n_units - 1) / n**2 if n_units > 1 else 0.0
    by_seed = difference.mean(axis=1).var(ddof=1) / s if s > 1 else 0.0
    half = half_width(by_photo, n_units, by_seed, s, level=1 - (1 - LEVEL) / n_together)
    return Estimate(value=mean, low=mean - half, high=mean + half, level=LEVEL, method=method)


def half_width(by_photo: float, n: int, by_seed: float, s: int, *, level: float) -> float:
    """Half an interval whose variance is the sum of two, with Welch and Satterthwaite's t.

    Args:
        by_photo: Variance of the mean over `n` photos.
        n: Photos.
        by_seed: Variance of the mean over `s` seeds.
        s: Seeds.
        level: Confidence.
    """
    variance = by_photo + by_seed
    below = by_photo**2 / max(n - 1, 1) + by_seed**2 / max(s - 1, 1)
    df = variance**2 / below if below > 0 else 1.0
    return t_quantile(level, df=df) * math.sqrt(variance)


def forecast(
    sizes: Sequence[int],
    right: Sequence[Bool[np.ndarray, "s n"]],
    *,
    rng: np.random.Generator,
    clusters: Sequence[str] | None = None,
) -> Forecast | None:
    """Continue the curve to twice the largest size; None with fewer than four sizes or one seed.

    The interval resamples seeds and photos together and says nothing of whether the power law
    holds.

    Args:
        sizes: Photos a class, rising.
        right: For each size, which photos each seed has right.
        rng: For the resampling.
        clusters: Which photos are drawn together; None where each stands alone.
    """
    s, n = right[0].shape
    if len(sizes) < 4 or s < 2:
        return None
    table = np.stack(right).astype(float)  # (sizes, s, n)
    a, b, c = _power_law(sizes, table.mean(axis=(1, 2)))
    target = 2 * sizes[-1]
    units = cluster_numbers(clusters, n=n)
    members = [np.flatnonzero(units == unit) for unit in range(int(units.max()) + 1)]
    drawn = []
    for _ in range(_RESAMPLES):
        photos = np.concatenate([members[u] for u in rng.integers(0, len(members), len(members))])
        sample = table[:, rng.integers(0, s, s)][:, :, photos]
        drawn.append(_at(_power_law(sizes, sample.mean(axis=(1, 2))), target))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    accuracy = Estimate(
        value=_at((a, b, c), target),
        low=float(low),
        high=float(high),
        level=LEVEL,
        method="power law, bootstrap over photos and seeds",
    )
    return Forecast(per_class=target, accuracy=accuracy, a=a, b=b, c=c)


def _power_law(sizes: Sequence[int], means: np.ndarray) -> tuple[float, float, float]:
    """Least squares for ``a - b * m**-c``: c over a grid, a and b each in closed form."""
    m, best = np.array(sizes, float), (math.inf, (float(means[-1]), 0.0, 1.0))
    for c in np.linspace(0.1, 2.0, 39):
        x = m**-c
        b = max(0.0, float(-np.cov(x, means, bias=True)[0, 1] / x.var()))
        a = min(1.0, float(means.mean() + b * x.mean()))
        off = float(np.sum((a - b * x - means) ** 2))
        if off < best[0]:
            best = (off, (a, b, float(c)))
    return best[1]


def _at(law: tuple[float, float, float], m: float) -> float:
    a, b, c = law
    return float(np.clip(a - b * m**-c, 0, 1))
