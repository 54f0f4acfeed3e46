"""What a training gives, and how a head answers.

Knows arrays only: no photos, no labels' names, no JAX. Law: the answer for a row depends on that
row alone, bit for bit, however many rows are asked at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int

from mien.errors import ModelError
from mien.head.calibrate import Calibration
from mien.records import Head


@dataclass(frozen=True, kw_only=True)
class History:
    """What happened in each epoch, first to last.

    The training figures are gathered batch by batch while the head changes, as Keras and TF.js
    print them; the validation figures are those at the end of the epoch, and empty where nothing
    was held out. A loss that was no longer a number is NaN.
    """

    train_loss: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]


Watch: TypeAlias = Callable[[int, History], None]
"""Told a seed and what happened in its epochs since the last time, while they go on."""


def watch_nothing(seed: int, history: History) -> None:
    """Look away."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A head that was trained, and the record of it.

    Attributes:
        seed: Of everything that was drawn.
        head: The layers.
        epochs: Trained so far; 0 for a logistic head, which is solved.
        train_index: Photos it was trained on, in training order.
        validation_index: Photos held out meanwhile; empty for a logistic head, which is trained on
            all photos after its strength was chosen.
        validation_accuracy: On the photos held out; for a logistic head out of fold in the inner
            cross-validation; None where nothing was held out.
        diverged: What went wrong with the training, None where nothing did.
        history: None for a logistic head.
        l2_strength: That the logistic head chose, else None.
        calibration: Reliability before and after the temperature, None where none was fitted.
    """

    seed: int
    head: Head
    epochs: int
    train_index: tuple[int, ...]
    validation_index: tuple[int, ...]
    validation_accuracy: float | None
    diverged: str | None = None
    history: History | None = None
    l2_strength: float | None = None
    calibration: Calibration | None = None


def predict_probs(head: Head, embeddings: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n c"]:
    """Probabilities of each class.

    Args:
        head: The layers.
        embeddings: As the recipe sees photos: averaged with the mirror image's where it says so
            (`mien.head.fit.as_seen`).

    Raises:
        ModelError: The head was trained on embeddings of another width.

    Example:
        >>> from mien.records import Dense
        >>> layer = Dense(kernel=np.zeros((3, 2), np.float32), bias=None, activation="softmax")
        >>> predict_probs(Head(layers=(layer,)), np.ones((1, 3), np.float32))
        array([[0.5, 0.5]], dtype=float32)
    """
    return softmax(logits(head, embeddings))


def logits(head: Head, embeddings: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n c"]:
    """What goes into the last softmax.

    Raises:
        ModelError: As `predict_probs`.
    """
    width = head.layers[0].kernel.shape[0]
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise ModelError(
            f"embeddings have shape {embeddings.shape}, the head expects (n, {width})",
            "Use the backbone that the head was trained with.",
        )
    # (n, 1, d): one small product a row. One product of all rows would be faster, but BLAS adds
    # in another order when n changes, and a photo must not depend on its neighbours.
    x = np.ascontiguousarray(embeddings, dtype=np.float32)[:, None, :]
    for layer in head.layers:
        x = np.matmul(x, layer.kernel)
        if layer.bias is not None:
            x = x + layer.bias
        if layer.activation == "relu":
            x = np.maximum(x, 0)
    return x[:, 0, :]


def softmax(z: Float32[np.ndarray, "n c"]) -> Float32[np.ndarray, "n c"]:
    """Softmax of each row; a row that holds NaN stays NaN."""
    # Infinite logits (a head that diverged) give NaN here, which is the truth about them.
    with np.errstate(invalid="ignore", over="ignore"):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=z.dtype)


def accuracy(probs: Float32[np.ndarray, "n c"], *, y_true: Int[np.ndarray, " n"]) -> float:
    """The part of rows whose most probable class is the true one."""
    return float(np.mean(probs.argmax(axis=1) == y_true))
