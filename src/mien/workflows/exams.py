"""The record of looks: every exam against a set of test photos is one line of a plain table.

A test set is spent by looking at it: the best of twenty models on thirty photos is luck. So each
exam adds a line to ``exams.csv`` beside the test photos (in the user's data folder where that
cannot be written), and the next exam says how many models came before it. The set is told by its
photos' bytes: renaming files or moving the folder's content does not make it new.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from mien.audits.view import Looks
from mien.digest import digest_file, digest_many
from mien.errors import UserError
from mien.files import is_closed, write_text
from mien.places import user_data
from mien.records import Dataset, Say, say_nothing
from mien.stats.luck import expected_best
from mien.words import percent
from mien.workflows import runs

FILE_NAME: Final = "exams.csv"


@dataclass(frozen=True, kw_only=True)
class Look:
    """One exam: a line of the table.

    Attributes:
        when: UTC, to the second.
        test_photos: Fingerprint of the photos, over their bytes.
        model: SHA-256 of the model's file, or its fingerprint.
        name: What the user called the model.
        n: Photos.
        correct: How many were right.
    """

    when: str
    test_photos: str
    model: str
    name: str
    n: int
    correct: int


_COLUMNS: Final = tuple(field.name for field in fields(Look))


def fingerprint(dataset: Dataset) -> str:
    """What a set of test photos is known by."""
    return digest_many(photo.sha256 for photo in dataset.photos)


def model_digest(path: Path) -> str:
    """What a model is known by: the SHA-256 of its file, of the one in a run folder, or of all."""
    if path.is_file():
        return digest_file(path)
    for name in (runs.MODEL, "keras_model.h5"):
        if (path / name).is_file():
            return digest_file(path / name)
    # A format that is a folder: a SavedModel, or what a browser loads.
    return digest_many(digest_file(file) for file in sorted(path.rglob("*")) if file.is_file())


def new_look(dataset: Dataset, *, model: str, name: str, correct: int) -> Look:
    """A look taken now."""
    return Look(
        when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        test_photos=fingerprint(dataset),
        model=model,
        name=name,
        n=len(dataset.photos),
        correct=correct,
    )


def record_looks(dataset: Dataset, looks: Sequence[Look], *, say: Say = say_nothing) -> None:
    """Add lines to the table; told where it went when not beside the photos."""
    if not looks:
        return
    beside, elsewhere = _places(dataset)
    try:
        if is_closed(dataset.root):
            raise UserError(f"'{dataset.root}' is read-only")
        write_text(beside, _text([*_read(beside), *looks]))
    except UserError:
        write_text(elsewhere, _text([*_read(elsewhere), *looks]))
        say(f"'{dataset.root}' cannot be written: the record of exams is '{elsewhere}'.")


def looks_at(dataset: Dataset) -> Looks | None:
    """What is on record of these very photos; None where nothing is."""
    known = fingerprint(dataset)
    looks = [one for path in _places(dataset) for one in _read(path) if one.test_photos == known]
    if not looks:
        return None
    # A model that is examined twice is one model.
    by_model = {one.model: one.correct for one in looks}
    n = max(1, looks[0].n)
    return Looks(
        n_exams=len(looks),
        n_models=len(by_model),
        n=n,
        best_correct=max(by_model.values()),
        mean_share=sum(by_model.values()) / len(by_model) / n,
    )


def looks_sentence(looks: Looks | None) -> str | None:
    """What an exam should say of the looks before and with it; None for the first model."""
    if looks is None or looks.n_models < 2:
        return None
    best = expected_best(looks.n_models, n=looks.n, share=looks.mean_share)
    return (
        f"{looks.n_models} models have been judged on these {looks.n} test photos. Were all equally"
        f" good at their mean of {percent(looks.mean_share)}, the best would be expected at "
        f"{percent(best)} by luck alone."
    )


def _places(dataset: Dataset) -> tuple[Path, Path]:
    known = fingerprint(dataset)
    return dataset.root / FILE_NAME, user_data() / "exams" / f"{known[:32]}.csv"


def _read(path: Path) -> list[Look]:
    if not path.is_file():
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        return [
            Look(
                when=row["when"],
                test_photos=row["test_photos"],
                model=row["model"],
                name=row["name"],
                n=int(row["n"]),
                correct=int(row["correct"]),
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(
            f"'{path}' is not a record of exams: {error}",
            "Restore it, or move it aside; it counts how often the test photos were looked at.",
        ) from error


def _text(looks: Sequence[Look]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(one, column) for column in _COLUMNS] for one in looks)
    return out.getvalue()
