"""Exam: test photos that stay sealed, who was judged on them, and what came of it.

Law: test photos are never shown before an exam, every exam is counted, and what a page asks for is
looked up among the project's own sets and exams, never taken as a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import PhotoError
from mien.files import nfc, write_bytes
from mien.image.decode import HEAD_BYTES, read_photo_bytes, refuse_unless_picture
from mien.records import plain
from mien.serve.pictures import as_jpeg, as_square_jpeg, upright
from mien.studio.context import page, studio_of, told
from mien.studio.errors import StudioError
from mien.studio.exams import Exams
from mien.studio.project import clean_label, free_name
from mien.studio.pulse import pulse

router = APIRouter()

_MAX_BYTES: Final = 64 << 20
_THUMB_PX: Final = 160
_LARGE_PX: Final = 900


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FolderAsked(_Asked):
    """A folder on this machine."""

    folder: str = Field(min_length=1, max_length=4096)


class ShareAsked(_Asked):
    """How much of the photos to freeze as test photos."""

    share: float = Field(gt=0, lt=0.9)


class ExamAsked(_Asked):
    """Which model is judged on which photos."""

    set: str
    run: str


class CompareAsked(_Asked):
    """Two exams on the same photos."""

    a: str
    b: str


@router.get("/exam", include_in_schema=False)
def exam_page(request: Request) -> Any:
    """The page."""
    return page(request, "exam.html", name="exam")


@router.get("/api/exam")
def state(request: Request) -> Any:
    """Models, test photos and the exams that were taken."""
    studio = studio_of(request)
    stamps = pulse(studio)  # first: what changes meanwhile is heard of again
    job = next((one for one in studio.jobs.all() if one["verb"] in ("exam", "freeze")), None)
    return {
        "pulse": stamps,
        "models": [run.summary() for run in studio.models.all()],
        "sets": told(request, plain(studio.exams.sets())),
        "exams": studio.exams.all(),
        "job": job["id"] if job and job["state"] == "running" else None,
        "job_verb": job["verb"] if job else None,
        "own_folder": str(studio.exams.own_folder),
        "n_photos": studio.project.listing().n_photos,
    }


@router.post("/api/exam/folder")
def add_folder(asked: FolderAsked, request: Request) -> Any:
    """Take a folder of class folders as test photos."""
    studio = studio_of(request)
    return plain(studio.exams.add_set(Path(asked.folder)))


@router.post("/api/exam/photos")
async def add_photos(
    request: Request,
    files: Annotated[list[UploadFile], File()],
    paths: Annotated[list[str], Form()],
) -> Any:
    """Store dropped test photos; the last folder in each path is the class."""
    studio = studio_of(request)
    if len(paths) != len(files):
        raise StudioError("bad_request")
    stored, rejects = 0, []
    for file, path in zip(files, paths, strict=True):
        try:
            data = await file.read(_MAX_BYTES + 1)
            await run_in_threadpool(_store, studio.exams, path, data)
            stored += 1
        except (PhotoError, StudioError) as error:
            rejects.append({"path": path, "reason": error.message})
    return told(request, {"n_stored": stored, "rejects": rejects})


@router.post("/api/exam/freeze")
def freeze(asked: ShareAsked, request: Request) -> Any:
    """Set a leak-proof share of the photos aside as test photos; undo brings them back."""
    studio = studio_of(request)
    studio.project.settle_order()
    return studio.jobs.start("freeze", {"root": str(studio.project.root), "share": asked.share})


@router.post("/api/exam/take")
def take(asked: ExamAsked, request: Request) -> Any:
    """Judge a model; the look is counted when the exam is done."""
    studio = studio_of(request)
    test_set = studio.exams.find_set(asked.set)
    run = studio.models.get(asked.run)
    return studio.jobs.start(
        "exam",
        {"root": str(studio.project.root), "set": test_set.id, "run": run.id,
         "model": str(run.model)},
    )  # fmt: skip


@router.get("/api/exam/one/{exam_id}")
def one(exam_id: str, request: Request) -> Any:
    """One exam, whole."""
    studio = studio_of(request)
    return told(request, studio.exams.read(exam_id))


@router.post("/api/exam/compare")
def compare(asked: CompareAsked, request: Request) -> Any:
    """Two exams on the same photos, with a verdict."""
    studio = studio_of(request)
    return told(request, studio.exams.compare(asked.a, asked.b))


@router.get("/api/exam/photo/{set_id}")
def photo(set_id: str, name: str, request: Request, *, large: bool = False) -> Response:
    """A test photo that was in an exam, encoded by us."""
    studio = studio_of(request)
    image = upright(read_photo_bytes(studio.exams.photo(set_id, nfc(name))))
    data = (
        as_jpeg(image, longest_px=_LARGE_PX) if large else as_square_jpeg(image, side_px=_THUMB_PX)
    )
    return Response(
        data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"}
    )


def _store(exams: Exams, path: str, data: bytes) -> None:
    if len(data) > _MAX_BYTES:
        raise StudioError("too_large", n=_MAX_BYTES >> 20)
    refuse_unless_picture(data[:HEAD_BYTES])
    parts = [part for part in nfc(path).replace("\\", "/").split("/") if part]
    if len(parts) < 2:
        raise StudioError("no_class_folder")
    folder = exams.own_folder / clean_label(parts[-2])
    name = clean_label(parts[-1])
    same = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    if name in same and (folder / name).read_bytes() == data:
        return
    write_bytes(folder / free_name(name, same), data)
