"""What the tests of collecting share: drawn pictures, made once, and the loopback server."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mien.collecting import Browser, Collector, Manners, Patience, Settings
from mien.dataset.drawn import CLASSES, draw_face
from mien.dataset.drawn.faults import encode_jpeg
from mien.records import Face


def _server_module() -> ModuleType:
    name = "collect_test_server"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("server.py"))
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def web() -> ModuleType:
    """The module with `Server` and `Picture`."""
    return _server_module()


@pytest.fixture(scope="session")
def drawn() -> list[bytes]:
    """JPEGs of twelve drawn people."""
    skins, genders = ("white", "brown", "black"), ("man", "woman")
    return [
        encode_jpeg(
            draw_face(
                np.random.default_rng(i),
                expression=CLASSES[i % 5],
                skin=skins[i % 3],
                gender=genders[i % 2],
                size_px=160,
            ),
            quality=88,
        )
        for i in range(12)
    ]


def one_face(image: np.ndarray) -> list[Face]:
    """A detector that sees one face in the middle of everything."""
    h, w = image.shape[:2]
    return [Face(xyxy_px=(0.25 * w, 0.25 * h, 0.75 * w, 0.8 * h), confidence=1.0)]


@pytest.fixture
def collecting(tmp_path: Path) -> Any:
    """Open a collector into `tmp_path / "photos"` against a server."""
    browsers: list[Browser] = []

    def opened(server: Any = None, *, browser: Browser | None = None, **settings: Any) -> Collector:
        browser = browser or Browser(
            allow_local=True,
            patience=Patience(connect_s=2, read_s=0.4, total_s=3),
            connections=8,
        )
        browsers.append(browser)
        urls = dict.fromkeys(("openverse", "commons", "bing"), server.url) if server else {}
        chosen = {
            "manners": Manners(per_second=None, tries=2),
            "workers": 4,
            "base_urls": tuple(urls.items()),
            **settings,
        }
        said: list[str] = []
        collector = Collector(
            tmp_path / "photos", settings=Settings(**chosen), browser=browser, say=said.append
        )
        collector.said = said  # type: ignore[attr-defined]
        return collector

    yield opened
    for browser in browsers:
        browser.close()


Opened = Callable[..., Collector]
