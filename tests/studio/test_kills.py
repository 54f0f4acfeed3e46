"""The studio's server, killed at random moments: nothing that was answered is lost or half done."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def trials() -> ModuleType:
    """The benchmark that does the same with more kills and with long work."""
    path = Path(__file__).parents[2] / "benchmarks" / "kill_studio.py"
    spec = importlib.util.spec_from_file_location("kill_studio", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_kill_at_any_moment_loses_no_photo_label_group_or_decision(
    tmp_path: Path, trials: ModuleType
) -> None:
    trial = trials.try_steps(tmp_path, kills=4, n_steps=20, seed=1, least=0.01, most=0.8)
    assert trial.killer.kills >= 4
    assert trial.n_done >= 20
    assert trial.wrong == []
