"""All that a seed decides before an mlp's first step: split, order, start, and padding.

Pure NumPy. Law: the same photos and seed give the same bytes; padding never changes a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from mien.head.recipe import Recipe
from mien.head.split import hidden_split

BLOCK = 16  # rows of a look at the validation photos


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows padded to a size that many seeds and folds share, so that they share compiled code.

    Attributes:
        x: float32 ``(capacity, d)``, zero beyond `n`.
        y: One-hot, float32 ``(capacity, c)``, zero beyond `n`.
        weight: ``(capacity,)``, 1 for a row and 0 for padding.
        n: Rows that are meant.
        n_blocks: Blocks of rows that hold any; whole empty blocks are never visited.
    """

    x: Float32[np.ndarray, "m d"]
    y: Float32[np.ndarray, "m c"]
    weight: Float32[np.ndarray, " m"]
    n: int
    n_blocks: int


@dataclass(frozen=True, kw_only=True)
class Start:
    """All that a seed decides before the first step.

    Attributes:
        seed: Itself.
        train_index: Photos to train on, as they were shuffled.
        validation_index: Photos held out.
        train: Their rows, in the order of every epoch.
        validation: Rows of the photos held out, as photos to predict are seen.
        params: Kernel 1 transposed ``(h, d)``, bias ``(h,)``, kernel 2 ``(h, c)``.
    """

    seed: int
    train_index: Int[np.ndarray, " t"]
    validation_index: Int[np.ndarray, " v"]
    train: Rows
    validation: Rows
    params: tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(
    seen: Float32[np.ndarray, "n d"],
    *,
    views: Sequence[Float32[np.ndarray, "n d"]],
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    seed: int,
    n_classes: int,
) -> Start:
    """Draw split, order and start from a seed; the arguments are `fit_mlp`'s."""
    # Two streams, so that the start does not move when photos are added.
    split_rng, start_rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    train, held_out = hidden_split(
        y, n_classes=n_classes, fraction=recipe.validation_fraction, rng=split_rng
    )
    # Each view of a photo is a row of its own; one view keeps Teachable Machine's order.
    copies = np.concatenate([train + len(y) * view for view in range(len(views))])
    order = copies if len(views) == 1 else split_rng.permutation(copies)
    x, labels = np.concatenate(views)[order], y[order % len(y)]
    d, h = seen.shape[1], recipe.hidden_units
    kernel_1 = _variance_scaling(start_rng, d, h)
    kernel_2 = _variance_scaling(start_rng, h, n_classes)
    return Start(
        seed=seed,
        train_index=train,
        validation_index=held_out,
        train=_pad(x, labels, n_classes=n_classes, block=recipe.batch_size),
        validation=_pad(seen[held_out], y[held_out], n_classes=n_classes, block=BLOCK),
        params=(np.ascontiguousarray(kernel_1.T), np.zeros(h, np.float32), kernel_2),
    )


def _variance_scaling(rng: np.random.Generator, i: int, o: int) -> Float32[np.ndarray, "i o"]:
    """Normal of variance 1/i, drawn again beyond two standard deviations."""
    z = rng.standard_normal((i, o))
    while (far := np.abs(z) > 2).any():
        z[far] = rng.standard_normal(int(far.sum()))
    return np.asarray(z / np.sqrt(i), dtype=np.float32)


def _pad(x: np.ndarray, y: np.ndarray, *, n_classes: int, block: int) -> Rows:
    n, n_blocks = len(x), -(-len(x) // block)
    # Eight blocks are 128 photos at batch 16: ten folds of 246 photos fall into one size.
    capacity = max(1, -(-n_blocks // 8)) * 8 * block
    rows = np.zeros((capacity, x.shape[1]), np.float32)
    one_hot = np.zeros((capacity, n_classes), np.float32)
    rows[:n] = x
    one_hot[np.arange(n), y] = 1
    weight = (np.arange(capacity) < n).astype(np.float32)
    return Rows(x=rows, y=one_hot, weight=weight, n=n, n_blocks=n_blocks)
