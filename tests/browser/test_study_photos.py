"""The study's photos in the studio: all of them in the grid, and the exam equals `mien test`."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.study]


@pytest.fixture(scope="module")
def steps() -> ModuleType:
    """The benchmark that measures the same steps."""
    path = Path(__file__).parents[2] / "benchmarks" / "studio_study.py"
    spec = importlib.util.spec_from_file_location("studio_study", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_studys_photos_are_trained_and_the_exam_equals_mien_test_to_the_digit(
    shared: Path, mirror: Path, tmp_path: Path, world: Any, steps: ModuleType
) -> None:
    assert mirror.is_dir()
    test = tmp_path / "test"
    shutil.copytree(shared / "paper" / "test", test)
    root = tmp_path / "photos"
    with world.running(root) as studio, world.opened(studio) as page:
        measured = steps.walk(
            page, studio.base, root=root, photos=shared / "paper" / "train", test=test
        )
    sys.stdout.write(f"{measured}\n")
    assert measured["n_photos"] == 246
    assert measured["unlike_mien_test"] == []
