"""What the user has already: a file of URLs, a folder of pictures, a folder that a camera fills.

A file of URLs has one address a line, `#` begins a remark; a table (CSV with a column ``url``) may
also state ``landing_page``, ``creator`` and ``licence``. Nothing is guessed about rights.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mien.collecting.licences import parse_licence
from mien.collecting.records import Candidate
from mien.collecting.sources.base import SourceContext, text_of, url_of
from mien.errors import UserError

_ENDINGS: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jfif"}
)


def search_urls(query: str, context: SourceContext) -> Iterator[Candidate]:  # noqa: ARG001
    """List the addresses in a file; `query` is its path.

    Raises:
        UserError: It cannot be read, or holds no address at all.
    """
    path = Path(query)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"cannot read the file of URLs '{path}': {error.strerror or error}",
            "Give a text file with one address a line.",
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is not UTF-8 text", "Save it as UTF-8.") from error
    rows = _table(text) if "url" in _header(text) else _lines(text)
    if not rows:
        raise UserError(f"'{path}' holds no http(s) address", "Write one address a line.")
    yield from {row.url: row for row in rows}.values()


def search_folder(query: str, context: SourceContext) -> Iterator[Candidate]:  # noqa: ARG001
    """List the pictures below a folder, in the order of their names; `query` is its path.

    Raises:
        UserError: There is no such folder.
    """
    for path in _pictures(Path(query)):
        yield Candidate(url=str(path), source="folder")


def search_camera(query: str, context: SourceContext) -> Iterator[Candidate]:  # noqa: ARG001
    """As `search_folder`, newest first, and the creator is whoever held the camera: the user.

    Raises:
        UserError: There is no such folder.
    """
    for path in sorted(_pictures(Path(query)), key=_when, reverse=True):
        yield Candidate(url=str(path), source="camera")


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder", "Give a folder of pictures.")
    root = folder.resolve()
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in _ENDINGS
        and not path.is_symlink()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def _when(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _header(text: str) -> list[str]:
    return [cell.strip().lower() for cell in text.partition("\n")[0].split(",")]


def _lines(text: str) -> list[Candidate]:
    stripped = (line.split(" #")[0].strip() for line in text.splitlines())
    return [
        Candidate(url=url_of(line), source="urls")
        for line in stripped
        if line and not line.startswith("#") and url_of(line)
    ]


def _table(text: str) -> list[Candidate]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    rows.fieldnames = _header(text)
    return [
        Candidate(
            url=url_of(row["url"]),
            source="urls",
            landing_page=url_of(row.get("landing_page")),
            title=text_of(row.get("title")),
            creator=text_of(row.get("creator")),
            licence=parse_licence(text_of(row.get("licence") or row.get("license"))),
        )
        for row in rows
        if url_of(row.get("url"))
    ]
