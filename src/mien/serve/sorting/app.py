"""The inbox as a small web application: what is undecided, its pictures, and the decision.

A thin face over `workflows.sort` behind the guard that all servers share. Law: pictures reach the
browser re-encoded by us, text as text; a name from the browser is a photo of the inbox or nothing.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.collecting.journal import INBOX
from mien.errors import PhotoError
from mien.image.decode import read_photo_bytes
from mien.records import plain
from mien.serve import Access, Guard, add_error_answers
from mien.serve.pictures import as_jpeg, upright
from mien.serve.run import hosts
from mien.workflows.sort import decide, look

if TYPE_CHECKING:
    from fastapi import FastAPI

_LONGEST_PX = 1024
_OPEN = ("/static/sort.css",)


def create_sorter(folder: Path, *, port: int, access: Access) -> Guard:
    """Make the application for one dataset's folder.

    Args:
        folder: The dataset's folder.
        port: Where it will be served.
        access: The server's secrets.
    """
    return Guard(
        _routes(folder, access),
        hosts=hosts(port),
        access=access,
        open_paths=_OPEN,
        entry="/enter",
    )


def _routes(folder: Path, access: Access) -> FastAPI:
    from fastapi import FastAPI, Request
    from fastapi.responses import HTMLResponse, RedirectResponse, Response
    from pydantic import BaseModel
    from starlette.staticfiles import StaticFiles

    class Decision(BaseModel):
        """A photo and its class; no class throws it out."""

        name: str
        label: str | None = None
        groups: dict[str, str] | None = None

    app = FastAPI(title="mien sort", docs_url=None, redoc_url=None, openapi_url=None)
    static = files("mien.serve.sorting").joinpath("static")

    def enter(request: Request, token: str = "") -> Response:
        """Take the one-use link and give the cookie for it."""
        if not access.knows(request.cookies.get(access.cookie_name)) and not access.redeem(token):
            return HTMLResponse("<p>This link was used. Start 'mien sort' again.", status_code=403)
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(access.cookie_name, access.cookie_value, httponly=True, samesite="strict")
        return answer

    def page() -> Response:
        """The page."""
        return HTMLResponse(static.joinpath("sort.html").read_text(encoding="utf-8"))

    def inbox() -> dict[str, Any]:
        """What is undecided."""
        found: dict[str, Any] = plain(look(folder))
        return found

    def picture(name: str) -> Response:
        """One photo, as we encode it."""
        path = folder / INBOX / name
        if Path(name).name != name or name.startswith(".") or path.is_symlink():
            return Response(status_code=404)
        try:
            data = as_jpeg(upright(read_photo_bytes(path)), longest_px=_LONGEST_PX)
        except PhotoError:
            return Response(status_code=404)
        return Response(data, media_type="image/jpeg")

    def decision(asked: Decision) -> dict[str, Any]:
        """Put a photo into its class, or throw it out."""
        return {"name": decide(folder, asked.name, label=asked.label, groups=asked.groups)}

    # FastAPI reads types at run time: names of this function are not found under __future__.
    decision.__annotations__["asked"] = Decision
    enter.__annotations__["request"] = Request
    add_error_answers(app)
    for path, function in (
        ("/enter", enter),
        ("/", page),
        ("/api/inbox", inbox),
        ("/photo/{name}", picture),
    ):
        app.add_api_route(path, function, methods=["GET"], response_model=None)
    app.add_api_route("/api/decision", decision, methods=["POST"], response_model=None)
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    return app
