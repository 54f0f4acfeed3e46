"""Teachable Machine's head, trained by Adam: the only file that knows JAX.

Sources, followed step for step: `libraries/image/src/teachable-mobilenet.ts` of
googlecreativelab/teachablemachine-community (layers, loss, split, order) and TensorFlow.js
(`VarianceScaling`, whose truncated normal is not rescaled as Keras's is; `AdamOptimizer`, epsilon
outside the root and after bias correction; `categoricalCrossentropy`, probabilities clipped).

Law: a head depends on its own photos, recipe and seed alone, to the last bit: not on the seeds
trained beside it, nor on the epochs at which it was looked at. (On a GPU, where many heads share
one program, to rounding.)

One head fills a core: a step moves the kernel, its gradient and two moments (2 MB), which a core's
own cache holds once but not eight times. So seeds go side by side on threads (XLA lets go of the
interpreter) rather than under `vmap`, and the kernel is kept in tiles of `TILE` hidden units, so
that a tile's gradient is used up before the next one's is made.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Int

from mien.head.calibrate import calibrate, with_temperature
from mien.head.fitted import Fitted, History, Watch, accuracy, logits, watch_nothing
from mien.head.recipe import Recipe
from mien.head.start import BLOCK, Rows, Start, draw
from mien.records import Dense, Head, Progress, no_progress

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
# Epochs in one call of compiled code: long enough to cost nothing, short enough to stop soon.
SEGMENT_EPOCHS = 32

# Hidden units in a tile. Milliseconds a step and core for 100 units on 1,280 numbers, all else
# equal: 0.34 in one piece, 0.35 in tiles of 25, 0.28 of 20, 0.31 of 16 (2026-11-23, busy machine).
TILE = 20

# JAX arrays have no type here: importing one would import JAX with this file.
Array: TypeAlias = Any


def fit_mlp(
    seen: Float32[np.ndarray, "n d"],
    *,
    views: Sequence[Float32[np.ndarray, "n d"]],
    y: Int[np.ndarray, " n"],
    recipe: Recipe,
    seeds: Sequence[int],
    n_classes: int,
    marks: Sequence[int] = (),
    workers: int | None = None,
    progress: Progress = no_progress,
    watch: Watch = watch_nothing,
) -> list[Fitted]:
    """Train one head a seed; `mien.head.fit.fit` checks the arguments and says more of them.

    Args:
        seen: Embeddings as the head will see photos to predict.
        views: What it is trained on: one or more embeddings a photo.
        y: Class numbers.
        recipe: With ``head="mlp"``.
        seeds: Split, order and start follow from each.
        n_classes: How many classes.
        marks: Epochs before the last at which the head is kept too.
        workers: Threads; as many as cores where None.
        progress: Told epochs over all seeds.
        watch: Told what happened in them.
    """
    ends = sorted({*marks, recipe.epochs})
    done, lock, stop = 0, threading.Lock(), threading.Event()

    def tick(start: Start, figures: np.ndarray) -> None:
        nonlocal done
        with lock:
            done += len(figures)
            progress("training", done, recipe.epochs * len(seeds))
            watch(start.seed, _history(figures, validated=start.validation.n > 0))

    def several(group: Sequence[int]) -> list[Fitted]:
        try:
            starts = [
                draw(seen, views=views, y=y, recipe=recipe, seed=seed, n_classes=n_classes)
                for seed in group
            ]
            marked = list(_train(starts, recipe=recipe, ends=ends, tick=tick, stop=stop))
            return [fitted for heads in zip(*marked, strict=True) for fitted in heads]
        except BaseException:
            stop.set()  # what went wrong here must not wait for the other seeds
            raise

    size = _heads_at_once()
    groups = [seeds[i : i + size] for i in range(0, len(seeds), size)]
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        try:
            return [fitted for heads in pool.map(several, groups) for fitted in heads]
        except BaseException:
            # Ctrl-C: the seeds that are running end at their next segment.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _heads_at_once() -> int:
    """How many heads one compiled program trains: one for a processor's core, many for a GPU."""
    import jax

    return 1 if jax.default_backend() == "cpu" else 256


def _train(
    starts: Sequence[Start],
    *,
    recipe: Recipe,
    ends: Sequence[int],
    tick: Callable[[Start, np.ndarray], None],
    stop: threading.Event,
) -> Iterator[list[Fitted]]:
    """Yield the heads at each of `ends`; the steps are the same whatever `ends` are."""
    segment = _compiled(recipe.batch_size, many=len(starts) > 1)
    state, data = _stack([_state(start) for start in starts]), _data(starts)
    rates = np.float32(recipe.learning_rate), np.float32(recipe.weight_decay)
    epoch, figures = 0, np.zeros((len(starts), 0, 4), np.float32)
    for end in ends:
        while epoch < end:
            if stop.is_set():
                return
            n_epochs = min(SEGMENT_EPOCHS, end - epoch)
            state, told = segment(state, data, rates, np.int32(n_epochs))
            latest = np.asarray(told).reshape(len(starts), SEGMENT_EPOCHS, 4)[:, :n_epochs]
            figures = np.concatenate([figures, latest], axis=1)
            epoch += n_epochs
            for start, rows in zip(starts, latest, strict=True):
                tick(start, rows)
        tiles, bias, kernel_2 = state[0]
        arrays = (np.concatenate(tiles, axis=-2), np.asarray(bias), np.asarray(kernel_2))
        yield [
            _fitted(start, tuple(one), rows, recipe=recipe)
            for start, rows, *one in zip(
                starts,
                figures,
                *(arrays if len(starts) > 1 else ([a] for a in arrays)),
                strict=True,
            )
        ]


def _state(start: Start) -> Array:
    """Parameters, their two moments, and the powers of Adam's betas, before the first step."""
    kernel_1, bias, kernel_2 = start.params
    params = (_tiles(kernel_1), bias, kernel_2)
    zeros = (_tiles(np.zeros_like(kernel_1)), np.zeros_like(bias), np.zeros_like(kernel_2))
    return params, zeros, zeros, np.float32(BETA_1), np.float32(BETA_2)


def _data(starts: Sequence[Start]) -> Array:
    """Rows and how many blocks of them hold any, which is the same for all seeds of a dataset."""
    first = starts[0]
    train = _stack([(one.train.x, one.train.y, one.train.weight) for one in starts])
    held_out = _stack(
        [(one.validation.x, one.validation.y, one.validation.weight) for one in starts]
    )
    return (
        *(*train, np.int32(first.train.n_blocks)),
        *(*held_out, np.int32(first.validation.n_blocks)),
    )


def _stack(trees: Sequence[Array]) -> Array:
    """Several heads' arrays with one more axis in front; one head's as they are."""
    import jax

    return trees[0] if len(trees) == 1 else jax.tree.map(lambda *one: np.stack(one), *trees)


def _tiles(kernel_1: Float32[np.ndarray, "h d"]) -> tuple[Float32[np.ndarray, "tile d"], ...]:
    return tuple(np.split(kernel_1, range(TILE, len(kernel_1), TILE)))


@functools.cache
def _compiled(batch_size: int, *, many: bool) -> Callable[..., Any]:
    """Compiled epochs of training; shapes and batch size are baked in, all else is an argument."""
    import jax

    segment: Callable[..., Any] = functools.partial(_segment, batch_size=batch_size)
    if many:
        # Whatever is counted, in blocks or epochs, is the same for all heads.
        segment = jax.vmap(segment, in_axes=(0, (0, 0, 0, None, 0, 0, 0, None), None, None))
    # A head fills a core: more threads inside one product only get in the way of other seeds.
    cpu = jax.default_backend() == "cpu"
    return jax.jit(segment, compiler_options={"xla_cpu_multi_thread_eigen": False} if cpu else None)


def _segment(
    state: Array, data: Array, rates: Array, n_epochs: Array, *, batch_size: int
) -> tuple[Array, Array]:
    """Train some epochs.

    Returns:
        The state after them, and for each the mean training loss and accuracy, then the same of
        the validation photos, ``(SEGMENT_EPOCHS, 4)``.
    """
    import jax.numpy as jnp
    from jax import lax

    x, y, weight, n_batches, xv, yv, weight_v, n_blocks = data

    def step(i: Array, carry: Array) -> Array:
        state, sums = carry
        start = i * batch_size
        batch = (lax.dynamic_slice_in_dim(a, start, batch_size) for a in (x, y, weight))
        state, told = _step(state, tuple(batch), rates)
        return state, sums + told

    def epoch(e: Array, carry: Array) -> Array:
        state, figures = carry
        state, sums = lax.fori_loop(0, n_batches, step, (state, jnp.zeros(2)))

        def look(i: Array, sums: Array) -> Array:
            block = (lax.dynamic_slice_in_dim(a, i * BLOCK, BLOCK) for a in (xv, yv, weight_v))
            return sums + _loss(state[0], tuple(block))[1]

        sums_v = lax.fori_loop(0, n_blocks, look, jnp.zeros(2))
        row = jnp.concatenate([sums / weight.sum(), sums_v / weight_v.sum()])
        return state, figures.at[e].set(row)

    figures = jnp.zeros((SEGMENT_EPOCHS, 4))
    state, figures = lax.fori_loop(0, n_epochs, epoch, (state, figures))
    return state, figures


def _loss(params: Array, batch: Array) -> tuple[Array, Array]:
    """Mean cross-entropy of a batch, and the sums of loss and of right answers for the history."""
    import jax
    import jax.numpy as jnp

    tiles, bias, kernel_2 = params
    x, y, weight = batch
    z = jax.nn.relu(jnp.concatenate([x @ tile.T for tile in tiles], axis=1) + bias) @ kernel_2
    # TF.js clips probabilities, not logits: a photo that is surely wrong gives no gradient at all.
    p = jnp.clip(jax.nn.softmax(z), EPSILON, 1 - EPSILON)
    losses = -jnp.sum(y * jnp.log(p), axis=1) * weight
    right = (jnp.argmax(z, axis=1) == jnp.argmax(y, axis=1)) * weight
    return losses.sum() / weight.sum(), jnp.stack([losses.sum(), right.sum()])


def _step(state: Array, batch: Array, rates: Array) -> tuple[Array, Array]:
    """One step of Adam (Kingma & Ba 2015, Algorithm 1) as TF.js writes it."""
    import jax
    import jax.numpy as jnp

    params, means, squares, power_1, power_2 = state
    rate, decay = rates
    (_, told), gradients = jax.value_and_grad(_loss, has_aux=True)(params, batch)

    # Both corrections of bias are taken out of the loop over numbers.
    first, second = rate / (1 - power_1), 1 / jnp.sqrt(1 - power_2)

    def move(p: Array, m: Array, v: Array, g: Array) -> tuple[Array, Array, Array]:
        m = BETA_1 * m + (1 - BETA_1) * g
        v = BETA_2 * v + (1 - BETA_2) * g * g
        step = first * m / (second * jnp.sqrt(v) + EPSILON)
        # Decoupled decay for kernels; a bias has one axis.
        return p - step - (rate * decay * p if p.ndim > 1 else 0), m, v

    moved = jax.tree.map(move, params, means, squares, gradients)
    params, means, squares = jax.tree.transpose(
        jax.tree.structure(params), jax.tree.structure((0, 0, 0)), moved
    )
    return (params, means, squares, power_1 * BETA_1, power_2 * BETA_2), told


def _fitted(
    start: Start, params: tuple[np.ndarray, ...], figures: np.ndarray, *, recipe: Recipe
) -> Fitted:
    """Put the record of a head together."""
    kernel_1, bias, kernel_2 = params
    head = Head(
        layers=(
            Dense(kernel=np.ascontiguousarray(kernel_1.T), bias=bias, activation="relu"),
            Dense(kernel=kernel_2, bias=None, activation="softmax"),
        )
    )
    held_out, y_held_out = start.validation.x[: start.validation.n], start.validation.y
    y_true = y_held_out[: start.validation.n].argmax(axis=1)
    diverged = _divergence(head, start.train, figures)
    score, calibration = None, None
    if start.validation.n:
        z = logits(head, held_out)
        score = accuracy(z, y_true=y_true)
        if recipe.calibrate and diverged is None:
            calibration = calibrate(z, y_true=y_true)
            head = with_temperature(head, calibration.temperature)
    return Fitted(
        seed=start.seed,
        head=head,
        epochs=len(figures),
        train_index=tuple(start.train_index.tolist()),
        validation_index=tuple(start.validation_index.tolist()),
        validation_accuracy=score,
        diverged=diverged,
        history=_history(figures, validated=score is not None),
        calibration=calibration,
    )


def _divergence(head: Head, train: Rows, figures: np.ndarray) -> str | None:
    """Say what went wrong, if anything did: a score alone would not tell."""
    lost = np.flatnonzero(~np.isfinite(figures[:, 0]))
    if len(lost):
        return f"the loss is not a number from epoch {lost[0] + 1} on"
    z = logits(head, train.x[: train.n])
    if not np.isfinite(z).all():
        return f"the answers are not numbers after epoch {len(figures)}"
    answers = z.argmax(axis=1)
    if (answers == answers[0]).all() and (train.y[: train.n].sum(axis=0) > 0).sum() > 1:
        return "all training photos are put into one class"
    return None


def _history(figures: np.ndarray, *, validated: bool) -> History:
    columns = [tuple(column) for column in figures.T.tolist()]
    return History(
        train_loss=columns[0],
        train_accuracy=columns[1],
        validation_loss=columns[2] if validated else (),
        validation_accuracy=columns[3] if validated else (),
    )
