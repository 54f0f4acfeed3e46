"""How the groups of the test photos did, and whether they differ by more than chance.

Knows nothing of what a group means. Law: nothing is said of a group with fewer than `LEAST_N`
photos; every p of a pair stands beside the one corrected for all pairs of all columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from mien.exam.rates import LEAST_N, rate_of_rows
from mien.exam.result import ColumnGap, GroupScore, PairGap
from mien.records import Estimate
from mien.stats import difference_interval, estimate, gap_p, holm, least_gap, widest_gap_p
from mien.words import count, p_value, percent, right_of

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Of each photo: whether it was answered right, at all, and what it belongs to."""

    correct: Bool[np.ndarray, " n"]
    answered: Bool[np.ndarray, " n"]
    groups: Sequence[Mapping[str, str]]
    clusters: Sequence[str] | None = None

    def columns(self) -> list[str]:
        """Group columns in the order in which they first occur."""
        return list(dict.fromkeys(column for photo in self.groups for column in photo))

    def members(self, column: str) -> dict[str | None, np.ndarray]:
        """Rows of each value of a column, by value, those without one last."""
        rows: dict[str | None, list[int]] = {}
        for row, photo in enumerate(self.groups):
            rows.setdefault(photo.get(column), []).append(row)
        order = sorted(rows, key=lambda value: (value is None, value or ""))
        return {value: np.array(rows[value]) for value in order}


def group_scores(answers: Answers) -> tuple[GroupScore, ...]:
    """Score every group of every column."""
    return tuple(
        _score(answers, column, value, rows)
        for column in answers.columns()
        for value, rows in answers.members(column).items()
    )


def column_gaps(answers: Answers, *, rng: np.random.Generator) -> tuple[ColumnGap, ...]:
    """Compare the groups of each column that has at least two values.

    A column in which each photo stands alone, such as a person's name, is left out.
    """
    gaps = []
    for column in answers.columns():
        members = {
            value: rows for value, rows in answers.members(column).items() if value is not None
        }
        if len(members) >= 2 and max(rows.size for rows in members.values()) > 1:
            gaps.append(_column(answers, column, members, rng))
    return _with_holm(gaps)


def _score(answers: Answers, column: str, value: str | None, rows: np.ndarray) -> GroupScore:
    n, correct = int(rows.size), int(answers.correct[rows].sum())
    accuracy = rate_of_rows(answers.correct, rows=rows, clusters=answers.clusters)
    return GroupScore(
        column=column,
        value=value,
        n=n,
        correct=correct,
        n_unanswered=int(n - answers.answered[rows].sum()),
        accuracy=accuracy,
        sentence=f"{column} {value or '(not given)'}: {right_of(correct, n, accuracy)}",
    )


def _column(
    answers: Answers, column: str, members: Mapping[str, np.ndarray], rng: np.random.Generator
) -> ColumnGap:
    rates = {
        value: rate_of_rows(answers.correct, rows=rows, clusters=answers.clusters)
        for value, rows in members.items()
    }
    pairs = tuple(
        _pair(answers, column, {a: members[a], b: members[b]}, rates, rng)
        for a, b in itertools.combinations(members, 2)
    )
    said = {value: estimate for value, estimate in rates.items() if estimate is not None}
    if len(said) < 2:
        sentence = (
            f"{column}: fewer than two groups have {LEAST_N} independent photos, "
            "so no gap can be said."
        )
        return ColumnGap(
            column=column, gap=None, p=None, least_n=LEAST_N, pairs=pairs, sentence=sentence
        )
    best = max(said, key=lambda value: said[value].value)
    # From the other end: of groups that are all equal, two are named.
    worst = min(reversed(said), key=lambda value: said[value].value)
    gap = said[best].value - said[worst].value
    p = _shuffled_p(answers, column, np.concatenate([members[value] for value in said]), rng)
    sentence = (
        f"{column}: {_evidence(p)} ({best} {percent(said[best].value)}, "
        f"{worst} {percent(said[worst].value)}, a gap of {_points(gap)}, {p_value(p)})."
    )
    return ColumnGap(column=column, gap=gap, p=p, least_n=LEAST_N, pairs=pairs, sentence=sentence)


def _pair(
    answers: Answers,
    column: str,
    members: Mapping[str, np.ndarray],
    rates: Mapping[str, Estimate | None],
    rng: np.random.Generator,
) -> PairGap:
    a, b = sorted(members, key=lambda value: -float(answers.correct[members[value]].mean()))
    n_a, n_b = int(members[a].size), int(members[b].size)
    rate_a, rate_b = rates[a], rates[b]
    if rate_a is None or rate_b is None:
        few = count(min(n_a, n_b), "photo")
        return PairGap(
            a=a,
            b=b,
            n_a=n_a,
            n_b=n_b,
            gap=None,
            p=None,
            p_holm=None,
            can_show=None,
            sentence=f"{a} and {b}: {few} of one of them: cannot be said",
        )
    right_a, right_b = (
        int(answers.correct[members[a]].sum()),
        int(answers.correct[members[b]].sum()),
    )
    if answers.clusters is None:
        p = gap_p(correct_a=right_a, n_a=n_a, correct_b=right_b, n_b=n_b)
    else:
        p = _shuffled_p(answers, column, np.concatenate([members[a], members[b]]), rng)
    return PairGap(
        a=a,
        b=b,
        n_a=n_a,
        n_b=n_b,
        gap=estimate(rate_a.value - rate_b.value, difference_interval(rate_a, rate_b)),
        p=p,
        p_holm=None,
        can_show=least_gap(n_correct=right_a + right_b, n_a=n_a, n_b=n_b),
        sentence="",
    )


def _shuffled_p(answers: Answers, column: str, rows: np.ndarray, rng: np.random.Generator) -> float:
    return widest_gap_p(
        answers.correct[rows].astype(float),
        groups=[answers.groups[row][column] for row in rows],
        rng=rng,
        clusters=None if answers.clusters is None else [answers.clusters[row] for row in rows],
    )


def _with_holm(gaps: list[ColumnGap]) -> tuple[ColumnGap, ...]:
    p_values = [pair.p for column in gaps for pair in column.pairs if pair.p is not None]
    adjusted = iter(holm(p_values).tolist())

    def finished(pair: PairGap) -> PairGap:
        if pair.p is None or pair.gap is None:
            return pair
        return _finished(pair, pair.gap, next(adjusted))

    return tuple(
        replace(column, pairs=tuple(finished(pair) for pair in column.pairs)) for column in gaps
    )


def _finished(pair: PairGap, gap: Estimate, p_holm: float) -> PairGap:
    sentence = (
        f"{pair.a} and {pair.b}: {_evidence(p_holm)} (a gap of {_points(gap.value)}, "
        f"{100 * gap.level:.0f} % interval {_signed(gap.low)} to {_signed(gap.high)}; "
        f"{p_value(p_holm)} after Holm's correction"
    )
    if p_holm > ALPHA:
        could = "no gap" if pair.can_show is None else f"a gap of {_points(pair.can_show)} at best"
        sentence += f"; {pair.n_a} and {pair.n_b} photos could show {could}"
    return replace(pair, p_holm=p_holm, sentence=sentence + ")")


def _evidence(p: float) -> str:
    return "evidence of a difference" if p <= ALPHA else "no evidence of a difference"


def _signed(gap: float) -> str:
    return f"{round(100 * gap):d}".replace("-", "−")


def _points(gap: float) -> str:
    return count(round(100 * gap), "point")
