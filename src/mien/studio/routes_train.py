"""Train: one button, and what it says while it works and afterwards."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from mien.studio.context import Studio, language_of, studio_of, told
from mien.studio.errors import StudioError
from mien.studio.results import training_view
from mien.studio.texts import say
from mien.workflows.runs import next_run_folder

router = APIRouter(prefix="/api")

# Photos a class from which on so many folds leave each of them some.
_FOLDS: Final = ((10, 5), (4, 2))


class Asked(BaseModel):
    """What to train: nothing said is the default; `again` is what was trained last."""

    again: bool = False
    recipe: str = "expression"
    seeds: int = Field(default=1, ge=1, le=50)
    settings: dict[str, str | int | float | bool] = {}


@router.post("/train")
def train(request: Request, body: Asked) -> Any:
    """Start a training."""
    studio = studio_of(request)
    studio.project.settle_order()
    if body.again and (last := _finished(studio)) is not None:
        known = last["arguments"]
        body = Asked(recipe=known["recipe"], seeds=known["seeds"], settings=known["settings"])
    folds = _folds(studio)
    arguments: dict[str, Any] = {
        "photos": str(studio.project.root),
        "recipe": body.recipe,
        "seeds": body.seeds,
        "cross_validate": None if folds is None else [1, folds],
        "out": str(
            next_run_folder(
                studio.project.runs, dataset=studio.project.root.name, recipe=body.recipe
            )
        ),
        "settings": body.settings,
    }
    return studio.jobs.start("train", arguments)


@router.get("/train/result")
def result(request: Request, job: str) -> Any:
    """What came of a training, and whether the photos are still those it saw."""
    studio = studio_of(request)
    record = studio.jobs.get(job)
    if record["state"] != "done" or record["verb"] != "train":
        raise StudioError("job_gone")
    listing = studio.project.listing()
    changed = any(
        item.path.stat().st_mtime > record["began"]
        for items in listing.photos.values()
        for item in items
    )
    seen = record["answer"]["n_photos"] + len(record["answer"]["rejects"])
    unchanged = not changed and seen == listing.n_photos
    view = training_view(record, before=_finished(studio, before=record["id"]))
    return told(request, {**view, "unchanged": unchanged})


@router.get("/jobs/latest")
def latest(request: Request, verb: str) -> Any:
    """The latest job of a verb, None where there is none."""
    found = studio_of(request).jobs.latest(verb)
    return {"job": None if found is None else told(request, in_words(found, language_of(request)))}


@router.get("/jobs/{number}")
def job(request: Request, number: str, offset: int = 0) -> Any:
    """A job and what happened since the offset."""
    jobs = studio_of(request).jobs
    # In this order: an end that is told has all its events told.
    record = in_words(jobs.get(number), language_of(request))
    events, offset = jobs.events(number, offset=max(0, offset))
    return {"job": told(request, record), "events": events, "offset": offset}


@router.post("/jobs/{number}/cancel")
def cancel(request: Request, number: str) -> Any:
    """Stop a job."""
    studio_of(request).jobs.cancel(number)
    return {}


def in_words(record: dict[str, Any], language: str) -> dict[str, Any]:
    """A job's record with what went wrong in the page's language, where it is ours to say."""
    error = record.get("error")
    if not error or "code" not in error:
        return record
    message = say(language, f"error.{error['code']}", **error.get("values", {}))
    return {**record, "error": {**error, "message": message}}


def _finished(studio: Studio, *, before: str | None = None) -> dict[str, Any] | None:
    """The latest training that was finished, or the latest before that of this number."""
    return next(
        (job for job in studio.jobs.all() if job["verb"] == "train" and job["state"] == "done"
         and (before is None or job["id"] < before)),
        None,
    )  # fmt: skip


def _folds(studio: Studio) -> int | None:
    listing = studio.project.listing()
    faceless = studio.watch.summary(listing).faceless
    least = min((len(listing.photos[c]) - faceless[c] for c in listing.classes), default=0)
    return next((folds for enough, folds in _FOLDS if least >= enough), None)
