"""Temperature scaling, and the reliability of probabilities before and after it.

One number divides all logits, so that «80 % sure» is right four times in five; which class wins
does not change. Knows logits and classes only. Law: the temperature is fitted on photos that the
head was not trained on; the reliability «after» is read on the same photos, one fitted number
making it a little kind.

Source: Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mien.records import Head

N_BINS = 10
# Beyond these a temperature says that the logits hold nothing (or are separable), not how sure.
_LOG_RANGE = (-4.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How the probability of the predicted class compares with how often it is right.

    Attributes:
        n: Photos in each of the bins of equal width from 0 to 1.
        confidence: Mean probability of the predicted class in each bin, 0 where it is empty.
        accuracy: Part right in each bin, 0 where it is empty.
        calibration_error: Expected calibration error: gap of the two, weighted by `n`.
        log_loss: Mean negative logarithm of the true class's probability, in nats.
    """

    n: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    calibration_error: float
    log_loss: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A temperature and what it did, on the `n` photos that it was fitted on."""

    temperature: float
    n: int
    before: Reliability
    after: Reliability


def calibrate(logits: Float[np.ndarray, "n c"], *, y_true: Int[np.ndarray, " n"]) -> Calibration:
    """Fit the temperature that makes the true classes most probable.

    Args:
        logits: Of photos that the head was not trained on.
        y_true: Their class numbers.

    Example:
        >>> z = np.array([[9.0, 0.0]] * 3 + [[9.0, 0.0]])
        >>> calibrate(z, y_true=np.array([0, 0, 0, 1])).temperature > 5
        True
    """
    from scipy.optimize import minimize_scalar

    z = logits.astype(np.float64)
    best = minimize_scalar(
        lambda log_t: log_loss(z / np.exp(log_t), y_true=y_true),
        bounds=_LOG_RANGE,
        method="bounded",
    )
    temperature = float(np.exp(best.x))
    return Calibration(
        temperature=temperature,
        n=len(y_true),
        before=reliability(z, y_true=y_true),
        after=reliability(z / temperature, y_true=y_true),
    )


def reliability(logits: Float[np.ndarray, "n c"], *, y_true: Int[np.ndarray, " n"]) -> Reliability:
    """Reliability of the probabilities that these logits mean."""
    probs = np.exp(log_softmax(logits))
    sure, right = probs.max(axis=1), probs.argmax(axis=1) == y_true
    bins = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    n = np.bincount(bins, minlength=N_BINS)
    some = np.maximum(n, 1)
    confidence = np.bincount(bins, weights=sure, minlength=N_BINS) / some
    hit_rate = np.bincount(bins, weights=right, minlength=N_BINS) / some
    return Reliability(
        n=tuple(n.tolist()),
        confidence=tuple(confidence.tolist()),
        accuracy=tuple(hit_rate.tolist()),
        calibration_error=float(np.sum(n * np.abs(confidence - hit_rate)) / len(y_true)),
        log_loss=log_loss(logits, y_true=y_true),
    )


def log_loss(logits: Float[np.ndarray, "n c"], *, y_true: Int[np.ndarray, " n"]) -> float:
    """Mean negative log-probability of the true classes, in nats."""
    return float(-np.mean(log_softmax(logits)[np.arange(len(y_true)), y_true]))


def log_softmax(z: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Logarithm of softmax, row by row, without overflow."""
    shifted = z - z.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def with_temperature(head: Head, temperature: float) -> Head:
    """Fold a temperature into the last layer."""
    last = head.layers[-1]
    scale = np.float32(1 / temperature)
    bias = None if last.bias is None else last.bias * scale
    folded = dataclasses.replace(last, kernel=last.kernel * scale, bias=bias)
    return Head(layers=(*head.layers[:-1], folded), calibrated=True)
