"""Score a model on labelled photos: overall, by class, by group, against another model."""

from mien.exam.compare import Comparison, compare
from mien.exam.examine import examine
from mien.exam.result import Exam
from mien.exam.seeds import FoldSummary, SeedSummary, over_folds, over_seeds
from mien.exam.verdict import Verdict, judge

__all__ = [
    "Comparison",
    "Exam",
    "FoldSummary",
    "SeedSummary",
    "Verdict",
    "compare",
    "examine",
    "judge",
    "over_folds",
    "over_seeds",
]
