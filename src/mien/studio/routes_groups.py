"""Groups of photos, given by keyboard: one column at a time, one key a value."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from mien.studio.context import studio_of

router = APIRouter(prefix="/api/groups")


class Given(BaseModel):
    """Photos, a column and their value in it; an empty value takes theirs away."""

    names: list[str]
    column: str
    value: str


@router.post("")
def give(request: Request, body: Given) -> Any:
    """Give photos a value."""
    project = studio_of(request).project
    return {"n": project.set_group(body.names, column=body.column, value=body.value)}
