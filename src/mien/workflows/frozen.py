"""A folder's frozen division: which of its photos may be trained on, and which are the exam.

`mien split` writes ``splits.csv``; every verb that trains or examines reads it here. Law: photos
are told by their bytes, so that a renamed or moved photo stays where it was, and a photo that the
table does not know is a training photo. A test part of which a photo is missing is refused: its
score would be that of another exam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from mien.audits.findings import some
from mien.dataset.splits import TABLE_NAME, SplitTable, part_of, read_splits
from mien.errors import DatasetError
from mien.records import Dataset
from mien.words import count

Splits: TypeAlias = Path | str | bool | None
"""Which table to go by: None for that of the folder, where it has one; False for none."""


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A dataset divided by its table.

    Attributes:
        table: The file.
        train: Its training photos, those that the table does not know among them. The rejects of
            the folder are here.
        test: Its frozen test photos.
        sentence: What was done, for the user.
    """

    table: Path
    train: Dataset
    test: Dataset
    sentence: str


def table_for(photos: Path, splits: Splits) -> Path | None:
    """The table to go by, None where the folder is to be taken whole.

    Raises:
        DatasetError: A table was named, and there is none.
    """
    if splits is False:
        return None
    if splits is None or splits is True:
        own = photos / TABLE_NAME
        if splits is True and not own.is_file():
            raise DatasetError(
                f"folder '{photos}' has no {TABLE_NAME}", f"Write one: mien split '{photos}'."
            )
        return own if own.is_file() else None
    return Path(splits)


def divide_frozen(dataset: Dataset, *, splits: Splits) -> Frozen | None:
    """Divide a dataset by its table.

    Args:
        dataset: The whole folder.
        splits: See `Splits`.

    Returns:
        Both parts; None where there is no table to go by.

    Raises:
        DatasetError: The table cannot be used, or is not of these photos.
    """
    path = table_for(dataset.root, splits)
    if path is None:
        return None
    table = read_splits(path)
    here = {photo.sha256 for photo in dataset.photos}
    _refuse_missing(table, here, path=path, root=dataset.root)
    test = replace(part_of(dataset, splits=table, part="test"), rejects=())
    train = part_of(dataset, splits=table, part="train")
    if not train.photos:
        raise DatasetError(
            f"'{path}' leaves no photo of '{dataset.root}' for training",
            "Add photos, or freeze a smaller part: mien split --test 0.2.",
        )
    return Frozen(
        table=path, train=train, test=test, sentence=_sentence(path, train, test, table, here)
    )


def _refuse_missing(table: SplitTable, here: set[str], *, path: Path, root: Path) -> None:
    """Stop where frozen test photos are not in the folder any more, or never were."""
    frozen = table.of("test")
    missing = [table.name(sha256) for sha256 in frozen if sha256 not in here]
    if not missing:
        return
    if len(missing) == len(frozen):
        raise DatasetError(
            f"none of the {len(frozen)} test photos in '{path}' is in folder '{root}'",
            "It is the table of other photos; give theirs with --splits, or --no-splits.",
        )
    raise DatasetError(
        f"{len(missing)} of the {len(frozen)} test photos in '{path}' are not in folder '{root}' "
        f"any more: {some(missing)}",
        "Put them back with their old bytes, or freeze anew with 'mien split'.",
    )


def _sentence(path: Path, train: Dataset, test: Dataset, table: SplitTable, here: set[str]) -> str:
    new = [photo.name for photo in train.photos if photo.sha256 not in table.parts]
    gone = [sha256 for sha256 in table.of("train") if sha256 not in here]
    words = [
        f"'{path}' divides the folder: {count(len(train.photos), 'photo')} to train on, "
        f"{len(test.photos)} frozen for testing"
    ]
    if new:
        words.append(f"{len(new)} that it does not know are training photos ({some(new)})")
    if gone:
        words.append(f"{len(gone)} of its training photos are gone")
    return "; ".join(words) + "."


def refuse_two_tests(test: object, splits: Splits) -> None:
    """Stop where both a folder of test photos and a table were asked for.

    Raises:
        DatasetError: They were.
    """
    if test is not None and splits is not None and splits is not False:
        raise DatasetError(
            f"--test '{test}' and --splits '{splits}' both name test photos",
            "Give one of them.",
        )
