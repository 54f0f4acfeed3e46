"""`mien serve MODEL`: a small API that answers pictures with one model.

::

    GET  /api/model      what it can answer
    POST /api/predict    a picture in the body → {"predicted", "probs", "face", "reason", "took_ms"}

A picture gets the same answer as from `mien predict`. Programs on this machine may ask; web pages
may not, whatever site they are from, unless they were served from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mien.model import Model
from mien.records import plain
from mien.serve.errors import add_error_answers, error_body
from mien.serve.guard import Guard
from mien.serve.run import hosts
from mien.version import VERSION
from mien.workflows.live import Looker

if TYPE_CHECKING:
    from fastapi import FastAPI

MAX_BYTES: Final = 64 << 20


def create_server(model: Model, *, port: int) -> Guard:
    """Make the application for one model.

    Args:
        model: Kept open.
        port: Where it will be served; requests to other ports are refused.

    Raises:
        FetchError: The face detector that the model names is not on this machine.
    """
    return Guard(_routes(Looker(model)), hosts=hosts(port), access=None)


def _routes(looker: Looker) -> FastAPI:
    from fastapi import FastAPI, Request
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import JSONResponse

    app = FastAPI(title="mien", version=VERSION, docs_url=None, redoc_url=None)
    add_error_answers(app)

    def about() -> dict[str, Any]:
        return {
            "mien": VERSION,
            "labels": list(looker.model.labels),
            "preprocessing": looker.model.preprocessing,
            "calibrated": looker.model.head.calibrated,
            "finds_faces": looker.finds_faces,
        }

    async def predict(request: Request) -> JSONResponse:
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BYTES:
                message = f"the picture is larger than {MAX_BYTES:,} bytes"
                return JSONResponse(error_body(message), status_code=413)
        return JSONResponse(plain(await run_in_threadpool(looker.look, bytes(data))))

    # Set by hand: the names are local, and annotations are text here.
    predict.__annotations__["request"] = Request
    app.get("/api/model")(about)
    app.post("/api/predict", response_model=None)(predict)
    return app
