"""`mien plan`: how many test photos a claim needs, before the first is collected.

Pure arithmetic over `mien.stats`: no photo is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.errors import UserError
from mien.stats.planning import least_discordant, n_for_difference, n_for_width
from mien.words import percent

# Two models of like accuracy on the study's photos disagree in being right on about a quarter.
_DISCORDANT: Final = 0.25
_WIDTHS: Final = (0.2, 0.1, 0.05)


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """What `mien plan --json` prints.

    Attributes:
        classes: Classes.
        groups: Groups; 1 where none are compared.
        detect: The difference that should be found, 0 to 1.
        power: Probability of finding it.
        alpha: Two-sided.
        discordant: Assumed share of photos that only one of two models has right.
        compare_models: Test photos for finding the difference between two models.
        compare_groups: Test photos of each group for finding it between two groups.
        per_class: `compare_models` in whole photos a class.
        total_for_groups: Test photos in all, even over classes and groups.
        least_photos: The least difference in photos that exact McNemar can ever call evidence.
        widths: Width of a 95 % interval -> test photos, at the given accuracy.
        accuracy: The accuracy assumed for widths and groups.
        sentences: The plan in words.
    """

    classes: int
    groups: int
    detect: float
    power: float
    alpha: float
    discordant: float
    compare_models: int
    compare_groups: int | None
    per_class: int
    total_for_groups: int | None
    least_photos: int
    widths: dict[str, int]
    accuracy: float
    sentences: tuple[str, ...]


def plan(
    *,
    classes: int,
    groups: int = 1,
    detect: float = 0.1,
    accuracy: float = 0.6,
    power: float = 0.8,
    alpha: float = 0.05,
) -> PlanRecord:
    """Work out how many test photos a claim needs.

    Args:
        classes: At least 2.
        groups: At least 1.
        detect: The difference in accuracy that should be found, between 0 and 1.
        accuracy: What the better model is expected to reach.
        power: Probability of finding the difference where it is there.
        alpha: Probability of finding one where there is none.

    Raises:
        UserError: A number is out of range.
    """
    _check(classes=classes, groups=groups, shares={"detect": detect, "accuracy": accuracy,
                                                   "power": power, "alpha": alpha})  # fmt: skip
    discordant = max(_DISCORDANT, min(1.0, 1.5 * detect))
    n_models = n_for_difference(detect, discordant=discordant, alpha=alpha, power=power)
    n_groups = _n_for_two_shares(accuracy, detect, alpha=alpha, power=power) if groups > 1 else None
    per_class = -(-n_models // classes)
    cells = classes * groups
    total = -(-groups * n_groups // cells) * cells if n_groups else None
    widths = {f"{w:g}": n_for_width(w, share=accuracy) for w in _WIDTHS}
    least = least_discordant(alpha=alpha)
    sentences = [
        f"To find a difference of {percent(detect)} between two models with probability "
        f"{percent(power)}: {n_models} test photos, {per_class} a class (if only one of them is "
        f"right on {percent(discordant)} of the photos).",
        f"Two models must differ by {least} photos at least, whatever the number of test photos.",
        "For a 95 % interval "
        + ", ".join(f"{percent(float(w))} wide: {n} photos" for w, n in widths.items())
        + f" (at an accuracy of {percent(accuracy)}).",
    ]
    if n_groups and total:
        sentences.append(
            f"To find a difference of {percent(detect)} between two of {groups} groups: {n_groups} "
            f"test photos of each group, {total} in all, {total // cells} in each of {cells} cells."
        )
    return PlanRecord(
        classes=classes, groups=groups, detect=detect, power=power, alpha=alpha,
        discordant=discordant, compare_models=n_models, compare_groups=n_groups,
        per_class=per_class, total_for_groups=total, least_photos=least, widths=widths,
        accuracy=accuracy, sentences=tuple(sentences),
    )  # fmt: skip


def _n_for_two_shares(accuracy: float, detect: float, *, alpha: float, power: float) -> int:
    """Photos of each of two groups for finding a difference of two independent shares.

    Source: J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions
    (2003), equation 4.14.
    """
    from math import ceil, sqrt
    from statistics import NormalDist

    better, worse = accuracy, max(0.0, accuracy - detect)
    middle = (better + worse) / 2
    z_a, z_b = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    root = z_a * sqrt(2 * middle * (1 - middle)) + z_b * sqrt(
        better * (1 - better) + worse * (1 - worse)
    )
    return ceil((root / (better - worse)) ** 2)


def _check(*, classes: int, groups: int, shares: dict[str, float]) -> None:
    if classes < 2:
        raise UserError(f"classes is {classes}, expected at least 2", "")
    if groups < 1:
        raise UserError(f"groups is {groups}, expected at least 1", "")
    for name, value in shares.items():
        if not 0 < value < 1:
            raise UserError(
                f"{name} is {value:g}, expected more than 0 and less than 1", "Write 0.1 for 10 %."
            )
    if shares["detect"] > shares["accuracy"]:
        raise UserError(
            f"detect is {shares['detect']:g}, more than the accuracy {shares['accuracy']:g}", ""
        )
