"""Whether a probability of 90 % is right nine times of ten.

Law: only answered photos count; losses are lower-is-better, and stand in natural units (nats).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from mien.exam.result import Reliability, ReliabilityBin
from mien.stats import share
from mien.words import percent

# float32's smallest step: what a probability of exactly 0 is taken for in the log loss, as
# scikit-learn does.
_LEAST_PROB = float(np.finfo(np.float32).eps)


def reliability(
    probs: Float[np.ndarray, "n c"],
    *,
    y_true: Int[np.ndarray, " n"],
    n_bins: int = 10,
    least_n: int,
) -> Reliability:
    """Compare how sure the answers are with how often they are right.

    Source: expected calibration error after M. P. Naeini, G. Cooper and M. Hauskrecht, AAAI 2015,
    with equal-width bins; G. W. Brier, Monthly Weather Review 78 (1950) 1–3, summed over classes.

    Args:
        probs: ``(n, c)`` of the answered photos, at least one.
        y_true: Class numbers.
        n_bins: Bins of equal width over 0 to 1.
        least_n: Photos a bin needs for a rate.
    """
    top = probs.max(axis=1)
    right = probs.argmax(axis=1) == y_true
    number = np.clip(np.ceil(top * n_bins).astype(int) - 1, 0, n_bins - 1)
    bins = tuple(
        _bin(i, n_bins, top[number == i], right[number == i], least_n) for i in range(n_bins)
    )
    error = sum(
        abs(float(right[number == i].sum() - top[number == i].sum())) for i in range(n_bins)
    )
    truth = np.eye(probs.shape[1])[y_true]
    of_truth = np.clip(probs[np.arange(y_true.size), y_true], _LEAST_PROB, 1)
    return Reliability(
        n=int(y_true.size),
        bins=bins,
        calibration_error=error / y_true.size,
        brier_loss=float(((probs - truth) ** 2).sum(axis=1).mean()),
        log_loss=float(-np.log(of_truth).mean()),
        mean_prob=float(top.mean()),
        sentence=_sentence(mean_prob=float(top.mean()), accuracy=float(right.mean())),
    )


def _bin(i: int, n_bins: int, top: np.ndarray, right: np.ndarray, least_n: int) -> ReliabilityBin:
    n, correct = int(top.size), int(right.sum())
    return ReliabilityBin(
        low=i / n_bins,
        high=(i + 1) / n_bins,
        n=n,
        correct=correct,
        mean_prob=float(top.mean()) if n else None,
        accuracy=share(correct, n) if n >= least_n else None,
    )


def _sentence(*, mean_prob: float, accuracy: float) -> str:
    said = f"The model is {percent(mean_prob)} sure on average and right in {percent(accuracy)}"
    difference = mean_prob - accuracy
    # Five points: below that, a reader would act the same.
    if difference > 0.05:
        return f"{said}: surer than it should be."
    if difference < -0.05:
        return f"{said}: less sure than it could be."
    return f"{said}: its probabilities fit."
