"""The studio as an ASGI application: routes, static files, and the guard around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from mien.errors import UserError
from mien.serve import Access, Guard, add_error_answers
from mien.serve.errors import error_body
from mien.serve.run import hosts
from mien.studio import (
    routes_audit,
    routes_collect,
    routes_exam,
    routes_groups,
    routes_pages,
    routes_study,
    routes_train,
    routes_try,
)
from mien.studio.context import Studio, language_of, told
from mien.studio.errors import StudioError, from_disk, is_full
from mien.studio.jobs import Jobs
from mien.studio.project import Project
from mien.studio.texts import say
from mien.studio.watch import Watch
from mien.version import VERSION

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

# Every page and every part of the API. A new page is one module here.
ROUTERS: Final[tuple[ModuleType, ...]] = (
    routes_pages,
    routes_collect,
    routes_groups,
    routes_train,
    routes_try,
    routes_audit,
    routes_exam,
    routes_study,
)


def create_studio(root: Path, *, port: int, access: Access) -> Guard:
    """Make the application for one project.

    Args:
        root: The folder of class folders; made when missing.
        port: Where it will be served; requests to other ports are refused.
        access: The server's secrets.

    Raises:
        UserError: The folder cannot be used.
    """
    project = Project.open(root)
    jobs = Jobs(project.private / "jobs")
    watch = Watch(project, is_busy=jobs.is_busy)
    studio = Studio(project=project, jobs=jobs, access=access, watch=watch)
    return Guard(
        _routes(studio),
        hosts=hosts(port),
        access=access,
        open_paths=routes_pages.OPEN_PATHS,
        entry=routes_pages.ENTRY,
    )


def _studio_error(request: Request, error: Exception) -> JSONResponse:
    """As for any `UserError`, in the language of the page that asked."""
    from fastapi.responses import JSONResponse

    assert isinstance(error, StudioError)
    message = say(language_of(request), f"error.{error.code}", **error.values)
    return JSONResponse(error_body(message, code=error.code), status_code=400)


def _other_error(request: Request, error: Exception) -> JSONResponse:
    """What a verb or the disk refuses, in the language of the page that asked."""
    from fastapi.responses import JSONResponse

    assert isinstance(error, OSError | UserError)
    refused = from_disk(error)
    if isinstance(refused, StudioError):
        return _studio_error(request, refused)
    body = error_body(refused.message, refused.hint)
    return JSONResponse(told(request, body), status_code=400)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    """As everywhere, but an upload that found no space to wait on is no mistake of the page."""
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

    if is_full(error):
        return _studio_error(request, StudioError("disk_full"))
    assert isinstance(error, HTTPException)
    return JSONResponse(error_body(str(error.detail)), status_code=error.status_code)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    watch = app.state.studio.watch
    watch.start()
    yield
    watch.stop()


def _routes(studio: Studio) -> FastAPI:
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException
    from starlette.staticfiles import StaticFiles

    # The generated documentation pages load scripts from elsewhere; the policy forbids them anyway.
    app = FastAPI(
        title="mien studio", version=VERSION, docs_url=None, redoc_url=None, lifespan=_lifespan
    )
    app.state.studio = studio
    add_error_answers(app)
    app.add_exception_handler(StudioError, _studio_error)
    for kind in (UserError, OSError):
        app.add_exception_handler(kind, _other_error)
    app.add_exception_handler(HTTPException, _http_error)
    for module in ROUTERS:
        app.include_router(module.router)
    static = str(files("mien.studio").joinpath("static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    return app
