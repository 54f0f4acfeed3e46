"""Collect: the project's state, its classes, its photos. A thin face over `project` and `store`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from mien.image.decode import MAX_BYTES, read_photo_bytes
from mien.records import Reject, plain
from mien.serve.pictures import as_jpeg, upright
from mien.studio.context import Studio, language_of, studio_of, told
from mien.studio.errors import StudioError
from mien.studio.journal import Change
from mien.studio.pulse import pulse
from mien.studio.said import in_language
from mien.studio.store import Incoming, Stored, store, store_project, store_zip
from mien.studio.thumbnails import thumbnail

router = APIRouter(prefix="/api")

_LARGE_PX: Final = 1600
_FOR_EVER: Final = {"cache-control": "private, max-age=31536000, immutable"}
_SHOWN_REJECTS: Final = 50


class Named(BaseModel):
    """A class by name."""

    label: str


class Renamed(BaseModel):
    """A class and its new name."""

    label: str
    new: str


class Ordered(BaseModel):
    """All classes in their new order."""

    labels: list[str]


class Photos(BaseModel):
    """Photos by name."""

    names: list[str]


class Moved(Photos):
    """Photos and the class they go to."""

    label: str


class Sample(BaseModel):
    """How much to draw."""

    n_per_class: int = Field(ge=2, le=500)


@router.get("/project")
def project_state(request: Request, version: str = "") -> Any:
    """Everything but the photos' names; only the version where that is still the given one."""
    studio = studio_of(request)
    listing = studio.project.listing()
    faces = studio.watch.summary(listing)
    stamps = pulse(studio)
    now = f"{listing.version}-{faces.version}-{stamps['jobs']}-{stamps['runs']}"
    if version == now:
        return {"version": now, "unchanged": True}
    latest = studio.project.journal.latest()
    return {
        "version": now,
        "listing": listing.version,
        "name": studio.project.root.name,
        "root": str(studio.project.root),
        "classes": [
            {"label": label, "n": len(listing.photos[label]), "faceless": faces.faceless[label]}
            for label in listing.classes
        ],
        "n_photos": listing.n_photos,
        "columns": list(listing.table.columns),
        "groups": listing.group_counts(),
        "trouble": told(request, {"trouble": listing.trouble})["trouble"],
        "looked_at": faces.looked_at,
        "jobs": stamps["jobs"],
        "runs": stamps["runs"],
        "undo": None if latest is None else _words(latest),
    }


@router.get("/photos")
def photos(request: Request, label: str, last: int = 0) -> Any:
    """The photos of a class: name, version, groups, and why it is not usable where it is not.

    With `last`, only that many, those whose names sort last: what a card shows.
    """
    studio = studio_of(request)
    listing = studio.project.listing()
    if label not in listing.classes:
        raise StudioError("class_gone", label=label)
    reasons = studio.watch.reasons

    @cache
    def say(reason: str | None) -> str | None:  # there are few reasons for ten thousand photos
        return None if reason is None else in_language(language_of(request), reason)

    rows = [
        [item.name, item.version, listing.table.groups.get(item.name, {}),
         say(reasons.get((item.name, item.version)))]
        for item in listing.photos[label][-max(0, last) :]
    ]  # fmt: skip
    return {"version": listing.version, "photos": rows}


@router.get("/thumbnail")
def small(request: Request, name: str, v: str = "") -> Response:
    """A photo as the grid shows it."""
    studio = studio_of(request)
    item = studio.project.photo(name)
    data = thumbnail(item, folder=studio.project.private / "thumbnails")
    return Response(data, media_type="image/jpeg", headers=_FOR_EVER if v == item.version else {})


@router.get("/photo")
def large(request: Request, name: str) -> Response:
    """A photo large, as we encode it."""
    item = studio_of(request).project.photo(name)
    data = as_jpeg(upright(read_photo_bytes(item.path)), longest_px=_LARGE_PX)
    return Response(data, media_type="image/jpeg")


@router.post("/classes")
def add_class(request: Request, body: Named) -> Any:
    """Make a class."""
    return {"label": studio_of(request).project.add_class(body.label)}


@router.post("/classes/rename")
def rename_class(request: Request, body: Renamed) -> Any:
    """Rename a class."""
    return {"label": studio_of(request).project.rename_class(body.label, body.new)}


@router.post("/classes/delete")
def delete_class(request: Request, body: Named) -> Any:
    """Move a class to the trash."""
    studio_of(request).project.delete_class(body.label)
    return {}


@router.post("/classes/order")
def order_classes(request: Request, body: Ordered) -> Any:
    """Put the classes into an order."""
    studio_of(request).project.order_classes(body.labels)
    return {}


@router.post("/photos/move")
def move_photos(request: Request, body: Moved) -> Any:
    """Move photos to another class."""
    return {"n": studio_of(request).project.move_photos(body.names, body.label)}


@router.post("/photos/delete")
def delete_photos(request: Request, body: Photos) -> Any:
    """Move photos to the trash."""
    return {"n": studio_of(request).project.delete_photos(body.names)}


@router.post("/undo")
def undo(request: Request) -> Any:
    """Take back the latest change."""
    change = studio_of(request).project.undo()
    return {"undone": None if change is None else _words(change)}


@router.post("/upload")
async def upload(
    request: Request, label: Annotated[str, Form()], files: Annotated[list[UploadFile], File()]
) -> JSONResponse:
    """Store pictures in a class: at most some tens a request, the page sends several requests."""
    incoming: list[Incoming] = []
    too_large: list[Reject] = []
    for file in files:
        name = file.filename or "photo"
        if (file.size or 0) > MAX_BYTES:
            reason = f"is larger than {MAX_BYTES:,} bytes ({file.size:,})"
            too_large.append(Reject(path=name, reason=reason))
        else:
            incoming.append(Incoming(name=name, data=await file.read()))
    studio = studio_of(request)
    stored = await run_in_threadpool(
        store, studio.project, incoming, label=label, in_passing=studio.watch.in_passing
    )
    stored.rejects += too_large
    return _answer(request, stored)


@router.post("/sample")
def draw_sample(request: Request, body: Sample) -> Any:
    """Draw the sample into an empty project."""
    studio = studio_of(request)
    if studio.project.listing().classes:
        raise StudioError("sample_needs_empty")
    arguments = {"folder": str(studio.project.root), "n_per_class": body.n_per_class, "seed": 0}
    return studio.jobs.start("sample", arguments)


@router.post("/upload/zip")
async def upload_zip(
    request: Request, file: Annotated[UploadFile, File()], label: Annotated[str, Form()] = ""
) -> JSONResponse:
    """Store a zip's pictures: in one class, or by the folders inside."""
    studio = studio_of(request)
    return _answer(request, await run_in_threadpool(_store_zip, studio, file, label or None))


@router.post("/upload/tm")
async def upload_project(request: Request, file: Annotated[UploadFile, File()]) -> JSONResponse:
    """Store the photos of a Teachable Machine project, each in the class it was in there."""
    studio = studio_of(request)
    return _answer(request, await run_in_threadpool(_store_project, studio, file))


def _store_project(studio: Studio, file: UploadFile) -> Stored:
    with _on_disk(file) as path:
        return store_project(studio.project, path, in_passing=studio.watch.in_passing)


def _store_zip(studio: Studio, file: UploadFile, label: str | None) -> Stored:
    with _on_disk(file) as path:
        return store_zip(studio.project, path, label=label, in_passing=studio.watch.in_passing)


@contextmanager
def _on_disk(file: UploadFile) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.zip"
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        yield path


def _answer(request: Request, stored: Stored) -> JSONResponse:
    studio_of(request).watch.wake()
    answer = {
        "n_added": len(stored.added),
        "known": stored.known,
        "n_rejects": len(stored.rejects),
        "rejects": plain(stored.rejects[:_SHOWN_REJECTS]),
    }
    return JSONResponse(told(request, answer))


def _words(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "words": dict(change.words)}
