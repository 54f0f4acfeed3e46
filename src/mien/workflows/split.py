"""`mien split`: a frozen division into training and test photos that cannot leak.

Near copies and photos of one person go to one side; the division is written by content hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.audits.view import View
from mien.dataset.splits import TABLE_NAME, Division, divide, write_splits
from mien.errors import DatasetError
from mien.head.recipe import Recipe
from mien.records import Progress, Reject, Say, no_progress, say_nothing
from mien.workflows.audit import look
from mien.workflows.train import DEFAULT_RECIPE


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """What `mien split --json` prints.

    Attributes:
        photos: The folder.
        out: The table of content hashes.
        n_train: Training photos.
        n_test: Test photos.
        classes: Of each class: label, n, test, and the ideal number of test photos.
        n_together: Photos that had to stay with another.
        sentences: The split in words.
        rejects: Files that could not be used.
    """

    photos: str
    out: str
    n_train: int
    n_test: int
    classes: tuple[dict[str, Any], ...]
    n_together: int
    sentences: tuple[str, ...]
    rejects: tuple[Reject, ...]


def split(
    photos: Path | str,
    *,
    test: float = 0.2,
    groups: str | None = None,
    out: Path | str | None = None,
    groups_from_name: str | None = None,
    recipe: str | Recipe = DEFAULT_RECIPE,
    seed: int = 0,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> SplitRecord:
    """Divide photos into training and test photos and freeze the division.

    Args:
        photos: A folder of class folders.
        test: Share of each class to be tested on.
        groups: The group column whose photos stay together; ``person`` where there is one.
        out: The table; ``splits.csv`` in the folder when None.
        groups_from_name: Pattern with named groups, matched against file names.
        recipe: Whose backbone helps to find near copies.
        seed: Of the choice among equally good divisions.
        progress: Told photos.
        say: Told sentences for the user.

    Raises:
        UserError: The folder cannot be used or divided, or the table cannot be written.
    """
    if not 0 < test < 1:
        raise DatasetError(
            f"test share is {test:g}, expected more than 0 and less than 1",
            "Write --test 0.2 for a fifth.",
        )
    view, _ = look(
        Path(photos), test=None, recipe=recipe, groups_from_name=groups_from_name,
        progress=progress, say=say,
    )  # fmt: skip
    dataset = view.train.dataset
    column = groups if groups is not None else "person"
    if groups is not None and groups not in dataset.group_columns:
        known = ", ".join(dataset.group_columns) or "none"
        raise DatasetError(
            f"there is no group column '{groups}', known are: {known}",
            "Name it in groups.csv or in --groups-from-name.",
        )
    division = divide(
        dataset,
        share=test,
        seed=seed,
        clusters=[[twin.first, twin.second] for twin in view.twins],
        person_column=column,
    )
    path = Path(out) if out is not None else Path(photos) / TABLE_NAME
    write_splits(path, dataset=dataset, division=division)
    return _record(view, division, photos=str(photos), path=path, column=column)


def _record(view: View, division: Division, *, photos: str, path: Path, column: str) -> SplitRecord:
    dataset = view.train.dataset
    sizes = {unit: int((division.units == unit).sum()) for unit in set(division.units.tolist())}
    together = sum(n for n in sizes.values() if n > 1)
    n_test = int(division.test.sum())
    sentences = [
        f"{len(dataset.photos) - n_test} photos for training, {n_test} for testing, frozen by "
        f"content in '{path}'.",
        f"{together} photos stay together with another: {len(view.twins)} pairs of copies"
        + (f", and column '{column}'." if column in dataset.group_columns else "."),
    ]
    if column not in dataset.group_columns:
        sentences.append(
            "No column names persons: photos of one person may be on both sides. Give --groups."
        )
    return SplitRecord(
        photos=photos,
        out=str(path),
        n_train=len(dataset.photos) - n_test,
        n_test=n_test,
        classes=tuple(
            {"label": label, "n": n, "test": k, "ideal": ideal}
            for label, (n, k, ideal) in division.classes.items()
        ),
        n_together=together,
        sentences=tuple(sentences),
        rejects=dataset.rejects,
    )
