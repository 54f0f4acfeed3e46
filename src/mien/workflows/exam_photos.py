"""The photos that a training is examined on: a folder, or the frozen part of its own folder.

Law: a photo that is trained on is not examined on without the exam saying so; a frozen test photo
is never trained on, whatever else is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mien.dataset.folder import read_dataset
from mien.errors import DatasetError
from mien.formats.imported import NAME_THEM, are_unnamed
from mien.records import Dataset, Progress, Say, no_progress, say_nothing
from mien.workflows.embedder import Embedder
from mien.workflows.frozen import Splits, divide_frozen, refuse_two_tests
from mien.workflows.leaks import find_leaks, refuse_leaks, same_bytes


@dataclass(frozen=True, kw_only=True)
class ExamPhotos:
    """Photos to be examined on.

    Attributes:
        dataset: Them.
        shared: Names of those that are training photos too.
        splits: The table that froze them; None where they are a folder.
        n_embedded: How many were not in the cache when leaks were looked for.
    """

    dataset: Dataset
    shared: tuple[str, ...] = ()
    splits: Path | None = None
    n_embedded: int = 0


def read_both(
    photos: Path,
    *,
    test: Path | str | None,
    splits: Splits,
    groups_from_name: str | None = None,
    allow_leak: bool = False,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> tuple[Dataset, ExamPhotos | None]:
    """Read training photos and what is examined on, from one folder or two.

    Args:
        photos: The folder of training photos.
        test: A folder of test photos.
        splits: See `mien.workflows.frozen.Splits`; not together with `test`, except that the
            folder's own table keeps its frozen photos from being trained on in any case.
        groups_from_name: Pattern with named groups, matched against file names.
        allow_leak: Go on although the bytes of a test photo are among the training photos; what
            else is alike `look_for_leaks` finds out.
        progress: Told photos.
        say: Told how the folder is divided.

    Raises:
        DatasetError: A folder or the table cannot be used, both name test photos, or there is a
            leak.
    """
    refuse_two_tests(test, splits)
    dataset = read_dataset(photos, groups_from_name=groups_from_name, progress=progress)
    frozen = divide_frozen(dataset, splits=splits)
    if frozen is not None:
        dataset = frozen.train
        say(frozen.sentence)
    if test is not None:
        if frozen is not None:
            say("The frozen ones are left alone, as --test names a folder.")
        told = read_test_photos(
            Path(test), labels=dataset.classes, groups_from_name=groups_from_name, progress=progress
        )
        if not allow_leak:  # told by bytes alone, before minutes are spent on pictures
            refuse_leaks(same_bytes(dataset, test=told), n_test=len(told.photos))
        return dataset, ExamPhotos(dataset=told)
    if frozen is None:
        return dataset, None
    return dataset, ExamPhotos(dataset=frozen.test, splits=frozen.table)


def look_for_leaks(
    dataset: Dataset,
    exam_photos: ExamPhotos,
    *,
    embedder: Embedder,
    allow: bool,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> ExamPhotos:
    """Find exam photos that are training photos too, and name them or stop.

    Raises:
        DatasetError: There are some, and they are not allowed.
    """
    found = find_leaks(
        dataset, test=exam_photos.dataset, embedder=embedder, progress=progress, say=say
    )
    if not allow:
        refuse_leaks(found.photos, n_test=len(exam_photos.dataset.photos))
    shared = tuple(leak.test for leak in found.photos)
    return replace(exam_photos, shared=shared, n_embedded=found.n_embedded)


def read_test_photos(
    folder: Path,
    *,
    labels: Sequence[str],
    groups_from_name: str | None = None,
    progress: Progress = no_progress,
) -> Dataset:
    """Read a folder of test photos and check that its classes are known.

    Raises:
        DatasetError: A folder's name is no class in `labels`.
    """
    dataset = read_dataset(folder, groups_from_name=groups_from_name, progress=progress)
    refuse_strange_classes(dataset, labels=labels)
    return dataset


def refuse_strange_classes(dataset: Dataset, *, labels: Sequence[str]) -> None:
    """Stop where photos to be examined on have a class that nobody can answer.

    Raises:
        DatasetError: They have.
    """
    strange = [label for label in dataset.classes if label not in labels]
    if strange:
        rename = "Rename the folder to the model's word for the class."
        known = ", ".join(dict.fromkeys(labels))
        raise DatasetError(
            f"test folder '{dataset.root}' has class '{strange[0]}', which the model does not "
            f"know; it knows: {known}",
            NAME_THEM if are_unnamed(labels) else rename,
        )
