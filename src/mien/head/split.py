"""Which photos are held out: Teachable Machine's hidden split, and folds.

Knows labels and units as numbers only. Law: the same labels, units and generator give the same
split; a photo is on one side, and so are all photos of a unit in folds.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int

from mien.errors import DatasetError
from mien.words import percent


def hidden_split(
    y: Int[np.ndarray, " n"], *, n_classes: int, fraction: float, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " v"]]:
    """Split photos as Teachable Machine does: each class shuffled, its last part held out.

    Source: `convertToTfDataset` in libraries/image/src/teachable-mobilenet.ts of
    googlecreativelab/teachablemachine-community. The training photos are shuffled once more across
    classes; that order stays the same in every epoch.

    Args:
        y: Class numbers from 0.
        n_classes: How many classes there are.
        fraction: Held out of each class, ``ceil(fraction * count)`` photos.
        rng: Drawn from class by class, then once for each side.

    Returns:
        Indices of the training photos in training order, and of the validation photos.

    Raises:
        DatasetError: A class would have no photo left to train on.

    Example:
        >>> train, held_out = hidden_split(
        ...     np.repeat([0, 1], 10), n_classes=2, fraction=0.15, rng=np.random.default_rng(0)
        ... )
        >>> len(train), len(held_out)
        (16, 4)
    """
    train: list[np.ndarray] = []
    held_out: list[np.ndarray] = []
    for number in range(n_classes):
        members = rng.permutation(np.flatnonzero(y == number))
        n_train = len(members) - math.ceil(fraction * len(members))
        if n_train == 0:
            raise DatasetError(
                f"class number {number} has {len(members)} photos, at least 1 must be left "
                f"to train on after {percent(fraction)} (rounded up) are held out",
                "Add photos to it, or take the class out.",
            )
        train.append(members[:n_train])
        held_out.append(members[n_train:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(held_out))


def stratified_folds(
    y: Int[np.ndarray, " n"],
    *,
    folds: int,
    rng: np.random.Generator,
    units: Int[np.ndarray, " n"] | None = None,
) -> Int[np.ndarray, " n"]:
    """Deal photos into folds so that each class, and the whole, is spread as evenly as it goes.

    Each class is shuffled and dealt like cards, beginning where the class before it ended. Where
    photos belong together, scikit-learn's `StratifiedGroupKFold` deals them: units whole, the most
    uneven first, each to the fold that it leaves most even.

    Args:
        y: Class numbers.
        folds: How many.
        rng: Shuffles.
        units: Photos with equal numbers stay together: copies, photos of one person.

    Returns:
        The fold of each photo, from 0.

    Raises:
        DatasetError: A class has fewer photos, or fewer units, than there are folds.

    Example:
        >>> fold = stratified_folds(np.repeat([0, 1], 5), folds=5, rng=np.random.default_rng(0))
        >>> np.bincount(fold).tolist()
        [2, 2, 2, 2, 2]
    """
    if units is not None and len(np.unique(units)) < len(units):
        return _whole_units(y, folds=folds, rng=rng, units=units)
    fold = np.empty(len(y), dtype=np.intp)
    dealt = 0
    for number in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == number))
        if len(members) < folds:
            raise DatasetError(
                f"class number {number} has {len(members)} photos, {folds} folds need {folds}",
                "Ask for fewer folds, or add photos.",
            )
        fold[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    return fold


def least_units(y: Int[np.ndarray, " n"], *, units: Int[np.ndarray, " n"] | None) -> int:
    """Units in the class that has the fewest; photos, where none belong together.

    Example:
        >>> least_units(np.array([0, 0, 0, 1, 1]), units=np.array([0, 0, 1, 2, 2]))
        1
    """
    if units is None:
        return int(np.bincount(y)[np.unique(y)].min())
    return min(len(np.unique(units[y == number])) for number in np.unique(y))


def _whole_units(
    y: Int[np.ndarray, " n"],
    *,
    folds: int,
    rng: np.random.Generator,
    units: Int[np.ndarray, " n"],
) -> Int[np.ndarray, " n"]:
    from sklearn.model_selection import StratifiedGroupKFold

    for number in np.unique(y):
        n_units = len(np.unique(units[y == number]))
        if n_units < folds:
            raise DatasetError(
                f"class number {number} has {n_units} persons or photos that are no copies of each "
                f"other, {folds} folds need {folds}",
                "Ask for fewer folds, or add photos of others.",
            )
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    fold = np.empty(len(y), dtype=np.intp)
    for number, (_, outside) in enumerate(dealer.split(np.zeros(len(y)), y, groups=units)):
        fold[outside] = number
    _refuse_lost_classes(y, fold, folds=folds)
    return fold


def _refuse_lost_classes(
    y: Int[np.ndarray, " n"], fold: Int[np.ndarray, " n"], *, folds: int
) -> None:
    """No class may lie in one fold alone: units that hold several classes can force it there."""
    for held_out in range(folds):
        left = np.bincount(y[fold != held_out], minlength=int(y.max()) + 1)
        for number in np.unique(y):
            if not left[number]:
                raise DatasetError(
                    f"class number {number} has no photo to train on when fold {held_out + 1} of "
                    f"{folds} is held out: persons with many photos leave no even deal",
                    "Ask for more folds, or add photos of others.",
                )
