"""What changed? A short answer that pages may ask for every second, whoever changed it.

Tabs, the command line and a file manager work on one project at once; a page that shows decisions,
exams, jobs or runs asks for their stamps and reads anew what has another one. Law: only time stamps
and sizes are looked at, nothing is opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mien.digest import digest_text
from mien.studio.context import Studio
from mien.workflows.exams import FILE_NAME as LOOKS_NAME
from mien.workflows.runs import RECORD


def pulse(studio: Studio) -> dict[str, str]:
    """Topic → a text that changes when anything of the topic does."""
    private, runs = studio.project.private, studio.project.runs
    return {
        "photos": studio.project.listing().version,
        "decisions": _stamp([private / "decisions.jsonl", private / "journal.jsonl"]),
        "exams": _stamp(
            [private / "exams", *(folder / LOOKS_NAME for folder in studio.exams.folders())]
        ),
        "jobs": _stamp([private / "jobs"]),
        "runs": _stamp([runs, *runs.glob(f"*/{RECORD}")]),
    }


def _stamp(paths: Iterable[Path]) -> str:
    facts = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # not there, or no longer
            continue
        facts.append(f"{path}\0{status.st_mtime_ns}\0{status.st_size}")
    return digest_text(*sorted(facts))[:16]
