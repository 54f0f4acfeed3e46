"""Try: ask a model about the camera's frames or a dropped picture, and take the model away.

Law: frames are answered one at a time and never kept; what the page shows is what `mien predict`
would say of the same picture.
"""

from __future__ import annotations

import asyncio
import zipfile
from io import BytesIO
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, File, Request, Response, UploadFile, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import UserError
from mien.image.preprocessing import NO_FACE
from mien.records import plain
from mien.serve.errors import error_body
from mien.studio import exports
from mien.studio.context import Studio, language_of, studio_of, told
from mien.studio.errors import StudioError
from mien.studio.models import Models
from mien.workflows.live import Look, Looker

router = APIRouter(prefix="/api/try")

# A picture of 50 megapixels; a frame of the camera is a hundredth of it.
_MAX_BYTES: Final = 64 << 20
_NO_MODEL: Final = 4404


@router.get("/models")
def models(request: Request) -> Any:
    """The project's models, the latest first."""
    studio = studio_of(request)
    return {"models": [run.summary() for run in studio.models.all()]}


@router.post("/picture")
async def picture(
    request: Request,
    file: Annotated[UploadFile, File()],
    run: str = "",
) -> Any:
    """Ask a model about one picture."""
    studio = studio_of(request)
    data = await file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise StudioError("too_large", n=_MAX_BYTES >> 20)
    looker = await asyncio.to_thread(_looker, studio.models, run)
    return told(request, _answer(await asyncio.to_thread(looker.look, data)))


@router.websocket("/camera")
async def camera(socket: WebSocket, run: str = "") -> None:
    """Answer frames, one for one: a JPEG comes in, its probabilities go out."""
    studio: Studio = socket.app.state.studio
    await socket.accept()
    try:
        looker = await asyncio.to_thread(_looker, studio.models, run)
    except UserError as error:
        await socket.send_json(told(socket, error_body(error.message, error.hint)))
        await socket.close(code=_NO_MODEL)
        return
    await socket.send_json({"labels": looker.model.labels, "finds_faces": looker.finds_faces})
    try:
        while True:
            data = await socket.receive_bytes()
            look = await asyncio.to_thread(looker.look, data)
            await socket.send_json(told(socket, _answer(look)))
    except (WebSocketDisconnect, KeyError):
        # The tab was closed, or it sent a text where a frame was due: either ends it.
        return


def _looker(models: Models, run: str) -> Looker:
    return models.looker(models.get(run))


def _answer(look: Look) -> dict[str, Any]:
    box = None if look.face is None else [round(side, 1) for side in look.face.xyxy_px]
    return {
        "predicted": look.predicted,
        "probs": plain(look.probs),
        "face": box,
        "n_faces": 0 if look.face is None else look.face.n_faces,
        "size": look.size_px,
        "no_face": look.reason == NO_FACE,
        "reason": look.reason,
        "took_ms": plain(look.took_ms),
    }


class ExportAsked(BaseModel):
    """Which model, in which format."""

    model_config = ConfigDict(extra="forbid")

    run: str
    to: str = Field(max_length=40)


@router.post("/export")
def export(asked: ExportAsked, request: Request) -> Any:
    """Write a model in a format and ask its consumers whether they answer the same."""
    studio = studio_of(request)
    run = studio.models.get(asked.run)
    if asked.to not in exports.FORMATS:
        raise StudioError("export_gone")
    arguments = {
        "model": str(run.model),
        "to": asked.to,
        "out": str(exports.place(run, asked.to)),
        "photos": str(studio.project.root),
        "language": language_of(request),
    }
    return studio.jobs.start("export", arguments)


@router.get("/exports")
def exports_made(request: Request, run: str) -> Any:
    """The formats, those that were made of a run, and the export of it that was begun last."""
    studio = studio_of(request)
    chosen = studio.models.get(run)
    job = studio.jobs.latest("export")
    ours = job is not None and job["arguments"]["model"] == str(chosen.model)
    answer = {
        "formats": exports.FORMATS,
        "made": exports.made(chosen),
        "job": job if ours else None,
    }
    return told(request, answer)


@router.get("/export/download")
def export_download(request: Request, run: str, to: str) -> Response:
    """An export as one zip; a file that is a zip already is given as it is."""
    chosen = studio_of(request).models.get(run)
    folder = exports.folder(chosen, to)
    name = f"{chosen.id}-{to}.zip"
    buffer = BytesIO()
    # What is in it is compressed badly or not at all: weights look like noise.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(
        buffer.getvalue(),
        media_type="application/zip",
        headers={"Content-Disposition": disposition},
    )
