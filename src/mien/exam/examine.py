"""Score a model's answers on labelled photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from mien.exam.result import Exam


def examine(
    *,
    labels: Sequence[str],
    y_true: Sequence[str],
    probs: Float[np.ndarray, "n c"],
    paths: Sequence[str],
    groups: Sequence[Mapping[str, str]] = (),
    unanswered: Mapping[int, str] | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    shared: Sequence[str] = (),
) -> Exam:
    """Score answers against the truth.

    Args:
        labels: The model's classes, in the order of the columns of `probs`.
        y_true: The true class of each photo, as text.
        probs: ``(n, c)``, rows sum to 1; rows of unanswered photos are not read (may be NaN).
        paths: What each photo is called in the result; no two alike.
        groups: Each photo's groups, or empty for none.
        unanswered: Row number -> reason, for photos without an answer; they count as wrong.
        clusters: What each photo must be resampled together with (its person), or None.
        seed: Of the bootstrap and the permutations.
        shared: Those of `paths` that the model was trained on.
    """
    raise NotImplementedError
