"""`mien compare`: two models on the same test photos, photo by photo.

Law: both see every photo; a photo that one cannot answer is that one's mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.dataset.groups import persons
from mien.errors import ModelError
from mien.exam import Comparison
from mien.exam import compare as compare_exams
from mien.records import Progress, Reject, no_progress, plain
from mien.workflows.test import TestResult, test


@dataclass(frozen=True, kw_only=True)
class CompareRecord:
    """What `mien compare --json` prints.

    Attributes:
        photos: The folder of test photos.
        comparison: Of the two, in the order given.
        results: The exam of each.
        rejects: Files that are no photos; they are not counted.
    """

    photos: str
    comparison: Comparison
    results: tuple[TestResult, TestResult]
    rejects: tuple[Reject, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it: an exam's keys stand beside its model's name."""
        return {
            "photos": self.photos,
            "comparison": plain(self.comparison),
            "results": [
                {"model": one.model, "preprocessing": one.preprocessing, **one.exam.plain()}
                for one in self.results
            ],
            "rejects": plain(self.rejects),
        }


def compare(
    a: Path | str,
    b: Path | str,
    *,
    photos: Path | str,
    groups_from_name: str | None = None,
    progress: Progress = no_progress,
) -> CompareRecord:
    """Compare two models on the same photos.

    Args:
        a: A model file, a run folder or a Teachable Machine export.
        b: Another one.
        photos: A folder of class folders.
        groups_from_name: Pattern with named groups, matched against file names; photos of one
            ``person`` are then counted together.
        progress: Told photos.

    Raises:
        ModelError: Both are one file.
        UserError: A model or the folder cannot be used.
    """
    if Path(a).resolve() == Path(b).resolve():
        raise ModelError(f"'{a}' is given twice", "Give two different models.")
    record = test((a, b), photos=photos, groups_from_name=groups_from_name, progress=progress)
    first, second = record.results
    comparison = compare_exams(
        first.exam,
        second.exam,
        names=(str(a), str(b)),
        clusters=persons([photo.groups for photo in first.exam.photos]),
    )
    return CompareRecord(
        photos=record.photos,
        comparison=comparison,
        results=(first, second),
        rejects=record.rejects,
    )
