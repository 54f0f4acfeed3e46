"""Scores of answers, as functions of weights, so that one definition serves value and bootstrap.

Law: ``cells`` is ``(n, c, c + 1)`` as one-hot rows of the confusion matrix, the last column being
«no answer»; ``weights @ cells`` is then the confusion matrix of every resample at once. All scores
are 0 to 1, up is better.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def confusion_cells(
    y_true: Int[np.ndarray, " n"], *, y_pred: Int[np.ndarray, " n"], n_classes: int
) -> Int[np.ndarray, "n cells"]:
    """One row a photo, 1 in its cell of the flattened ``(c, c + 1)`` confusion matrix.

    Args:
        y_true: Class numbers.
        y_pred: Class numbers, −1 for no answer.
        n_classes: c.
    """
    columns = np.where(y_pred < 0, n_classes, y_pred)
    cells = np.zeros((y_true.size, n_classes * (n_classes + 1)), dtype=np.int64)
    cells[np.arange(y_true.size), y_true * (n_classes + 1) + columns] = 1
    return cells


def confusion(
    weights: Int[np.ndarray, "r n"], *, cells: Int[np.ndarray, "n cells"], n_classes: int
) -> Int[np.ndarray, "r c columns"]:
    """The confusion matrix ``(c, c + 1)`` of each row of weights."""
    counts: Int[np.ndarray, "r c columns"] = (weights @ cells).reshape(-1, n_classes, n_classes + 1)
    return counts


def macro_f1_score(matrices: Int[np.ndarray, "r c columns"]) -> Float[np.ndarray, " r"]:
    """Mean F1 over the classes that occur or were answered.

    Source: as scikit-learn's ``f1_score(average="macro")``: 2·TP / (2·TP + FP + FN).

    Example:
        >>> macro_f1_score(np.array([[[2, 0, 0], [1, 1, 0]]]))
        array([0.73333333])
    """
    right = _diagonal(matrices)
    both = matrices.sum(axis=2) + matrices[:, :, :-1].sum(axis=1)
    return _mean_defined(2 * right, both)


def balanced_accuracy_score(matrices: Int[np.ndarray, "r c columns"]) -> Float[np.ndarray, " r"]:
    """Mean recall over the classes that have photos.

    Source: as scikit-learn's ``balanced_accuracy_score``.

    Example:
        >>> balanced_accuracy_score(np.array([[[2, 0, 0], [1, 1, 0]]]))
        array([0.75])
    """
    return _mean_defined(_diagonal(matrices), matrices.sum(axis=2))


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    diagonal: np.ndarray = np.einsum("rkk->rk", matrices[:, :, :-1])
    return diagonal


def _mean_defined(above: np.ndarray, below: np.ndarray) -> Float[np.ndarray, " r"]:
    """Mean of above / below over the columns where below is not 0; NaN where there are none."""
    shares = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
    n_defined = (below > 0).sum(axis=1)
    mean: Float[np.ndarray, " r"] = np.divide(
        shares.sum(axis=1), n_defined, out=np.full(n_defined.shape, np.nan), where=n_defined > 0
    )
    return mean
