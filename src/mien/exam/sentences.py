"""An exam in words, most important first.

Reads the finished record and computes nothing. Law: a leak is said before any score.
"""

from __future__ import annotations

from mien.exam.result import Baseline, Exam
from mien.words import count, listed, p_value, percent, right_of

# The score is told from guessing at the usual 5 %.
_ALPHA = 0.05


def exam_sentences(exam: Exam) -> tuple[str, ...]:
    """All that there is to say, as full sentences."""
    return (
        *_leak(exam),
        _score(exam),
        *_unanswered(exam),
        *_classes(exam),
        *(gap.sentence for gap in exam.gaps),
        *([exam.reliability.sentence] if exam.reliability else []),
    )


def _leak(exam: Exam) -> list[str]:
    part = exam.without_shared
    if part is None:
        return []
    n_shared = len(exam.shared)
    were = "was" if n_shared == 1 else "were"
    first = (
        f"Leak: {n_shared:,} of the {count(exam.n, 'test photo')} {were} among the training "
        "photos, so the score below is too good."
    )
    if part.n == 0:
        return [f"{first} No other test photo is left: this is no test."]
    return [f"{first} Without them: {right_of(part.correct, part.n, part.accuracy)}."]


def _score(exam: Exam) -> str:
    score = right_of(exam.correct, exam.n, exam.accuracy)
    guess = max(exam.baselines, key=lambda baseline: baseline.accuracy)
    better = f"{score[0].upper()}{score[1:]}"
    if guess.p > _ALPHA:
        return (
            f"{better}: no evidence that it is better than {_guessing(guess)}, "
            f"{percent(guess.accuracy)} ({p_value(guess.p)})."
        )
    return f"{better}; {_guessing(guess)} gives {percent(guess.accuracy)}."


def _guessing(baseline: Baseline) -> str:
    if baseline.label is None:
        return "guessing"
    return f"always answering '{baseline.label}'"


def _unanswered(exam: Exam) -> list[str]:
    if not exam.unanswered:
        return []
    n = len(exam.unanswered)
    return [f"{count(n, 'photo')} got no answer and {'counts' if n == 1 else 'count'} as wrong."]


def _classes(exam: Exam) -> list[str]:
    missing = [score.label for score in exam.per_class if score.n == 0]
    said = [score for score in exam.per_class if score.recall is not None]
    sentences = []
    if missing:
        sentences.append(f"No test photos of {listed(missing)}: nothing is known of them.")
    if len(said) >= 2:
        best = max(said, key=lambda score: score.correct / score.n)
        worst = min(said, key=lambda score: score.correct / score.n)
        if best.correct * worst.n != worst.correct * best.n:
            sentences.append(
                f"Best class: {best.label} ({best.correct} of {best.n}); "
                f"worst: {worst.label} ({worst.correct} of {worst.n})."
            )
    return sentences
