"""`mien curve`: is it worth collecting more photos, and of which class?

Law: what is measured and what is forecast are told apart; a class is named only where the gain
from its photos is above what chance gives, corrected for the number of classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from mien.head.recipe import Recipe, Setting, change, recipe_from
from mien.head.recipe import to_plain as recipe_to_plain
from mien.records import Progress, Reject, Say, no_progress, said_once, say_nothing
from mien.studies.executors import executor as executor_of
from mien.studies.learning import (
    LEVEL,
    ClassWorth,
    Forecast,
    Point,
    Portion,
    ask_portions,
    crossed,
    forecast,
    sizes_of,
)
from mien.words import percent
from mien.workflows.commands import curve_command
from mien.workflows.embedder import with_detector_at_hand
from mien.workflows.study import DEFAULT_FOLDS, check_counts
from mien.workflows.study_photos import (
    Seen,
    embedders_of,
    least_photos,
    read_photos,
    scored_clusters,
    see,
)
from mien.workflows.train import DEFAULT_RECIPE, class_numbers

DEFAULT_SEEDS = 10


@dataclass(frozen=True, kw_only=True)
class CurveRecord:
    """What `mien curve --json` prints.

    Attributes:
        photos: The folder of training photos.
        test_photos: The folder of test photos, or None.
        scored_on: ``test photos``, or ``training photos out of fold``.
        n_scored: Photos on which every training is scored.
        recipe: Every setting.
        seeds: Trainings at each size.
        points: By rising size; the same number of photos of each class.
        whole: Accuracy with all photos.
        forecast: At twice the largest size; None where there is too little to go by.
        classes: What each class's photos are worth, the most first.
        collect_next: Classes whose photos are shown to be worth something, the most first.
        worth_more: Whether the forecast for twice the photos is better than the largest size by
            more than the intervals leave open.
        command: What makes the same curve again.
        sentences: In words, most important first.
        rejects: Photos left out.
    """

    photos: str
    test_photos: str | None
    scored_on: str
    n_scored: int
    recipe: dict[str, Any]
    seeds: int
    points: tuple[Point, ...]
    whole: Point
    forecast: Forecast | None
    classes: tuple[ClassWorth, ...]
    collect_next: tuple[str, ...]
    worth_more: bool
    command: str
    sentences: tuple[str, ...]
    rejects: tuple[Reject, ...]


def curve(
    photos: Path | str,
    *,
    test: Path | str | None = None,
    recipe: str | Recipe = DEFAULT_RECIPE,
    seeds: int = DEFAULT_SEEDS,
    folds: int = DEFAULT_FOLDS,
    executor: str = "threads",
    workers: int | None = None,
    groups_from_name: str | None = None,
    allow_leak: bool = False,
    progress: Progress = no_progress,
    say: Say = say_nothing,
    **settings: Setting,
) -> CurveRecord:
    """Train on fewer photos, to learn what more would give.

    Args:
        photos: A folder with one folder of photos a class.
        test: A folder of test photos; without it, trainings are scored out of fold on `photos`.
        recipe: What is trained.
        seeds: Trainings at each size, each on photos drawn anew.
        folds: Into which the photos are dealt without test photos.
        executor: As in `mien.study`.
        workers: How many at once; as many as cores when None.
        groups_from_name: Pattern with named groups, matched against file names.
        allow_leak: Go on although test photos are among the training photos.
        progress: Told how far each stage is.
        say: Told sentences for the user.
        **settings: Changes to the recipe.

    Raises:
        UserError: Something in the recipe, the photos or the folders cannot be used.
    """
    check_counts(seeds=seeds, folds=folds, workers=workers)
    way = executor_of(executor)
    say = said_once(say)
    chosen = _settle(recipe, settings, say)
    least = least_photos(folds=folds, tested=test is not None, nested=True)
    embedders = embedders_of([chosen])
    asked = read_photos(
        photos, test, groups_from_name, progress, embedder=next(iter(embedders.values())),
        least=least, allow_leak=allow_leak, say=say,
    )  # fmt: skip
    seen = see(asked, embedders, least=least, folds=folds, progress=progress, say=say)
    whole = tuple(np.bincount(seen.material.y, minlength=seen.material.n_classes).tolist())
    sizes = sizes_of(_available(min(whole), folds=folds, tested=test is not None))
    plans = [
        *(tuple(size for _ in whole) for size in sizes),
        whole,
        *(_halved(whole, number) for number in range(len(whole))),
    ]
    portions = [Portion(seed=seed, counts=counts) for seed in range(seeds) for counts in plans]
    answers = ask_portions(
        list(dict.fromkeys(portions)),
        recipe=chosen,
        material=seen.material,
        way=way,
        workers=workers,
        progress=progress,
    )
    y_true = class_numbers(seen.test or seen.train)
    right = {
        counts: np.stack([answers[Portion(seed=s, counts=counts)] == y_true for s in range(seeds)])
        for counts in plans
    }
    return _record(_Scored(seen=seen, right=right, whole=whole), chosen, sizes=sizes, seeds=seeds)


def _settle(recipe: str | Recipe, settings: dict[str, Setting], say: Say) -> Recipe:
    if isinstance(recipe, Recipe):
        return change(recipe, **settings)
    chosen = recipe_from(recipe, **settings)
    fixed = {"crop", "preprocessing"} & set(settings)
    return chosen if fixed else with_detector_at_hand(chosen, say=say)


def _available(smallest: int, *, folds: int, tested: bool) -> int:
    """Photos of the smallest class that every training can have."""
    return smallest if tested else smallest - -(-smallest // folds)


def _halved(whole: Sequence[int], number: int) -> tuple[int, ...]:
    return tuple(-(-n // 2) if i == number else n for i, n in enumerate(whole))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scored:
    """Right and wrong by the numbers of photos trained on, and which photos count together."""

    seen: Seen
    right: Mapping[tuple[int, ...], Bool[np.ndarray, "s n"]]
    whole: tuple[int, ...]

    @property
    def clusters(self) -> list[str] | None:
        return scored_clusters(self.seen)


def _record(scored: _Scored, recipe: Recipe, *, sizes: Sequence[int], seeds: int) -> CurveRecord:
    seen, right, whole = scored.seen, scored.right, scored.whole
    equal = [right[tuple(size for _ in whole)] for size in sizes]
    points = tuple(
        _point(one, per_class=size, n=size * len(whole), clusters=scored.clusters)
        for size, one in zip(sizes, equal, strict=True)
    )
    told = forecast(sizes, equal, rng=np.random.default_rng(0), clusters=scored.clusters)
    classes = _worths(scored)
    named = tuple(one.label for one in classes if one.worth.low > 0)
    gains = told is not None and told.accuracy.low > points[-1].mean
    tested = seen.test is not None
    return CurveRecord(
        photos=str(seen.train.root),
        test_photos=None if seen.test is None else str(seen.test.root),
        scored_on="test photos" if tested else "training photos out of fold",
        n_scored=equal[0].shape[1],
        recipe=recipe_to_plain(recipe),
        seeds=seeds,
        points=points,
        whole=_point(right[whole], per_class=max(whole), n=sum(whole), clusters=scored.clusters),
        forecast=told,
        classes=classes,
        collect_next=named,
        worth_more=gains,
        command=curve_command(
            seen.train.root,
            test=None if seen.test is None else seen.test.root,
            recipe=recipe,
            seeds=seeds,
            folds=seen.material.folds,
        ),
        sentences=_sentences(points, told, named, classes, gains=gains),
        rejects=seen.rejects,
    )


def _point(
    right: Bool[np.ndarray, "s n"], *, per_class: int, n: int, clusters: Sequence[str] | None
) -> Point:
    found = crossed(right.astype(float), method="t over photos and seeds", clusters=clusters)
    return Point(
        per_class=per_class,
        n_photos=n,
        mean=found.value,
        low=max(0.0, found.low),
        high=min(1.0, found.high),
        level=LEVEL,
        n_seeds=right.shape[0],
    )


def _worths(scored: _Scored) -> tuple[ClassWorth, ...]:
    """By class, the most first; intervals are Bonferroni's, all true together at the level."""
    right, whole = scored.right, scored.whole
    found = [
        ClassWorth(
            label=label,
            n=whole[number],
            worth=crossed(
                right[whole].astype(float) - right[_halved(whole, number)],
                method="t over photos and seeds, Bonferroni over classes",
                n_together=len(whole),
                clusters=scored.clusters,
            ),
        )
        for number, label in enumerate(scored.seen.train.classes)
    ]
    return tuple(sorted(found, key=lambda one: -one.worth.value))


def _sentences(
    points: Sequence[Point],
    told: Forecast | None,
    named: Sequence[str],
    classes: Sequence[ClassWorth],
    *,
    gains: bool,
) -> tuple[str, ...]:
    last = points[-1]
    now = (
        f"With {last.per_class} photos of each class: {percent(last.mean)} "
        f"({percent(last.low)} to {percent(last.high)})."
    )
    if told is None:
        more = "Too few photos or seeds to say what more would give."
    else:
        ahead = (
            f"{told.per_class} are forecast to give {percent(told.accuracy.value)} "
            f"({percent(told.accuracy.low)} to {percent(told.accuracy.high)})"
        )
        more = (
            f"More photos are worth it: {ahead}."
            if gains
            else f"No evidence that twice the photos would help: {ahead}."
        )
    if named:
        best = classes[0]
        which = (
            f"Collect {', '.join(named)} first: half of the photos of '{best.label}' are worth "
            f"{100 * best.worth.value:.0f} points of accuracy."
        )
    else:
        which = "No class stands out: half of any one class's photos can be missed unnoticed here."
    return (more, which, now)
