"""`mien test`: one or more models judged on labelled photos.

Law: every photo in the folder counts. One that cannot be read or has no face is counted as wrong
and named, so that a model cannot look better by refusing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.audits.view import Looks
from mien.dataset.folder import read_dataset
from mien.dataset.groups import persons
from mien.errors import RecipeError
from mien.exam import Exam, examine
from mien.image.catalogue import PREPROCESSINGS
from mien.image.preprocessing import Preprocessing
from mien.model import Model
from mien.records import Dataset, Progress, Reject, Say, no_progress, plain, say_nothing
from mien.workflows.answers import Answer, ask
from mien.workflows.exam_photos import refuse_strange_classes
from mien.workflows.exams import looks_at, looks_sentence, model_digest, new_look, record_looks
from mien.workflows.forget import forgotten_photos, taint_sentence
from mien.workflows.frozen import Splits, divide_frozen
from mien.workflows.models import open_model


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """One model's exam.

    Attributes:
        model: The path as it was given.
        preprocessing: How the model sees a photo.
        exam: Its keys stand beside `model` in the JSON document.
        tainted: Digests of training photos that were forgotten since (`mien forget`).
    """

    model: str
    preprocessing: str
    exam: Exam
    tainted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TestRecord:
    """What `mien test --json` prints.

    Attributes:
        photos: The folder of test photos.
        splits: The table whose test part was judged on; None where the whole folder was.
        results: One a model, in the order given.
        rejects: Files that are no photos; they are not counted.
        looks: How many models were judged on these photos, these included, and in words what that
            means.
    """

    photos: str
    results: tuple[TestResult, ...]
    rejects: tuple[Reject, ...]
    looks: Looks | None = None
    splits: str | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON holds it: an exam's keys stand beside its model's name."""
        return {
            "photos": self.photos,
            "splits": self.splits,
            "results": [
                {
                    "model": one.model,
                    "preprocessing": one.preprocessing,
                    "tainted": list(one.tainted),
                    **one.exam.plain(),
                }
                for one in self.results
            ],
            "looks": None
            if self.looks is None
            else {**plain(self.looks), "sentence": looks_sentence(self.looks)},
            "rejects": [{"path": one.path, "reason": one.reason} for one in self.rejects],
        }


def test(
    models: Path | str | Sequence[Path | str],
    *,
    photos: Path | str,
    splits: Splits = None,
    groups_from_name: str | None = None,
    preprocessing: str | None = None,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> TestRecord:
    """Judge models on labelled test photos.

    Args:
        models: Model files or run folders.
        photos: A folder of class folders.
        splits: A table of `mien split`: judge on its frozen test part alone. None for the folder's
            own ``splits.csv`` where there is one, False to judge on all photos.
        groups_from_name: Pattern with named groups, matched against file names.
        preprocessing: Look at the photos in this way instead of each model's own: a name of
            `mien.image.catalogue`, ``all`` for the model's own and every one of those, or the
            printed form.
        progress: Told photos.
        say: Told how often these photos were looked at, and where that is written.

    Raises:
        UserError: A model or the folder cannot be used, or a photo's class is not the model's.
    """
    paths = [models] if isinstance(models, str | Path) else list(models)
    opened = [open_model(Path(path)) for path in paths]
    if preprocessing is not None:
        pairs = [
            (path, replace(model, preprocessing=way))
            for path, model in zip(paths, opened, strict=True)
            for way in ways_to_look(model, preprocessing)
        ]
        paths, opened = [path for path, _ in pairs], [model for _, model in pairs]
    labels = [label for model in opened for label in model.labels]
    dataset = read_dataset(Path(photos), groups_from_name=groups_from_name, progress=progress)
    frozen = divide_frozen(dataset, splits=splits)
    if frozen is not None:
        dataset = frozen.test
        say(frozen.sentence)
    refuse_strange_classes(dataset, labels=labels)
    answers = ask(opened, dataset.photos, progress=progress)
    tainted = [forgotten_photos(model) for model in opened]
    results = tuple(
        TestResult(
            model=str(path),
            preprocessing=model.preprocessing,
            exam=_tell_taint(
                judge(model, dataset, said, shared=shared_photos(model, dataset)), taint
            ),
            tainted=taint,
        )
        for path, model, said, taint in zip(paths, opened, answers, tainted, strict=True)
    )
    looks = [
        new_look(
            dataset,
            model=model_digest(Path(path)),
            name=str(path),
            correct=result.exam.correct,
        )
        for path, result in zip(paths, results, strict=True)
    ]
    record_looks(dataset, looks, say=say)
    taken = looks_at(dataset)
    if sentence := looks_sentence(taken):
        say(sentence)
    return TestRecord(
        photos=str(photos),
        splits=str(frozen.table) if frozen else None,
        results=results,
        rejects=dataset.rejects,
        looks=taken,
    )


def ways_to_look(model: Model, asked: str) -> tuple[str, ...]:
    """Turn what the user asked for into printed preprocessings, at the model's own size.

    Args:
        model: Its own way comes first where all are asked for.
        asked: A name in the catalogue, ``all``, or a printed preprocessing.

    Raises:
        RecipeError: It is none of these.
    """

    def at_size(text: str) -> str:
        return text.replace("resize:224:", f"resize:{model.size_px}:")

    if asked == "all":
        named = (at_size(text) for text in PREPROCESSINGS.values())
        return tuple(dict.fromkeys((model.preprocessing, *named)))
    if asked in PREPROCESSINGS:
        return (at_size(PREPROCESSINGS[asked]),)
    try:
        return (str(Preprocessing.parse(asked)),)
    except RecipeError as error:
        if not re.fullmatch(r"[\w-]+", asked):
            raise
        names = ", ".join(PREPROCESSINGS)
        raise RecipeError(
            f"there is no preprocessing '{asked}'; expected all, {names}, or steps", error.hint
        ) from error


def _tell_taint(exam: Exam, tainted: Sequence[str]) -> Exam:
    """Say first of all that a model was trained on photos that were forgotten since."""
    if not tainted:
        return exam
    return replace(exam, sentences=(taint_sentence(tainted), *exam.sentences))


def shared_photos(model: Model, dataset: Dataset) -> tuple[str, ...]:
    """Names of the photos whose bytes the model was trained on."""
    trained = set(model.fingerprints)
    return tuple(photo.name for photo in dataset.photos if photo.sha256 in trained)


def examine_model(
    model: Model,
    dataset: Dataset,
    *,
    shared: Sequence[str],
    progress: Progress = no_progress,
) -> Exam:
    """Ask one model about a dataset and score the answers."""
    (answers,) = ask([model], dataset.photos, progress=progress)
    return judge(model, dataset, answers, shared=shared)


def judge(
    model: Model, dataset: Dataset, answers: Sequence[Answer], *, shared: Sequence[str]
) -> Exam:
    """Score a model's answers, in the order of the dataset's photos."""
    missing = np.full(len(model.labels), np.nan, dtype=np.float32)
    probs = np.stack([missing if one.probs is None else one.probs for one in answers])
    return examine(
        labels=model.labels,
        y_true=[photo.label or "" for photo in dataset.photos],
        probs=probs,
        paths=[photo.name for photo in dataset.photos],
        groups=[photo.groups for photo in dataset.photos],
        unanswered={row: one.reason or "" for row, one in enumerate(answers) if one.probs is None},
        clusters=persons([photo.groups for photo in dataset.photos]),
        shared=shared,
    )
