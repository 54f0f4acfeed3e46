"""The pages that are no verb: the link's door, the board, about, and the choice of language."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from mien.studio.context import LANGUAGE_COOKIE, idle_settings, page, studio_of
from mien.studio.pulse import pulse
from mien.studio.texts import LANGUAGES

router = APIRouter(include_in_schema=False)

ENTRY: Final = "/enter"
# What the page that refuses is made of.
OPEN_PATHS: Final = (
    "/language",
    "/static/base.css",
    "/static/mien.js",
    "/static/icon.svg",
)
_A_YEAR_S: Final = 365 * 24 * 3600


@router.get(ENTRY)
def enter(request: Request, token: str = "") -> Any:
    """Take the one-use link and give the cookie for it."""
    access = studio_of(request).access
    if access.knows(request.cookies.get(access.cookie_name)):
        return RedirectResponse("/", status_code=303)
    if not access.redeem(token):
        return page(request, "link_used.html", name="enter", status=403)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(access.cookie_name, access.cookie_value, httponly=True, samesite="strict")
    return answer


@router.get("/")
def board(request: Request) -> Any:
    """Collect, train and try, side by side."""
    return page(request, "board.html", name="board", idle=idle_settings())


@router.get("/about")
def about(request: Request) -> Any:
    """What this is, what it must not be used for, and what it stands on."""
    return page(request, "about.html", name="about")


@router.get("/api/pulse")
def what_changed(request: Request) -> Any:
    """Stamps of what the pages show: another one means that it changed."""
    return pulse(studio_of(request))


@router.post("/language")
def choose_language(
    language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> RedirectResponse:
    """Remember the language and go back."""
    # Only a path of ours: "//host" would be another site.
    target = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    answer = RedirectResponse(target, status_code=303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR_S, samesite="strict")
    return answer
