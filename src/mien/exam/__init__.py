"""Score a model on labelled photos: overall, by class, by group, against another model."""

from mien.exam.examine import examine
from mien.exam.result import Exam

__all__ = ["Exam", "examine"]
