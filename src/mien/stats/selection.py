"""Which of many recipes is best, and whether that can be said at all.

Pure numbers: each cell of a grid is a ``(seeds, photos)`` table of right and wrong. Law: the chance
of naming a winner that is not the best is at most α, whatever the number of cells, with both the
photos and the seeds taken as samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from mien.stats.bootstrap import cluster_numbers


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What can be said of the cells of a grid.

    Attributes:
        means: Accuracy of each cell over seeds and photos.
        standard_errors: Of each mean, over photos and seeds together.
        best: The cell with the highest mean, the first one where several have it.
        p_not_best: For each cell, the p that no other cell is better than it, corrected for the
            number of others; small means «not the best».
        candidates: Cells that may be the best (`p_not_best` > α), by mean, best first. The true
            best is among them with probability 1 − α.
        winner: The only candidate; None where several remain.
        chosen: The least complex cell within one standard error of the best: what to use.
        of: What was compared: recipes, or, with one seed each, only the trained models.
        alpha: As given.
    """

    means: tuple[float, ...]
    standard_errors: tuple[float, ...]
    best: int
    p_not_best: tuple[float, ...]
    candidates: tuple[int, ...]
    winner: int | None
    chosen: int
    of: Literal["recipes", "models"]
    alpha: float


def choose(
    cells: Sequence[Bool[np.ndarray, "s n"]],
    *,
    complexity: Sequence[float] | None = None,
    clusters: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> Choice:
    """Find the best of many recipes tested on the same photos.

    A cell is no candidate when some other cell is better by a two-sided test, with Holm's first
    step (p times the number of others): multiple comparisons with the best. Two-sided, because of
    two equally good cells either may be excluded by chance. The variance of a
    difference has two parts, photos and seeds, each from its own scatter; what is left after both
    is counted in each of them, so tests err to the careful side. With one seed in every cell the
    scatter of seeds cannot be known, and the test is exact McNemar: what it says then holds for
    these trained models, not for their recipes.

    Source: J. C. Hsu, Annals of Statistics 12 (1984) 1136–1144; S. Holm (1979); two crossed
    samples: A. B. Owen, Annals of Applied Statistics 1 (2007) 386–411.

    Args:
        cells: For each cell, which photos each of its seeds has right; cells may differ in seeds.
        complexity: Lower is simpler, for `chosen`; the order of the cells where None.
        clusters: Of each photo, or None.
        alpha: Chance of a wrong winner.

    Raises:
        ValueError: No cells, a cell without seeds, or cells of different photos.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> cells = [rng.random((10, 200)) < accuracy for accuracy in (0.5, 0.5, 0.7)]
        >>> choice = choose(cells)
        >>> choice.winner, choice.candidates
        (2, (2,))
    """
    _check(cells, complexity)
    by_photo = np.stack([cell.mean(axis=0) for cell in cells])
    means = by_photo.mean(axis=1)
    units = cluster_numbers(clusters, n=by_photo.shape[1])
    covariance, df_photos = _over_photos(by_photo, units=units)
    seed_variance, df_seeds = _over_seeds(cells)
    one_seed = all(cell.shape[0] == 1 for cell in cells)
    if one_seed and clusters is None:
        p = _mcnemar_p(np.stack([cell[0] for cell in cells]))
    else:
        p = _difference_p(means, covariance, seed_variance, df_photos=df_photos, df_seeds=df_seeds)
    p_not_best = _smallest_holm(p)
    order = np.argsort(-means, kind="stable")
    candidates = tuple(int(i) for i in order if p_not_best[i] > alpha)
    errors = np.sqrt(np.diag(covariance) + seed_variance)
    simple = range(len(cells)) if complexity is None else complexity
    return Choice(
        means=tuple(means.tolist()),
        standard_errors=tuple(errors.tolist()),
        best=int(order[0]),
        p_not_best=tuple(p_not_best.tolist()),
        candidates=candidates,
        winner=candidates[0] if len(candidates) == 1 else None,
        chosen=one_standard_error(means, standard_errors=errors, complexity=list(simple)),
        of="models" if one_seed else "recipes",
        alpha=alpha,
    )


def one_standard_error(
    means: Sequence[float] | np.ndarray,
    *,
    standard_errors: Sequence[float] | np.ndarray,
    complexity: Sequence[float],
) -> int:
    """The simplest of those within one standard error of the best mean score.

    Source: L. Breiman, J. Friedman, R. Olshen and C. Stone, Classification and Regression Trees
    (1984), 3.4.3.

    Args:
        means: Scores, up is better.
        standard_errors: Of the means.
        complexity: Lower is simpler; of equals the better one is taken, then the first.

    Example:
        >>> one_standard_error(
        ...     [0.70, 0.74, 0.75], standard_errors=[0.02, 0.02, 0.02], complexity=[1, 2, 3]
        ... )
        1
    """
    scores, errors = np.asarray(means, dtype=float), np.asarray(standard_errors, dtype=float)
    best = int(np.argmax(scores))
    within = np.flatnonzero(scores >= scores[best] - errors[best])
    return int(min(within.tolist(), key=lambda i: (complexity[i], -scores[i], i)))


def _check(cells: Sequence[np.ndarray], complexity: Sequence[float] | None) -> None:
    if not cells:
        raise ValueError("there is no cell to choose from")
    for cell in cells:
        if cell.ndim != 2 or cell.shape[0] < 1 or cell.shape[1] != cells[0].shape[1]:
            raise ValueError(
                f"each cell must be (seeds, {cells[0].shape[-1]} photos), got {cell.shape}"
            )
    if cells[0].shape[1] < 2:
        raise ValueError("recipes cannot be compared on fewer than 2 photos")
    if complexity is not None and len(complexity) != len(cells):
        raise ValueError(f"{len(cells)} cells need as many complexities, got {len(complexity)}")


def _over_photos(
    by_photo: Float[np.ndarray, "k n"], *, units: np.ndarray
) -> tuple[Float[np.ndarray, "k k"], int]:
    """Covariance of the cells' means over photos (or clusters of them), degrees of freedom."""
    n, n_units = units.size, int(units.max()) + 1
    residuals = by_photo - by_photo.mean(axis=1, keepdims=True)
    totals = np.zeros((by_photo.shape[0], n_units))
    for cell, row in enumerate(residuals):
        totals[cell] = np.bincount(units, weights=row, minlength=n_units)
    df = max(n_units - 1, 1)
    return totals @ totals.T * (n_units / df) / n**2, df


def _over_seeds(
    cells: Sequence[np.ndarray],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Variance of each cell's mean over seeds, and degrees of freedom.

    A cell with one seed borrows the mean variance of those that have several.
    """
    n_seeds = np.array([cell.shape[0] for cell in cells])
    several = n_seeds > 1
    if not several.any():
        return np.zeros(len(cells)), np.ones(len(cells))
    variances = np.array(
        [cell.mean(axis=1).var(ddof=1) if cell.shape[0] > 1 else np.nan for cell in cells]
    )
    variances[~several] = np.mean(variances[several])
    return variances / n_seeds, np.where(several, n_seeds - 1, (n_seeds[several] - 1).min())


def _difference_p(
    means: np.ndarray,
    covariance: np.ndarray,
    seed_variance: np.ndarray,
    *,
    df_photos: int,
    df_seeds: np.ndarray,
) -> Float[np.ndarray, "k k"]:
    """Two-sided p for «cell j is better than cell i», in row i and column j; 1 where it is not."""
    difference = means[None, :] - means[:, None]
    own = np.diag(covariance)
    photos = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0)
    seeds = seed_variance[:, None] + seed_variance[None, :]
    variance = photos + seeds
    # Welch and Satterthwaite's degrees of freedom of a sum of variances.
    below = photos**2 / df_photos + (seed_variance**2 / df_seeds)[:, None]
    below = below + (seed_variance**2 / df_seeds)[None, :]
    df = np.divide(variance**2, below, out=np.ones(variance.shape), where=below > 0)
    t = np.divide(difference, np.sqrt(variance), out=np.zeros(variance.shape), where=variance > 0)
    # No scatter at all: what is better is so on every photo and with every seed.
    t = np.where((variance == 0) & (difference > 0), np.inf, t)
    p: Float[np.ndarray, "k k"] = np.minimum(2 * special.stdtr(df, -t), 1)
    return p


def _mcnemar_p(right: Bool[np.ndarray, "k n"]) -> Float[np.ndarray, "k k"]:
    """Exact McNemar for «cell j is better than cell i», in row i and column j; 1 where not."""
    numbers = right.astype(int)
    only_column = (1 - numbers) @ numbers.T
    discordant = only_column + only_column.T
    beyond = special.bdtrc(np.maximum(only_column - 1, 0), np.maximum(discordant, 1), 0.5)
    better = only_column > only_column.T
    p: Float[np.ndarray, "k k"] = np.where(better, np.minimum(2 * beyond, 1), 1.0)
    return p


def _smallest_holm(p: Float[np.ndarray, "k k"]) -> Float[np.ndarray, " k"]:
    # The diagonal compares a cell with itself: p = 1, which never is the smallest of interest.
    n_others = p.shape[0] - 1
    smallest: Float[np.ndarray, " k"] = np.minimum(p.min(axis=1) * n_others, 1)
    return smallest if n_others else np.ones(1)
