"""One shape for everything that goes wrong: ``{"error": {"message", "hint"}}``.

Knows the family of `UserError`; anything else is our own bug, is logged with its traceback by the
server, and tells the browser nothing of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mien.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse


def error_body(message: str, hint: str = "", **more: Any) -> dict[str, Any]:
    """What the browser gets."""
    return {"error": {"message": message, "hint": hint, **more}}


def add_error_answers(app: FastAPI) -> None:
    """Answer with that shape: 400 for a `UserError`, 422 for a request that is not well formed."""
    from fastapi import Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

    def user_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, UserError)
        return JSONResponse(error_body(error.message, error.hint), status_code=400)

    def not_well_formed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse(error_body(f"{where}: {first['msg']}"), status_code=422)

    def http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return JSONResponse(error_body(str(error.detail)), status_code=error.status_code)

    app.add_exception_handler(UserError, user_error)
    app.add_exception_handler(RequestValidationError, not_well_formed)
    app.add_exception_handler(HTTPException, http_error)
