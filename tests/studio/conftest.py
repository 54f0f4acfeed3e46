"""Drawn photos, a project of them, and a client of its studio that asks as the pages do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.studio.judging import CLASSES, PORT

from mien.dataset.drawn import draw_dataset
from mien.serve import Access
from mien.studio.app import create_studio


@pytest.fixture(scope="session")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_dataset(folder, classes=CLASSES, n_per_class=6, seed=3, test_per_class=3, size_px=64)
    return folder


@pytest.fixture
def drawn(drawn_once: Path, tmp_path: Path) -> Path:
    """Drawn photos at which nobody has looked yet."""
    shutil.copytree(drawn_once, tmp_path / "drawn")
    return tmp_path / "drawn"


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawn / "train", tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    access = Access(port=PORT)
    app = create_studio(root, port=PORT, access=access)
    own = f"http://127.0.0.1:{PORT}"
    # Not entered as a context: the background watch is not what is tested here.
    client = TestClient(app, base_url=own, cookies={access.cookie_name: access.cookie_value})
    client.headers.update({"Origin": own})
    yield client
    client.close()
