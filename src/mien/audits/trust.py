"""How far a doubt about a label can be trusted: labels are swapped on purpose, and doubted again.

A photo that models do not believe may bear a wrong label, or be a hard photo with the right one.
Which of the two is likelier depends on how doubtful swapped labels look *on these photos*: so a
share of the labels is swapped at random, all are doubted as before, and the share of swapped ones
at each degree of doubt is read off (isotonic regression). That is the chance that a label is wrong,
were as many of them wrong as were swapped. Wrong labels that are there already count as right ones
here, so the chance is rather too small than too large.

Law: the same photos, labels and generator give the same chances.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Int

from mien.audits.doubt import Seen, doubt

# One label in twenty: what careful relabelling finds in well-known datasets is of that order
# (Northcutt, Athalye, Mueller, NeurIPS 2021 datasets track: 3.3 % on average, up to 10 %).
SHARE: Final = 0.05
# So many swapped labels in all make a chance of a half known to some seven points.
_ENOUGH: Final = 200
_MOST_ROUNDS: Final = 8


def chances(
    seen: Seen,
    *,
    y: Int[np.ndarray, " n"],
    units: Int[np.ndarray, " n"],
    n_classes: int,
    scores: Float[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " n"]:
    """The chance that each label is wrong, were one in twenty wrong.

    Args:
        seen: As for `doubt`.
        y: Given classes.
        units: Photos that are held out together.
        n_classes: How many classes there are.
        scores: `Doubt.rank_score` of the given labels.
        rng: Chooses what is swapped, and deals.
    """
    from sklearn.isotonic import IsotonicRegression

    k = max(1, round(SHARE * len(y)))
    rounds = min(_MOST_ROUNDS, -(-_ENOUGH // k))
    doubted, swapped = [], []
    for _ in range(rounds):
        rows = rng.choice(len(y), k, replace=False)
        given = y.copy()
        given[rows] = _others(given[rows], present=np.unique(y), rng=rng)
        found = doubt(seen, y=given, units=units, n_classes=n_classes, rng=rng)
        doubted.append(found.rank_score)
        swapped.append(np.isin(np.arange(len(y)), rows))
    model = IsotonicRegression(increasing=False, out_of_bounds="clip", y_min=0.0, y_max=1.0)
    model.fit(np.concatenate(doubted), np.concatenate(swapped).astype(float))
    told: Float[np.ndarray, " n"] = np.asarray(model.predict(scores), dtype=float)
    return told


def _others(
    labels: Int[np.ndarray, " k"], *, present: Int[np.ndarray, " c"], rng: np.random.Generator
) -> Int[np.ndarray, " k"]:
    """Another class for each label, of those that are there."""
    at = np.searchsorted(present, labels)
    others: Int[np.ndarray, " k"] = present[
        (at + rng.integers(1, len(present), len(labels))) % len(present)
    ]
    return others
