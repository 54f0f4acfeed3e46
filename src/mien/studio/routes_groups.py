"""Groups of photos: given by keyboard, or taken over from a table that came with the photos."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Request, UploadFile
from pydantic import BaseModel

from mien.dataset.groups import read_group_table
from mien.errors import DatasetError
from mien.studio.context import studio_of
from mien.studio.errors import StudioError

router = APIRouter(prefix="/api/groups")

_MAX_BYTES: Final = 20 << 20


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


@router.post("/table")
def take_over(request: Request, file: Annotated[UploadFile, File()]) -> Any:
    """Take over the groups of photos that are here from a `groups.csv` that came with them."""
    data = file.file.read(_MAX_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "groups.csv"
        path.write_bytes(data)
        try:
            table = read_group_table(path)
        except DatasetError as error:
            reason = error.message.replace(f"'{path}'", "groups.csv")
            raise StudioError("not_a_table", reason=reason) from error
    return {"n": studio_of(request).project.take_over(table)}
