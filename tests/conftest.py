"""What all tests share: the network is closed, the shared folder is found or loudly missed.

Array shapes in signatures are checked while tests run; `MIEN_SHAPES=0` leaves that out.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Where arrays are made and passed on.
_WITH_SHAPES = ("stats", "image", "face", "backbone", "head", "exam", "audits", "studies")


def _check_shapes() -> None:
    """Hold mien's functions to the array shapes in their signatures; before mien is imported."""
    from jaxtyping import install_import_hook

    # The hook names its checker by module, and tests are no package.
    spec = importlib.util.spec_from_file_location(
        "mien_shapes", Path(__file__).parent / "shapes.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    install_import_hook([f"mien.{name}" for name in _WITH_SHAPES], "mien_shapes.check")


if os.environ.get("MIEN_SHAPES", "1") == "1":
    _check_shapes()

_CONNECT = socket.socket.connect
_LOOPBACK = ("127.", "::1", "localhost")


# Opening exports with TensorFlow, LiteRT, Keras and TensorFlow.js takes minutes and gigabytes:
# `make consumers test` does it, on purpose.
collect_ignore = [] if os.environ.get("MIEN_CONSUMERS") == "1" else ["consumers"]


# Folders whose files take longest go first, so that no process is left with one at the end.
_LONGEST = ("consumers", "cli", "workflows", "studio", "collecting", "studies")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files for `make test`, which gives whole files to two processes."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST)

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say each skipped test and its reason aloud."""
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[-1]}", yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip in CI is a failure: what a check needs, .ci/run installs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def closed_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Close every way out but loopback, and keep mien's own folders out of the user's home."""

    def connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and not str(host).startswith(_LOOPBACK):
            pytest.fail(f"a test tried to reach {address}")
        _CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path_factory.getbasetemp() / "mien-home"))
    monkeypatch.delenv("MIEN_MIRROR", raising=False)


@pytest.fixture(scope="session")
def shared() -> Iterator[Path]:
    """The folder with the study's photos; tests that need it are marked `study`."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("MIEN_SHARED", root.parent / "shared"))
    if not (folder / "paper").is_dir():
        pytest.skip(f"the study's photos are not at '{folder}': set MIEN_SHARED")
    return folder


@pytest.fixture
def mirror(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the shared models stand in for the network."""
    monkeypatch.setenv("MIEN_MIRROR", str(shared / "models"))
    return shared / "models"
