"""The records of `mien reproduce`, and what they say in words.

Law: a sentence says only what a number beside it says. Shares are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mien.exam import Comparison, Exam, SeedSummary, Verdict
from mien.records import Estimate, Reject
from mien.words import count, number, p_value, percent
from mien.workflows.crossval import CrossValidationSummary


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One value of a setting: printed, measured, and trained anew.

    Attributes:
        value: Of the setting.
        printed: Accuracy in the study's table; None where it has none.
        model: Folder of its exported model; None where none was kept.
        measured_correct: Test photos that model has right.
        measured: Its accuracy with its interval.
        agrees: Whether printed and measured are the same number of photos; None without both.
        seeds: Test accuracies of the same recipe over seeds.
        accuracies: One a seed.
        held_out: Accuracies on the photos each training held out; None where none were.
        n_held_out: How many photos those were.
        n_diverged: Trainings that failed.
        at_least_printed: Share of the seeds that score at least what was printed.
    """

    value: float
    printed: float | None
    model: str | None
    measured_correct: int | None
    measured: Estimate | None
    agrees: bool | None
    seeds: SeedSummary
    accuracies: tuple[float, ...]
    held_out: SeedSummary | None
    n_held_out: int
    n_diverged: int
    at_least_printed: float | None


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A setting that the study varied.

    Attributes:
        setting: Which.
        points: Its values, rising.
        best_value: The value with the highest printed accuracy.
        best_printed: That accuracy.
        luck: Expected best of as many single runs as there are values, drawn from all runs.
        luck_p: Probability that the best of as many single runs at the best value reaches
            `best_printed`.
        verdict: Which value is best, over seeds and photos.
        sentence: In words.
    """

    setting: Literal["epochs", "learning_rate"]
    points: tuple[SweepPoint, ...]
    best_value: float
    best_printed: float
    luck: float
    luck_p: float
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, kw_only=True)
class RecipeResult:
    """A recipe on the study's photos.

    Attributes:
        name: Of the recipe.
        recipe: Every setting.
        seeds: Test accuracies over seeds.
        accuracies: One a seed.
        held_out: Accuracies on held-out training photos over seeds, None where none were.
        n_held_out: How many photos those were.
        cross_validation: On the training photos.
        exam: Of the first seed's head on the test photos.
    """

    name: str
    recipe: Mapping[str, Any]
    seeds: SeedSummary
    accuracies: tuple[float, ...]
    held_out: SeedSummary | None
    n_held_out: int
    cross_validation: CrossValidationSummary
    exam: Exam


@dataclass(frozen=True, kw_only=True)
class FoldDifference:
    """Our recipe less the study's, fold by fold on the same photos.

    Attributes:
        difference: Mean over folds, with the interval of the corrected resampled t.
        p: Two-sided.
        sentence: In words.
    """

    difference: Estimate
    p: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """Photos of one class: printed, and found in the folder."""

    label: str
    printed: tuple[int, ...]
    found: int


@dataclass(frozen=True, kw_only=True)
class HiddenRow:
    """Accuracy on one class of the photos Teachable Machine held out: printed."""

    label: str
    printed: float


@dataclass(frozen=True, kw_only=True)
class ReproduceRecord:
    """What `mien reproduce --json` prints.

    Attributes:
        paper: The study's folder.
        folder: Where the finished runs and this record are.
        n_train: Training photos found.
        n_test: Test photos found.
        classes: Their classes.
        seeds: How many random starts.
        table_columns: Headings of the printed table of photos.
        table: The table.
        hidden_split: What was printed of Teachable Machine's own held-out photos.
        n_hidden_split: Photos of each class in it.
        n_models: Exported models measured.
        n_agree: Of them, those that give exactly the printed number of photos.
        sweeps: Epochs and learning rate.
        its_recipe: The study's recipe as it is by default, 50 epochs.
        ours: Our recipe.
        against_best_model: Ours against the exported model with the best printed accuracy.
        recipes: Which of the two recipes is better on the test photos, over seeds and photos.
        by_folds: The two by cross-validation, fold by fold.
        sentences: The study in words, for a busy person, most important first.
        rejects: Photos that were left out.
    """

    paper: str
    folder: str
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    seeds: int
    table_columns: tuple[str, ...]
    table: tuple[TableRow, ...]
    hidden_split: tuple[HiddenRow, ...]
    n_hidden_split: int
    n_models: int
    n_agree: int
    sweeps: tuple[Sweep, ...]
    its_recipe: RecipeResult
    ours: RecipeResult
    against_best_model: Comparison | None
    recipes: Verdict
    by_folds: FoldDifference
    sentences: tuple[str, ...]
    rejects: tuple[Reject, ...]


def sweep_sentence(
    points: Sequence[SweepPoint], *, what: str, best: SweepPoint, verdict: Verdict
) -> str:
    """What luck makes of the best printed accuracy."""
    assert best.printed is not None
    means = [point.seeds.mean for point in points]
    return (
        f"Printed best: {percent(best.printed)} at {what} {number(best.value)}. "
        f"Over {count(best.seeds.n, 'seed')} the same recipe gives {_mean_sd(best.seeds)} there; "
        f"over all values its mean goes from {percent(min(means))} to {percent(max(means))}. "
        f"{verdict.sentence}"
    )


def fold_sentence(difference: Estimate, *, p: float, ours: float, its: float) -> str:
    """Whether the two recipes differ by cross-validation."""
    told = f"{percent(ours)} against {percent(its)} by cross-validation on the training photos"
    span = f"95 % interval {100 * difference.low:+.0f} to {100 * difference.high:+.0f} points"
    span = span.replace("-", "−")
    if p > 0.05:
        return f"no evidence of a difference: {told} ({span}, {p_value(p)})"
    better = "better" if difference.value > 0 else "worse"
    points = count(round(100 * abs(difference.value)), "point")
    return f"ours is {better} by {points}: {told} ({span}, {p_value(p)})"


def summary(record: ReproduceRecord) -> tuple[str, ...]:
    """The whole study for a busy person."""
    epochs = record.sweeps[0]
    best = next(point for point in epochs.points if point.value == epochs.best_value)
    means = [point.seeds.mean for point in epochs.points]
    said = [
        f"{_headline(epochs)}: over {count(record.seeds, 'seed')} its recipe "
        f"gives {_mean_sd(best.seeds)} there, and {100 * min(means):.0f} to "
        f"{100 * max(means):.0f} % on average at epoch counts from {epochs.points[0].value:g} to "
        f"{epochs.points[-1].value:g}. That the best of {len(epochs.points)} single runs scores as "
        f"high has a probability of {percent(epochs.luck_p)}.",
        f"Of its {count(record.n_models, 'exported model')}, {record.n_agree} give exactly the "
        f"number printed.",
        _ours(record),
    ]
    said.append(f"{_capital(record.by_folds.sentence)}.")
    if record.against_best_model is not None:
        said.append(
            f"On the {count(record.n_test, 'test photo')}: {record.against_best_model.verdict}."
        )
    return tuple(said)


def _headline(epochs: Sweep) -> str:
    printed = f"The study's best accuracy, {percent(epochs.best_printed)}"
    where = f"at {epochs.best_value:g} epochs"
    if epochs.luck_p > 0.05 and epochs.verdict.winner is None:
        return f"{printed} {where}, is within the luck of the draw"
    return f"{printed} {where}, is more than luck usually gives"


def _ours(record: ReproduceRecord) -> str:
    ours, its = record.ours, record.its_recipe
    return (
        f"Our recipe '{ours.name}' gives {_mean_sd(ours.seeds)} on the same "
        f"{count(record.n_test, 'test photo')}, and "
        f"{percent(ours.cross_validation.mean)} by {ours.cross_validation.folds}-fold "
        f"cross-validation on its {count(record.n_train, 'training photo')}; the study's recipe "
        f"gives {_mean_sd(its.seeds)} and {percent(its.cross_validation.mean)}."
    )


def _mean_sd(summary: SeedSummary) -> str:
    if summary.sd is None:
        return percent(summary.mean)
    if summary.sd < 0.0005:  # a head that does not depend on the seed
        return f"{percent(summary.mean)} with every seed"
    return f"{percent(summary.mean)} ± {100 * summary.sd:.0f}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
