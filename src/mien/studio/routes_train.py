"""Train: one button, and what it says while it works and afterwards."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from mien.studio.context import studio_of

router = APIRouter(prefix="/api")


class Asked(BaseModel):
    """What to train: nothing said is the default."""

    recipe: str | None = None
    seeds: int = 1
    settings: dict[str, str | int | float | bool] = {}


@router.post("/train")
def train(request: Request, body: Asked) -> Any:
    """Start a training."""
    studio = studio_of(request)
    studio.project.settle_order()
    arguments: dict[str, Any] = {"photos": str(studio.project.root), "seeds": body.seeds}
    if body.recipe:
        arguments["recipe"] = body.recipe
    return studio.jobs.start("train", {**arguments, **body.settings})


@router.get("/jobs/latest")
def latest(request: Request, verb: str) -> Any:
    """The latest job of a verb, None where there is none."""
    return {"job": studio_of(request).jobs.latest(verb)}


@router.get("/jobs/{number}")
def job(request: Request, number: str, offset: int = 0) -> Any:
    """A job and what happened since the offset."""
    jobs = studio_of(request).jobs
    events, offset = jobs.events(number, offset=max(0, offset))
    return {"job": jobs.get(number), "events": events, "offset": offset}


@router.post("/jobs/{number}/cancel")
def cancel(request: Request, number: str) -> Any:
    """Stop a job."""
    studio_of(request).jobs.cancel(number)
    return {}
