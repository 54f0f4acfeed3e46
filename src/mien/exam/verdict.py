"""Which recipe of a grid to use, in words that do not claim more than the grid shows.

Plain arrays in, words out; knows nothing of how recipes were trained. Law: «best» is claimed only
where the others are excluded (`stats.choose`); the price of choosing the best is always said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from mien.stats import Choice, choose, expected_best_of, spread
from mien.words import count, listed, percent


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a grid shows.

    Attributes:
        choice: The statistics.
        winner: Name of the recipe that is shown to be best; None where none is.
        candidates: Names of those that may be best, best first.
        chosen: Name of the recipe to use: the simplest within one standard error of the best.
        mean_accuracy: Mean over all runs of the grid.
        luck: Expected best of as many single runs as there are cells, drawn from all runs of the
            grid as if cells did not differ: what taking the best run gives by luck alone.
        sentence: The verdict in words.
    """

    choice: Choice
    winner: str | None
    candidates: tuple[str, ...]
    chosen: str
    mean_accuracy: float
    luck: float
    sentence: str


def judge(
    cells: Sequence[Bool[np.ndarray, "s n"]],
    *,
    names: Sequence[str],
    complexity: Sequence[float] | None = None,
    clusters: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> Verdict:
    """Judge a grid of recipes tested on the same photos.

    Args:
        cells: For each recipe, which photos each of its seeds has right.
        names: Of the recipes.
        complexity: Lower is simpler; the order of the cells where None.
        clusters: Of each photo, or None.
        alpha: Chance of a wrong winner.

    Raises:
        ValueError: As `mien.stats.choose`, or not one name a cell.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> cells = [rng.random((10, 100)) < 0.5 for _ in range(3)]
        >>> verdict = judge(cells, names=["epochs=20", "epochs=50", "epochs=70"])
        >>> verdict.winner is None, verdict.chosen
        (True, 'epochs=50')
    """
    if len(names) != len(cells):
        raise ValueError(f"{len(cells)} cells need as many names, got {len(names)}")
    choice = choose(cells, complexity=complexity, clusters=clusters, alpha=alpha)
    runs = np.concatenate([cell.mean(axis=1) for cell in cells])
    luck = expected_best_of(runs, k=len(cells))
    return Verdict(
        choice=choice,
        winner=None if choice.winner is None else names[choice.winner],
        candidates=tuple(names[i] for i in choice.candidates),
        chosen=names[choice.chosen],
        mean_accuracy=float(runs.mean()),
        luck=luck,
        sentence=_sentence(cells, names=names, choice=choice, luck=luck),
    )


def _sentence(
    cells: Sequence[np.ndarray], *, names: Sequence[str], choice: Choice, luck: float
) -> str:
    if len(cells) == 1:
        return f"One recipe, nothing to compare: {names[0]}, {_mean(cells[0])}."
    what = f"{len(cells)} {choice.of}"
    if choice.winner is not None:
        first = f"{names[choice.winner]} is the best of {what}: {_mean(cells[choice.winner])}"
        return f"{first}; every other one is excluded at {percent(choice.alpha)}.{_models(choice)}"
    n_others = len(choice.candidates) - 1
    if n_others == len(cells) - 1:
        told = "none of the others can be told from it"
    else:
        told = f"{n_others} of the {len(cells) - 1} others cannot be told from it"
    return (
        f"No evidence that one of {what} is the best: the highest mean, {names[choice.best]}, has "
        f"{_mean(cells[choice.best])}, and {told}. Use {names[choice.chosen]}, the simplest within "
        f"one standard error of the best. {_luck(cells, luck)}{_models(choice)}"
    )


def _mean(cell: np.ndarray) -> str:
    scores = spread(cell.mean(axis=1))
    if scores.sd is None:
        return f"{percent(scores.mean)} with one seed"
    return (
        f"{percent(scores.mean)} on average over {count(scores.n, 'seed')} "
        f"(standard deviation {count(round(100 * scores.sd), 'point')})"
    )


def _luck(cells: Sequence[np.ndarray], luck: float) -> str:
    return (
        f"Were they all equally good, the best of {len(cells)} single runs would be expected at "
        f"{percent(luck)} by luck alone."
    )


def _models(choice: Choice) -> str:
    if choice.of == "recipes":
        return ""
    return " With one seed each, this is said of these trained models, not of their recipes."


def candidates_in_words(verdict: Verdict) -> str:
    """Those that may be best, for a line in a table.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> cells = [rng.random((10, 300)) < share for share in (0.3, 0.8)]
        >>> candidates_in_words(judge(cells, names=["a", "b"]))
        'b'
    """
    return listed(verdict.candidates, most=5)
