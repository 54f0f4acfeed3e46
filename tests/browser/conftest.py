"""A real browser and a real studio for the tests here; whatever the page complains of fails them.

Law: a request to anywhere but the studio, a console error or an error of a script fails the test,
unless the test says that it expects an answer of that status.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.drawn import draw_face

CHROMIUM = os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium")
# A browser that is told so asks its maker for nothing.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 180


@dataclass
class Running:
    """A studio that runs: its project, and links into it."""

    root: Path
    process: subprocess.Popen[str]
    link: str


@contextmanager
def running(root: Path) -> Iterator[Running]:
    """Start a studio as a user does, and end it."""
    command = [
        sys.executable,
        "-c",
        "from mien.cli import main; main()",
        "studio",
        str(root),
        "--no-browser",
    ]
    env = os.environ | {"PYTHONUNBUFFERED": "1", "MIEN_HOME": str(root.parent / "mien-home")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    try:
        yield Running(root=root, process=process, link=process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass
class Complaints:
    """What a page complained of."""

    said: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def of(self, page: Any, base: str) -> None:
        def console(message: Any) -> None:
            is_status = any(f"status of {code}" in message.text for code in self.expected)
            if message.type == "error" and not is_status:
                self.said.append(f"console: {message.text}")

        def request(asked: Any) -> None:
            if not asked.url.startswith((base, "blob:", "data:")):
                self.said.append(f"asked for {asked.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.said.append(f"script: {error}"))
        page.on("request", request)


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of drawn faces that stands in for the camera: YUV4MPEG2, as Chromium reads it."""
    path = tmp_path_factory.mktemp("camera") / "faces.y4m"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420jpeg\n")
        for expression in ("happy", "sad", "happy", "sad"):
            face = draw_face(rng, expression=expression, skin="brown", gender="woman", size_px=240)
            frame = np.pad(face, ((0, 0), (40, 40), (0, 0)), mode="edge").astype(np.float64)
            for _ in range(2):
                file.write(b"FRAME\n" + _yuv(frame))
    return path


def _yuv(rgb: np.ndarray) -> bytes:
    """Full-range BT.601, colour halved both ways."""
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    u, v = 128 + 0.564 * (b - y), 128 + 0.713 * (r - y)
    planes = (y, u[::2, ::2], v[::2, ::2])
    return b"".join(plane.clip(0, 255).astype(np.uint8).tobytes() for plane in planes)


@pytest.fixture(scope="module")
def chromium(camera_film: Path) -> Iterator[Any]:
    """One browser for a module: while it is there, Playwright's event loop runs in this thread."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no Chromium at '{CHROMIUM}': install it, or set MIEN_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                  f"--use-file-for-fake-video-capture={camera_film}"],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test when the page complained."""
    found = Complaints()
    yield found
    assert not found.said, "\n".join(found.said)


@dataclass
class World:
    """What a test here works with."""

    browser: Any
    complaints: Complaints

    def running(self, root: Path) -> AbstractContextManager[Running]:
        """A studio on this folder."""
        return running(root)

    @contextmanager
    def opened(self, studio: Running, *, language: str = "en", **options: Any) -> Iterator[Any]:
        """A page of its own on the studio."""
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = self.browser.new_context(locale=language, **options)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        self.complaints.of(page, studio.link.partition("/enter")[0])
        try:
            page.goto(studio.link)
            yield page
        finally:
            context.close()


@pytest.fixture
def world(chromium: Any, complaints: Complaints) -> World:
    """A browser, and a list of what its pages complain of."""
    return World(browser=chromium, complaints=complaints)
