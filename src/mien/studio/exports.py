"""What was exported of a run: each format with what its consumers said, and how to use it.

Law: an export is there when its `golden.json` is, which is written last; so what a kill left
half-written is neither shown nor given away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mien.errors import UserError
from mien.files import read_json
from mien.studio.errors import StudioError
from mien.studio.models import Run
from mien.workflows.models import EXPORT_RECORD

# In the order in which the page offers them.
FORMATS: Final = (
    "teachable-machine", "keras", "tfjs", "onnx", "litert", "litert-int8", "savedmodel",
)  # fmt: skip
_SNIPPET: Final = re.compile(r"```(?:python|html)\n(.*?)```", re.DOTALL)


def place(run: Run, to: str) -> Path:
    """Where the export of a run in a format lies."""
    return run.folder / "exports" / to


def made(run: Run) -> dict[str, dict[str, Any]]:
    """Format → its consumers' answers, its size and its snippet, for those that are whole."""
    found = {to: _one(place(run, to)) for to in FORMATS}
    return {to: one for to, one in found.items() if one is not None}


def folder(run: Run, to: str) -> Path:
    """The folder of a whole export.

    Raises:
        StudioError: It was not made.
    """
    if to not in FORMATS or not (place(run, to) / EXPORT_RECORD).is_file():
        raise StudioError("export_gone")
    return place(run, to)


def _one(path: Path) -> dict[str, Any] | None:
    try:
        golden: Mapping[str, Any] = read_json(path / EXPORT_RECORD, what="export record")
        readme = (path / "README.md").read_text(encoding="utf-8")
    except (OSError, UserError):
        return None
    snippet = _SNIPPET.search(readme)
    return {
        "parity": golden["parity"],
        "size_bytes": sum(one["size_bytes"] for one in golden["files"]),
        "snippet": snippet[1] if snippet else None,
    }
