"""How do the pages look? Every page, light and dark, wide and narrow, English and Korean.

    python benchmarks/screenshots.py [--out benchmarks/out/screenshots] [--only board,exam]
                                     [--project FOLDER] [--quick]

Draws a project of faces, trains on it in the studio as a user does, and takes pictures with
Debian's Chromium. No photo of a person is in them. `--quick` takes one look of each page.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.dataset.drawn import draw_dataset

CHROMIUM = os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--hide-scrollbars",
]  # fmt: skip
LOOKS = [
    (scheme, width, language)
    for language in ("en", "ko")
    for width in (1440, 360)
    for scheme in ("light", "dark")
]
PATIENCE_MS = 240_000


@contextmanager
def studio(root: Path) -> Iterator[tuple[str, Any]]:
    command = [sys.executable, "-c", "from mien.cli import main; main()", "studio", str(root)]
    process = subprocess.Popen([*command, "--no-browser"], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
    assert process.stdout
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait()


def board(page: Any) -> None:
    page.locator(".strip img").first.wait_for()
    page.locator(".result .score").wait_for()


def hood(page: Any) -> None:
    board(page)
    page.locator(".result summary").click()


def grid(page: Any) -> None:
    board(page)
    page.locator(".strip").first.click()
    page.locator("[role=gridcell] img").first.wait_for()
    page.locator(".groups summary").click()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.locator("[role=gridcell]").nth(2).click()
    page.locator("[role=gridcell]").nth(4).click()


def record(page: Any) -> None:
    page.locator(".class-card button svg").first.click()
    page.locator(".hold:enabled").wait_for()


def settled(page: Any) -> None:
    page.wait_for_load_state("networkidle")


# Name → address, what to do there.
VIEWS: dict[str, tuple[str, Any]] = {
    "board": ("/", board),
    "hood": ("/", hood),
    "record": ("/", record),
    "grid": ("/", grid),
    "audit": ("/audit", settled),
    "exam": ("/exam", settled),
    "study": ("/study", settled),
    "about": ("/about", settled),
}


def train(browser: Any, link: str) -> dict[str, Any]:
    """Train once; the cookie is for all pages that follow."""
    context = browser.new_context(locale="en")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    page.locator(".strip img").first.wait_for()
    if not page.locator(".result .score").count():
        page.locator("#train-button:enabled").click()
        page.locator(".result .score").wait_for()
    state: dict[str, Any] = context.storage_state()
    context.close()
    return state


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/screenshots"))
    parser.add_argument("--only", default=",".join(["start", *VIEWS]))
    parser.add_argument("--project", type=Path, help="keep the drawn project here and use it again")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = arguments.only.split(",")
    looks = [LOOKS[0], LOOKS[7]] if arguments.quick else LOOKS
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        root = arguments.project or Path(folder) / "faces"
        if not root.exists():
            draw_dataset(root, n_per_class=30, seed=0, size_px=256)
        with studio(root) as (link, _):
            state = train(browser, link)
            for look in looks:
                shoot(browser, link, state, look, wanted=wanted, out=arguments.out)
        if "start" in wanted:
            for i, look in enumerate(looks):
                with studio(Path(folder) / f"empty-{i}") as (link, _):
                    shoot_start(browser, link, look, arguments.out)
        browser.close()


def shoot(
    browser: Any, link: str, state: Any, look: tuple[str, int, str], *, wanted: list[str], out: Path
) -> None:
    scheme, width, language = look
    for name, (path, act) in VIEWS.items():
        if name not in wanted:
            continue
        context = browser.new_context(
            storage_state=state, locale=language, color_scheme=scheme,
            viewport={"width": width, "height": 900},
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(link.partition("/enter")[0] + path)
        act(page)
        page.wait_for_timeout(800)
        whole = name not in ("grid", "board") or (name == "board" and width < 1000)
        page.screenshot(path=out / f"{name}-{scheme}-{width}-{language}.png", full_page=whole)
        context.close()
        print(name, *look, flush=True)


def shoot_start(browser: Any, link: str, look: tuple[str, int, str], out: Path) -> None:
    scheme, width, language = look
    context = browser.new_context(
        locale=language, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.goto(link)
    page.locator("#start:not([hidden])").wait_for()
    page.screenshot(path=out / f"start-{scheme}-{width}-{language}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
