"""Audit: what is wrong with the photos, and what the user decides about it.

Law: nothing is checked here: the verb is `mien audit`. A decision is on the disk before the page is
told, moves photos only through the journal, and can be taken back.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from mien.studio.context import Studio, page, studio_of, told
from mien.studio.pulse import pulse

router = APIRouter()


class RunAsked(BaseModel):
    """Whether the test photos are compared with the training photos; they are not shown."""

    model_config = ConfigDict(extra="forbid")

    set: str | None = None


class DecisionAsked(BaseModel):
    """What to do about a finding."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^[A-Z]\d{1,4}$")
    photos: list[str] = Field(min_length=1, max_length=2)
    choice: Literal["keep", "move", "drop"]
    photo: str | None = None
    label: str | None = None


@router.get("/audit", include_in_schema=False)
def audit_page(request: Request) -> Any:
    """The page."""
    return page(request, "audit.html", name="audit")


@router.get("/api/audit")
def state(request: Request) -> Any:
    """The latest audit, whether photos changed since, and what was decided about it."""
    studio = studio_of(request)
    stamps = pulse(studio)  # first: what changes meanwhile is heard of again
    listing = studio.project.listing()
    jobs = [job for job in studio.jobs.all() if job["verb"] == "audit"]
    done = next((job for job in jobs if job["state"] == "done"), None)
    answer = {
        "pulse": stamps,
        "job": jobs[0] if jobs else None,
        "audit": _shown(studio, done["answer"]) if done else None,
        "changed": done is not None and done["arguments"].get("version") != listing.version,
        "classes": listing.classes,
        "n_photos": listing.n_photos,
        "decisions": [vars(decision) for decision in studio.decisions.all()],
        "sets": [{"id": s.id, "name": s.name} for s in studio.exams.sets() if not s.trouble],
    }
    return told(request, answer)


@router.post("/api/audit/run")
def run(asked: RunAsked, request: Request) -> Any:
    """Start an audit."""
    studio = studio_of(request)
    studio.project.settle_order()
    folder = None if asked.set is None else str(studio.exams.find_set(asked.set).folder)
    version = studio.project.listing().version
    return studio.jobs.start(
        "audit", {"photos": str(studio.project.root), "test": folder, "version": version}
    )


@router.post("/api/audit/decide")
def decide(asked: DecisionAsked, request: Request) -> Any:
    """Carry a decision out."""
    decision = studio_of(request).decisions.decide(
        asked.code, asked.photos, choice=asked.choice, photo=asked.photo, label=asked.label
    )
    return vars(decision)


@router.post("/api/audit/undo")
def undo(request: Request) -> Any:
    """Take the latest decision back."""
    decision = studio_of(request).decisions.undo()
    return {"undone": None if decision is None else vars(decision)}


def _shown(studio: Studio, audit: dict[str, Any]) -> dict[str, Any]:
    """The audit with the keys of what can be decided, so that the page knows what was."""
    decisions, listing = studio.decisions, studio.project.listing()
    findings = []
    for finding in audit["findings"]:
        code = finding["code"]
        pairs = [
            {**pair, "key": decisions.key(code, [pair["first"], pair["second"]]),
             "gone": any(listing.find(pair[side]) is None for side in ("first", "second")
                         if pair[f"{side}_in"] == "train")}
            for pair in finding["pairs"]
        ]  # fmt: skip
        keys = {name: decisions.key(code, [name]) for name in finding["photos"]}
        gone = [name for name in finding["photos"] if listing.find(name) is None]
        findings.append({**finding, "pairs": pairs, "keys": keys, "gone": gone})
    return {**audit, "findings": findings}
