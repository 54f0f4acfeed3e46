"""One setting of a recipe at many values, over many seeds, on the same photos.

Law: epoch counts are marks on the way of one training a seed, which gives the same numbers as
trainings apart. A test photo without an embedding is wrong for every run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from mien.head.fit import as_seen, fit
from mien.head.fitted import Fitted, predict_probs
from mien.head.recipe import Recipe
from mien.records import Progress


@dataclass(frozen=True, kw_only=True, eq=False)
class Embeddings:
    """Photos as a head sees them.

    Attributes:
        values: ``(n, d)``.
        mirrored: Of the mirror images, or None.
        y: ``(n,)`` class numbers.
    """

    values: Float32[np.ndarray, "n d"]
    mirrored: Float32[np.ndarray, "n d"] | None
    y: Int[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepCell:
    """The runs at one value.

    Attributes:
        value: Of the setting.
        correct: ``(s, n)`` which test photos each seed has right; photos without an embedding
            stand last.
        held_out: Accuracy of each seed on the photos it held out; empty where none were.
        n_held_out: How many photos those were.
        n_diverged: Runs whose training failed.
    """

    value: float
    correct: Bool[np.ndarray, "s n"]
    held_out: tuple[float, ...]
    n_held_out: int
    n_diverged: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """The photos and seeds on which recipes are tried.

    Attributes:
        train: Training photos.
        test: Test photos that could be embedded.
        n_unseen: Test photos that could not.
        n_classes: How many classes there are.
        seeds: One run each.
        progress: Told epochs, or heads of a logistic recipe.
    """

    train: Embeddings
    test: Embeddings
    n_unseen: int
    n_classes: int
    seeds: Sequence[int]
    progress: Progress

    def at_epochs(self, recipe: Recipe, *, counts: Sequence[int]) -> list[SweepCell]:
        """Train once a seed and look at it after each of the rising `counts` of epochs."""
        longest = dataclasses.replace(recipe, epochs=counts[-1])
        fitted = self._fit(longest, marks=counts[:-1])
        return [
            self.cell([one for one in fitted if one.epochs == count], value=count, recipe=recipe)
            for count in counts
        ]

    def at_rates(self, recipe: Recipe, *, rates: Sequence[float]) -> list[SweepCell]:
        """Train once a seed and learning rate."""
        changed = [dataclasses.replace(recipe, learning_rate=rate) for rate in rates]
        return [self.cell(self._fit(one), value=one.learning_rate, recipe=one) for one in changed]

    def at(self, recipe: Recipe) -> tuple[SweepCell, list[Fitted]]:
        """Train the recipe as it is, once a seed."""
        fitted = self._fit(recipe)
        return self.cell(fitted, value=recipe.epochs, recipe=recipe), fitted

    def cell(self, fitted: Sequence[Fitted], *, value: float, recipe: Recipe) -> SweepCell:
        """Score runs on the test photos."""
        seen = as_seen(self.test.values, mirrored=self.test.mirrored, recipe=recipe)
        right = [predict_probs(one.head, seen).argmax(axis=1) == self.test.y for one in fitted]
        held_out = [one.validation_accuracy for one in fitted]
        return SweepCell(
            value=value,
            correct=np.pad(np.stack(right), ((0, 0), (0, self.n_unseen))),
            held_out=tuple(share for share in held_out if share is not None),
            n_held_out=len(fitted[0].validation_index),
            n_diverged=sum(one.diverged is not None for one in fitted),
        )

    def _fit(self, recipe: Recipe, *, marks: Sequence[int] = ()) -> list[Fitted]:
        return fit(
            self.train.values,
            mirrored=self.train.mirrored,
            y=self.train.y,
            recipe=recipe,
            seeds=self.seeds,
            n_classes=self.n_classes,
            marks=marks,
            progress=self.progress,
        )
