"""`mien report`: the page of a run, a study, a reproduction or a learning curve, from its JSON.

Law: nothing is trained or scored again; what a page shows beyond the record (intervals of each
seed, advice, nearest photos) is computed here, not in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mien.errors import UserError
from mien.files import read_json, write_text
from mien.records import Estimate, Progress, Say, no_progress, plain, say_nothing
from mien.reports.page import curve_page, reproduce_page, run_page, study_page
from mien.reports.words import words
from mien.stats import share
from mien.workflows import runs
from mien.workflows.advice import advise, read_audit
from mien.workflows.card import card_of
from mien.workflows.commands import run_command
from mien.workflows.paper import Printed, read_printed
from mien.workflows.pictures import neighbours, thumbnails
from mien.workflows.readable import readable

Kind: TypeAlias = Literal["run", "study", "reproduce", "curve"]
STUDY_RECORD = "study.json"
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
        card: The model card that was written; None where none was asked for.
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
    card: str | None = None
    seeds: tuple[SeedScores, ...] = ()
    advice: tuple[str, ...] = ()
    neighbours: Mapping[str, Any] | None = None
    command: str | None = None


def report(
    source: Path | str,
    *,
    html: Path | str | None = None,
    card: Path | str | None = None,
    photos: bool = True,
    audit: Path | str | None = None,
    published: Path | str | None = None,
    language: str = "en",
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> ReportRecord:
    """Write the page of a run, a study or a reproduction.

    Args:
        source: Its folder; or a file with the JSON document of `mien study`, `mien reproduce` or
            `mien curve`.
        html: The page's file; ``report.html`` in the folder, or beside the file, when None.
        card: Where to write the model card of a run as well.
        photos: Whether thumbnails of the photos are in the page; they may show people.
        audit: A file with the JSON document of `mien audit` of the training photos, whose findings
            a run's page then tells.
        published: A ``published.json`` as `mien reproduce` takes it, whose printed accuracies are
            drawn over a study's.
        language: Of page and card, ``en`` or ``ko``.
        progress: Told photos, where nearest ones are looked for.
        say: Told what had to be left out.

    Raises:
        UserError: The folder holds no run, study or reproduction, or there are no pages in this
            language.
    """
    words(language)
    folder = Path(source)
    printed = {} if published is None else read_printed(Path(published))
    if card is not None and not (folder / runs.RECORD).is_file():
        raise UserError(
            f"'{folder}' is no run, and only a run has a model card",
            "Give the folder of a run, or leave --card out.",
        )
    if folder.is_file():
        page = Path(html) if html else folder.with_suffix(".html")
        return _report_document(folder, page, printed=printed, language=language)
    page = Path(html) if html else folder / "report.html"
    if (folder / runs.RECORD).is_file():
        found = None if audit is None else read_audit(Path(audit))
        return _report_run(
            folder,
            page,
            card=None if card is None else Path(card),
            photos=photos,
            audit=found,
            language=language,
            progress=progress,
            say=say,
        )
    if (folder / STUDY_RECORD).is_file():
        return _report_document(folder / STUDY_RECORD, page, printed=printed, language=language)
    raise UserError(
        f"'{folder}' holds no finished run or study",
        "Give a folder that 'mien train', 'mien study' or 'mien reproduce' wrote.",
    )


# What tells the documents apart, and the page of each.
_DOCUMENTS: tuple[tuple[str, Kind, Callable[[Any, Printed, str], str]], ...] = (
    (
        "sweeps",
        "reproduce",
        lambda record, _, language: reproduce_page(record, language=language),
    ),
    (
        "cells",
        "study",
        lambda record, printed, language: study_page(record, printed=printed, language=language),
    ),
    ("worth_more", "curve", lambda record, _, language: curve_page(record, language=language)),
)


def _report_document(path: Path, page: Path, *, printed: Printed, language: str) -> ReportRecord:
    record = read_json(path, what="record of mien")
    for key, kind, page_of in _DOCUMENTS:
        if isinstance(record, dict) and key in record:
            with readable(path):
                text = page_of(record, printed, language)
            write_text(page, text)
            return ReportRecord(source=str(path), kind=kind, page=str(page), record=record)
    raise UserError(
        f"'{path}' is not the document of a study, a reproduction or a learning curve",
        "Give what 'mien study', 'mien reproduce' or 'mien curve' print with --json.",
    )


def _report_run(
    folder: Path,
    page: Path,
    *,
    card: Path | None,
    photos: bool,
    audit: Mapping[str, Any] | None,
    language: str,
    progress: Progress,
    say: Say,
) -> ReportRecord:
    run = runs.read_run(folder)
    path = folder / runs.HISTORY
    history = read_json(path, what="history of a run") if path.is_file() else {}
    with readable(folder / runs.RECORD):
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
            card=None if card is None else str(card),
            record=run,
            seeds=tuple(_seed(seed, exam) for seed in run["seeds"]),
            advice=advise(run, train=train, audit=audit),
            neighbours=plain(near),
            command=run_command(run),
        )
        text = run_page(
            plain(document),
            history=history,
            pictures=_pictures(exam, near, train=train, test=test) if photos else {},
            language=language,
        )
    write_text(page, text)
    if card is not None:
        write_text(card, card_of(folder, language=language))
    return document


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
