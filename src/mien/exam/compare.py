"""Two models on the same test photos.

Law: only the same photos are compared, photo by photo; «no evidence» always comes with what this
test set could have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import DatasetError
from mien.exam.result import Exam
from mien.records import Estimate
from mien.stats import estimate, least_discordant, mcnemar_p, paired_difference
from mien.words import count, p_value

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Model A against model B.

    Attributes:
        names: What A and B are called.
        n: Photos both were tested on.
        correct: How many each has right.
        both: Photos both have right.
        only_a: Photos A alone has right.
        only_b: Photos B alone has right.
        neither: Photos neither has right.
        difference: Accuracy of A less that of B, with its paired bootstrap interval.
        p: Exact McNemar, two-sided.
        least_photos: The least difference in photos that this test set could show at best; None
            where it has fewer photos than that.
        paths_only_a: The photos A alone has right.
        paths_only_b: The photos B alone has right.
        verdict: In words.
    """

    names: tuple[str, str]
    n: int
    correct: tuple[int, int]
    both: int
    only_a: int
    only_b: int
    neither: int
    difference: Estimate
    p: float
    least_photos: int | None
    paths_only_a: tuple[str, ...]
    paths_only_b: tuple[str, ...]
    verdict: str


def compare(
    exam_a: Exam,
    exam_b: Exam,
    *,
    names: tuple[str, str] = ("A", "B"),
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two exams of the same photos.

    The test is exact McNemar, over photos. With `clusters`, the interval of the difference is over
    clusters, and the verdict asks both the test and the interval.

    Args:
        exam_a: Of model A.
        exam_b: Of model B, with the photos in any order.
        names: What they are called in the verdict.
        clusters: Of each photo, in the order of `exam_a`.
        seed: Of the bootstrap.

    Raises:
        DatasetError: The photos are not the same, or one has another label in each exam.
    """
    right_a, right_b = _paired(exam_a, exam_b)
    paths = [photo.path for photo in exam_a.photos]
    only_a, only_b = right_a & ~right_b, right_b & ~right_a
    n_a, n_b = int(only_a.sum()), int(only_b.sum())
    p = mcnemar_p(only_a=n_a, only_b=n_b)
    interval = paired_difference(
        right_a, correct_b=right_b, rng=np.random.default_rng(seed), clusters=clusters
    )
    difference = estimate(float(right_a.mean() - right_b.mean()), interval)
    least = least_discordant(alpha=ALPHA)
    found = p <= ALPHA and (clusters is None or not interval.low <= 0 <= interval.high)
    return Comparison(
        names=names,
        n=exam_a.n,
        correct=(exam_a.correct, exam_b.correct),
        both=int((right_a & right_b).sum()),
        only_a=n_a,
        only_b=n_b,
        neither=int((~right_a & ~right_b).sum()),
        difference=difference,
        p=p,
        least_photos=least if least <= exam_a.n else None,
        paths_only_a=tuple(path for path, only in zip(paths, only_a, strict=True) if only),
        paths_only_b=tuple(path for path, only in zip(paths, only_b, strict=True) if only),
        verdict=_verdict(exam_a, exam_b, names=names, p=p, found=found),
    )


def _paired(exam_a: Exam, exam_b: Exam) -> tuple[np.ndarray, np.ndarray]:
    of_b = {photo.path: photo for photo in exam_b.photos}
    paths = [photo.path for photo in exam_a.photos]
    if set(paths) != set(of_b):
        apart = sorted(set(paths) ^ set(of_b))
        raise DatasetError(
            f"the two models were tested on different photos: {count(len(apart), 'photo')} "
            f"with only one of them, such as '{apart[0]}'",
            "Test both on the same folder.",
        )
    for photo in exam_a.photos:
        if photo.label != of_b[photo.path].label:
            raise DatasetError(
                f"photo '{photo.path}' is '{photo.label}' in one test and "
                f"'{of_b[photo.path].label}' in the other",
                "Test both on the same folder.",
            )
    right_a = np.array([photo.predicted == photo.label for photo in exam_a.photos])
    right_b = np.array([of_b[path].predicted == of_b[path].label for path in paths])
    return right_a, right_b


def _verdict(exam_a: Exam, exam_b: Exam, *, names: tuple[str, str], p: float, found: bool) -> str:
    if found:
        ahead = 0 if exam_a.correct > exam_b.correct else 1
        most, least = sorted((exam_a.correct, exam_b.correct), reverse=True)
        return (
            f"{names[ahead]} is better than {names[1 - ahead]}: "
            f"{most:,} against {least:,} of {exam_a.n:,}, {p_value(p)}"
        )
    needed = least_discordant(alpha=ALPHA)
    could = (
        f"this test set could show a difference of {count(needed, 'photo')} at best"
        if needed <= exam_a.n
        else f"{count(exam_a.n, 'test photo')} cannot show any difference, {needed} at least could"
    )
    return (
        f"no evidence of a difference: {exam_a.correct:,} against {exam_b.correct:,} "
        f"of {exam_a.n:,}, {p_value(p)}; {could}"
    )
