"""Study: many trainings of many settings, followed while they run, and what they show.

Law: nothing is computed here: the verb is `mien study`, its record is what the page and the files
show.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.digest import digest_json
from mien.files import to_json
from mien.reports import page as pages
from mien.studio.context import idle_settings, language_of, page, studio_of, told
from mien.studio.errors import StudioError
from mien.studio.pulse import pulse

router = APIRouter()


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
    return page(request, "study.html", name="study", idle=idle_settings())


@router.get("/api/study")
def state(request: Request) -> Any:
    """The study that runs or was run last, and what it can be judged on."""
    studio = studio_of(request)
    answer = {
        "pulse": pulse(studio),
        "job": studio.jobs.latest("study"),
        "result": _result(request),
        "sets": [{"id": s.id, "name": s.name, "n": s.n, "trouble": s.trouble}
                 for s in studio.exams.sets()],
        "n_classes": len(studio.project.listing().classes),
    }  # fmt: skip
    return told(request, answer)


@router.post("/api/study/run")
def run(asked: StudyAsked, request: Request) -> Any:
    """Start a study; one of the same settings that was stopped goes on where it was."""
    studio = studio_of(request)
    studio.project.settle_order()
    test = None if asked.set is None else str(studio.exams.find_set(asked.set).folder)
    arguments = {
        "photos": str(studio.project.root),
        "test": test,
        "recipe": asked.recipe,
        "vary": [f"{name}={','.join(values)}" for name, values in asked.vary.items()],
        "seeds": asked.seeds,
    }
    version = studio.project.listing().version
    folder = studio.project.private / "studies" / digest_json([arguments, version])[:16]
    return studio.jobs.start("study", {**arguments, "out": str(folder)})


@router.get("/api/study/result.json")
def result_json(request: Request) -> Response:
    """The record as a file."""
    result = _result(request)
    if result is None:
        raise StudioError("job_gone")
    return Response(to_json(result), media_type="application/json")


@router.get("/api/study/report.html")
def report(request: Request) -> Response:
    """The report as a file, in the page's language; it is to be saved and not shown here."""
    result = _result(request)
    if result is None:
        raise StudioError("job_gone")
    text = pages.study_page(result, language=language_of(request))
    return Response(
        text,
        media_type="application/octet-stream",
        headers={"Content-Disposition": 'attachment; filename="study.html"'},
    )


def _result(request: Request) -> dict[str, Any] | None:
    """The record of the study that was finished last."""
    job = _latest(request)
    answer: dict[str, Any] | None = job["answer"] if job else None
    return answer


def _latest(request: Request) -> dict[str, Any] | None:
    jobs = studio_of(request).jobs.all()
    return next((j for j in jobs if j["verb"] == "study" and j["state"] == "done"), None)
