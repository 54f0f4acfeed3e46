"""`mien report`: the page of a run, a study, a reproduction or a learning curve, from its JSON.

Law: nothing is trained or scored again; what a page shows beyond the record (intervals of each
seed, advice, nearest photos) is computed here, not in the page.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mien.errors import UserError
from mien.exam.words import count, percent
from mien.files import read_json, write_text
from mien.head.recipe import RECIPES, SETTINGS, from_plain
from mien.records import Estimate, Progress, Say, no_progress, plain, say_nothing
from mien.reports.page import curve_page, reproduce_page, run_page, study_page
from mien.stats import n_for_width, share
from mien.studies.grid import in_words
from mien.workflows import runs
from mien.workflows.pictures import neighbours, thumbnails

Kind: TypeAlias = Literal["run", "study", "reproduce", "curve"]
STUDY_RECORD = "study.json"
# Photos of each class below which advice is to collect more test photos of it: with fewer, a rate's
# interval spans more than half of the scale.
FEW_TEST_PHOTOS = 10
# Wrong answers shown with their nearest training photos.
_MOST_WRONG = 24


@dataclass(frozen=True, kw_only=True)
class SeedScores:
    """One seed on held-out and on test photos, each with its interval over photos."""

    seed: int
    diverged: str | None
    held_out: Estimate | None
    test: Estimate | None


@dataclass(frozen=True, kw_only=True)
class ReportRecord:
    """What `mien report --json` prints.

    Attributes:
        source: The folder that was reported.
        kind: What it holds.
        page: The page that was written.
        record: The record that the page shows.
        seeds: Of a run: held-out and test photos side by side.
        advice: What to use and what to collect next, in words.
        neighbours: Of a run: nearest training photos of photos answered wrong.
        command: Of a run: what makes it again.
    """

    source: str
    kind: Kind
    page: str
    record: Mapping[str, Any]
    seeds: tuple[SeedScores, ...] = ()
    advice: tuple[str, ...] = ()
    neighbours: Mapping[str, Any] | None = None
    command: str | None = None


def report(
    source: Path | str,
    *,
    html: Path | str | None = None,
    photos: bool = True,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> ReportRecord:
    """Write the page of a run, a study or a reproduction.

    Args:
        source: Its folder; or a file with the JSON document of `mien study`, `mien reproduce` or
            `mien curve`.
        html: The page's file; ``report.html`` in the folder, or beside the file, when None.
        photos: Whether thumbnails of the photos are in the page; they may show people.
        progress: Told photos, where nearest ones are looked for.
        say: Told what had to be left out.

    Raises:
        UserError: The folder holds no run, study or reproduction.
    """
    folder = Path(source)
    if folder.is_file():
        return _report_document(folder, Path(html) if html else folder.with_suffix(".html"))
    page = Path(html) if html else folder / "report.html"
    if (folder / runs.RECORD).is_file():
        return _report_run(folder, page, photos=photos, progress=progress, say=say)
    if (folder / STUDY_RECORD).is_file():
        return _report_document(folder / STUDY_RECORD, page)
    raise UserError(
        f"'{folder}' holds no finished run or study",
        "Give a folder that 'mien train', 'mien study' or 'mien reproduce' wrote.",
    )


# What tells the documents apart, and the page of each.
_DOCUMENTS: tuple[tuple[str, Kind, Callable[[Any], str]], ...] = (
    ("sweeps", "reproduce", reproduce_page),
    ("cells", "study", study_page),
    ("worth_more", "curve", curve_page),
)


def _report_document(path: Path, page: Path) -> ReportRecord:
    record = read_json(path, what="record of mien")
    for key, kind, page_of in _DOCUMENTS:
        if isinstance(record, dict) and key in record:
            with _readable(path):
                text = page_of(record)
            write_text(page, text)
            return ReportRecord(source=str(path), kind=kind, page=str(page), record=record)
    raise UserError(
        f"'{path}' is not the document of a study, a reproduction or a learning curve",
        "Give what 'mien study', 'mien reproduce' or 'mien curve' print with --json.",
    )


def _report_run(
    folder: Path, page: Path, *, photos: bool, progress: Progress, say: Say
) -> ReportRecord:
    run = runs.read_run(folder)
    path = folder / runs.HISTORY
    history = read_json(path, what="history of a run") if path.is_file() else {}
    with _readable(folder / runs.RECORD):
        exam, test = run["exam"], Path(run["test_photos"] or ".")
        wrong = exam["wrong"][:_MOST_WRONG] if exam else []
        train = Path(run["photos"])
        near = neighbours(
            run["recipe"], train=train, test=test, names=wrong, progress=progress, say=say
        )
        document = ReportRecord(
            source=str(folder),
            kind="run",
            page=str(page),
            record=run,
            seeds=tuple(_seed(seed, exam) for seed in run["seeds"]),
            advice=tuple(_advice(run)),
            neighbours=plain(near),
            command=_command(run),
        )
        text = run_page(
            plain(document),
            history=history,
            pictures=_pictures(exam, near, train=train, test=test) if photos else {},
        )
    write_text(page, text)
    return document


class _readable:  # noqa: N801 - used as a word: with _readable(path)
    """Turns what a record lacks into an error about its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from jinja2 import UndefinedError

        if isinstance(error, KeyError | TypeError | AttributeError | UndefinedError):
            raise UserError(
                f"'{self._path}' is not a record of this version of mien: {error}",
                "Run it again, or use the version that wrote it.",
            ) from error


def _pictures(
    exam: Mapping[str, Any] | None, near: Mapping[str, Any], *, train: Path, test: Path
) -> dict[str, dict[str, str]]:
    if exam is None:
        return {}
    # Wrong ones first: they are shown even where there are too many photos for all.
    names = [*exam["wrong"], *(photo["path"] for photo in exam["photos"])]
    beside = [one.name for found in near.values() for one in found]
    return {"test": thumbnails(test, names), "train": thumbnails(train, beside)}


def _seed(seed: Mapping[str, Any], exam: Mapping[str, Any] | None) -> SeedScores:
    held_out, test = seed["validation_accuracy"], seed["test_correct"]
    n_held_out = seed["n_validation"]
    return SeedScores(
        seed=seed["seed"],
        diverged=seed["diverged"],
        held_out=None
        if held_out is None or not n_held_out
        else share(round(held_out * n_held_out), n_held_out),
        test=None if test is None or exam is None else share(test, exam["n"]),
    )


def _advice(run: Mapping[str, Any]) -> list[str]:
    """What to use and what to collect next."""
    exam = run["exam"]
    if exam is None:
        return [
            "Collect test photos that the training has not seen: without them nothing is known "
            "of new photos."
        ]
    said = [_more_photos(exam)]
    few = [score["label"] for score in exam["per_class"] if score["n"] < FEW_TEST_PHOTOS]
    if few:
        said.append(
            f"Classes with fewer than {FEW_TEST_PHOTOS} test photos cannot be told apart well: "
            f"{', '.join(few)}."
        )
    weak = _weakest(exam["per_class"])
    if weak:
        said.append(weak)
    return [*said, *_starved(run)]


def _command(run: Mapping[str, Any]) -> str:
    """One command that makes the same run again."""
    recipe = from_plain(run["recipe"])
    usual = RECIPES.get(recipe.name)
    words = ["mien", "train", run["photos"], "--recipe", recipe.name]
    if run["test_photos"]:
        words += ["--test", run["test_photos"]]
    words += ["--seeds", str(len(run["seeds"]))]
    if run["seeds"][0]["seed"]:
        words += ["--first-seed", str(run["seeds"][0]["seed"])]
    if run["cross_validation"]:
        found = run["cross_validation"]
        words += ["--cross-validate", f"{found['repeats']}x{found['folds']}"]
    for name in SETTINGS:
        value = getattr(recipe, name)
        if usual is None or value != getattr(usual, name):
            words += ["--set", f"{name}={in_words(value)}"]
    return shlex.join(words)


def _more_photos(exam: Mapping[str, Any]) -> str:
    accuracy, n = exam["accuracy"], exam["n"]
    width = accuracy["high"] - accuracy["low"]
    needed = n_for_width(0.1, share=accuracy["value"])
    if needed <= n:
        return f"The test set is large enough: its interval is {100 * width:.0f} points wide."
    return (
        f"Collect test photos first: {count(n, 'photo')} leave an interval {100 * width:.0f} "
        f"points wide; {needed:,} would narrow it to 10."
    )


def _weakest(scores: Sequence[Mapping[str, Any]]) -> str | None:
    said = [score for score in scores if score["recall"] is not None]
    if len(said) < 2:
        return None
    worst = min(said, key=lambda score: score["recall"]["value"])
    return (
        f"Then training photos of '{worst['label']}': {percent(worst['recall']['value'])} of its "
        f"test photos are recognised, the least of all classes."
    )


def _starved(run: Mapping[str, Any]) -> list[str]:
    counts = run["classes"]
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if 2 * counts[least] > counts[most]:
        return []
    return [f"'{least}' has {counts[least]} training photos, '{most}' has {counts[most]}."]
