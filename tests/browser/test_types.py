"""The JSDoc types of the studio's modules hold, by TypeScript's checker.

TypeScript is a development tool from npm (``make browser``); nothing of it is shipped.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKER = HERE / "node_modules" / "typescript" / "bin" / "tsc"


def test_the_types_of_the_pages_modules_hold() -> None:
    node = shutil.which("node")
    if node is None or not CHECKER.is_file():
        pytest.skip(f"no TypeScript at '{CHECKER}': make browser")
    told = subprocess.run(
        [node, str(CHECKER), "--project", str(HERE / "jsconfig.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout
