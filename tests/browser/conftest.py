"""A real browser and a real studio for the tests here; whatever the page complains of fails them.

Law: a request to anywhere but the studio, a console error or an error of a script fails the test,
unless the test says that it expects an answer of that status.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

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
MOST_TABS = 300

WHERE = """(node) => {
  const now = document.activeElement;
  if (now === node) return 'here';
  const before = now.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING;
  return before && now !== document.body ? 'before' : 'after';
}"""

By: TypeAlias = Literal["mouse", "keyboard"]


@dataclass
class Running:
    """A studio that runs: its project, and links into it."""

    root: Path
    process: subprocess.Popen[str]
    link: str

    @property
    def base(self) -> str:
        """Its address without the link's secret."""
        return self.link.partition("/enter")[0]


@contextmanager
def running(
    root: Path, *, code: str | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start a studio as a user does, or by other code, and end it."""
    code = code or "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "studio", str(root), "--no-browser"]
    home = str(root.parent / "mien-home")
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "MIEN_HOME": home, **(env or {})}
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
    allowed: set[str] = field(default_factory=set)

    def allow(self, *names: str) -> None:
        """Expect errors of the network of these names."""
        self.allowed |= set(names)

    def of(self, page: Any, base: str) -> None:
        def console(message: Any) -> None:
            known = [*(f"status of {code}" for code in self.expected), *self.allowed]
            if message.type == "error" and not any(one in message.text for one in known):
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
def launch() -> Iterator[Callable[..., Any]]:
    """Starts browsers for a module: while it is there, Playwright's event loop runs here."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no Chromium at '{CHROMIUM}': install it, or set MIEN_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *flags]
        )


@pytest.fixture(scope="module")
def chromium(launch: Callable[..., Any], camera_film: Path) -> Iterator[Any]:
    """A browser with a camera that it may use."""
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_film}",
    )
    yield browser
    browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test when the page complained."""
    found = Complaints()
    yield found
    assert not found.said, "\n".join(found.said)


class Hands:
    """A user at a page, with the mouse or with the keyboard alone.

    With the keyboard nothing is focused by a script; what Tab does not reach fails the test.
    """

    def __init__(self, page: Any, by: By) -> None:
        self.page = page
        self.by = by

    def until(self, expression: str) -> None:
        """Wait until an expression is true; the policy forbids what Playwright has for it."""
        began = time.monotonic()
        while not self.page.evaluate(expression):
            assert time.monotonic() - began < SECONDS, f"never true: {expression}"
            time.sleep(0.1)

    def reach(self, target: Any) -> None:
        """Press Tab, or Shift and Tab where it lies before, until the element has the focus."""
        target.wait_for()
        for _ in range(MOST_TABS):
            where = target.evaluate(WHERE)
            if where == "here":
                return
            self.page.keyboard.press("Shift+Tab" if where == "before" else "Tab")
        raise AssertionError(f"{MOST_TABS} times Tab does not reach {target}")

    def press(self, target: Any) -> None:
        """Press a button or follow a link."""
        if self.by == "mouse":
            target.click()
        else:
            self.reach(target)
            self.page.keyboard.press("Enter")

    def choose(self, button: Any, files: Path | list[Path]) -> None:
        """Press a button that opens the system's chooser, and choose there."""
        with self.page.expect_file_chooser() as chooser:
            self.press(button)
        chooser.value.set_files(files)

    def hold(self, target: Any) -> None:
        """Press and do not let go."""
        if self.by == "mouse":
            target.hover()
            self.page.mouse.down()
        else:
            self.reach(target)
            self.page.keyboard.down("Space")

    def let_go(self) -> None:
        """Let go of what is held."""
        if self.by == "mouse":
            self.page.mouse.up()
        else:
            self.page.keyboard.up("Space")

    def open(self, dialog: Any, by: Any) -> None:
        """Open a dialog by a button."""
        self.press(by)
        dialog.wait_for()

    def leave(self, dialog: Any) -> None:
        """Leave a dialog as everybody does: by Escape."""
        self.page.keyboard.press("Escape")
        dialog.wait_for(state="detached")


@dataclass
class World:
    """What a test here works with."""

    browser: Any
    complaints: Complaints
    launch: Callable[..., Any]

    def running(self, root: Path, **more: Any) -> AbstractContextManager[Running]:
        """A studio on this folder."""
        return running(root, **more)

    def hands(self, page: Any, by: By) -> Hands:
        """A user at a page."""
        return Hands(page, by)

    def permit(self, page: Any, setting: Literal["granted", "denied"]) -> None:
        """Allow or forbid the camera, as in the address bar."""
        if setting == "granted":
            page.context.grant_permissions(["camera"], origin=page.url.rstrip("/"))
            return
        line = self.browser.new_browser_cdp_session()
        targets = line.send("Target.getTargets")["targetInfos"]
        ours = next(one for one in targets if one["url"] == page.url and one["type"] == "page")
        line.send(
            "Browser.setPermission",
            {
                "permission": {"name": "camera"},
                "setting": setting,
                "origin": page.url.rstrip("/"),
                "browserContextId": ours["browserContextId"],
            },
        )
        line.detach()

    @contextmanager
    def other_browser(self, *flags: str) -> Iterator[World]:
        """A world with a browser of its own."""
        browser = self.launch(*flags)
        yield World(browser=browser, complaints=self.complaints, launch=self.launch)
        browser.close()

    @contextmanager
    def opened(self, studio: Running, *, language: str = "en", **options: Any) -> Iterator[Any]:
        """A page of its own on the studio."""
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = self.browser.new_context(locale=language, **options)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        self.complaints.of(page, studio.base)
        try:
            page.goto(studio.link)
            yield page
        finally:
            context.close()


@pytest.fixture
def world(launch: Callable[..., Any], chromium: Any, complaints: Complaints) -> World:
    """A browser, and a list of what its pages complain of."""
    return World(browser=chromium, complaints=complaints, launch=launch)
