"""Study: many trainings of many settings, followed while they run, and what they show.

Law: nothing is computed here: the verb is `mien study`, its record is what the page and the files
show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from mien.files import read_json, to_json
from mien.studio.context import page, studio_of
from mien.studio.errors import StudioError

router = APIRouter()

_RECORD: Final = "study.json"
_REPORT: Final = "report.html"


class StudyAsked(BaseModel):
    """What to vary, from which recipe, how often, judged on which test photos."""

    model_config = ConfigDict(extra="forbid")

    recipe: str
    vary: dict[str, list[str]] = Field(min_length=1, max_length=4)
    seeds: int = Field(ge=2, le=100)
    set: str | None = None


@router.get("/study", include_in_schema=False)
def study_page(request: Request) -> Any:
    """The page."""
    return page(request, "study.html", name="study")


@router.get("/api/study")
def state(request: Request) -> Any:
    """The study that runs or was run last, and what it can be judged on."""
    studio = studio_of(request)
    return {
        "job": studio.jobs.latest("study"),
        "result": _result(request),
        "sets": [{"id": s.id, "name": s.name, "n": s.n, "trouble": s.trouble}
                 for s in studio.exams.sets()],
        "n_classes": len(studio.project.listing().classes),
    }  # fmt: skip


@router.post("/api/study/run")
def run(asked: StudyAsked, request: Request) -> Any:
    """Start a study; a killed one of the same settings goes on where it was."""
    studio = studio_of(request)
    studio.project.settle_order()
    folder = None if asked.set is None else str(studio.exams.find_set(asked.set).folder)
    return studio.jobs.start(
        "study",
        {"photos": str(studio.project.root), "test": folder, "recipe": asked.recipe,
         "vary": asked.vary, "seeds": asked.seeds, "out": str(_folder(request))},
    )  # fmt: skip


@router.get("/api/study/result.json")
def result_json(request: Request) -> Response:
    """The record as a file."""
    result = _result(request)
    if result is None:
        raise StudioError("job_gone")
    return Response(to_json(result), media_type="application/json")


@router.get("/api/study/report.html")
def report(request: Request) -> Response:
    """The report as a file, to be saved and not shown: it is a page of its own."""
    path = _folder(request) / _REPORT
    if not path.is_file():
        raise StudioError("job_gone")
    return FileResponse(path, media_type="text/html", filename="study.html")


def _folder(request: Request) -> Path:
    return studio_of(request).project.private / "study"


def _result(request: Request) -> dict[str, Any] | None:
    path = _folder(request) / _RECORD
    if not path.is_file():
        return None
    has_report = (_folder(request) / _REPORT).is_file()
    return {**read_json(path, what="study"), "has_report": has_report}
