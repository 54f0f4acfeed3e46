"""How do the pages look? Every page and state, light and dark, wide and narrow, English and Korean.

    python benchmarks/screenshots.py [--out benchmarks/out/screenshots] [--only board,exam]
                                     [--project FOLDER] [--looks light-1440-en,dark-360-ko] [--wide]
    python benchmarks/screenshots.py --readme docs/pictures

Draws a project of faces, does in the studio what a user does, and takes pictures with Debian's
Chromium. No photo of a person is in them. A page that is wider than its window is said, and a
broken word on a button or in a heading; the command then ends with 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from studio_states import (
    BARE,
    CHROMIUM,
    EMPTY,
    FLAGS,
    PATIENCE_MS,
    STATES,
    State,
    broken_words,
    call,
    draw_film,
    draw_project,
    fill_project,
    studio,
    train_again,
)

from mien.dataset.drawn import draw_dataset

Look = tuple[str, int, str]
LOOKS: list[Look] = [
    (scheme, width, language)
    for language, width, scheme in product(("en", "ko"), (1440, 360), ("light", "dark"))
]
WIDEST: Look = ("light", 1920, "en")


# State → what the README calls its picture, and where on the page it begins, in pixels.
README = {"camera": ("studio", 0), "exam": ("exam", 450)}


class Camera:
    """Takes the pictures.

    Args:
        browser: Playwright's.
        out: Where they go.
        looks: How the pages are looked at.
        wanted: Names of states; all where empty.
    """

    def __init__(self, browser: Any, *, out: Path, looks: list[Look], wanted: set[str]) -> None:
        self.browser = browser
        self.out = out
        self.looks = looks
        self.wanted = wanted
        self.wrong: list[str] = []

    def enter(self, link: str) -> Any:
        """The cookie for all pages of this studio."""
        context = self.browser.new_context(locale="en")
        context.new_page().goto(link)
        cookies = context.storage_state()
        context.close()
        return cookies

    def shoot(self, link: str, cookies: Any, states: Mapping[str, State]) -> None:
        """Take every wanted state in every look."""
        for name, state in states.items():
            if self.wanted and name not in self.wanted:
                continue
            for look in self.looks:
                self._shoot(link.partition("/enter")[0], cookies, name, state, look)
            print(name, flush=True)

    def _shoot(self, base: str, cookies: Any, name: str, state: State, look: Look) -> None:
        scheme, width, language = look
        context = self.browser.new_context(
            storage_state=cookies, locale=language, color_scheme=scheme, permissions=["camera"],
            viewport={"width": width, "height": 900}, reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(base + state.path)
        state.act(page)
        if state.whole:
            see_all(page)
        page.wait_for_timeout(400)
        called = f"{name}-{scheme}-{width}-{language}"
        page.screenshot(path=self.out / f"{called}.png", full_page=state.whole)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.wrong.append(f"{called} is wider than its window")
        self.wrong += [f"{called}: {one}" for one in broken_words(page)]
        state.after(page)
        context.close()

    def to_readme(self, folder: Path) -> None:
        """Put the README's pictures there, small."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, (called, top) in README.items():
            for scheme, width, language in self.looks:
                path = self.out / f"{name}-{scheme}-{width}-{language}.png"
                Image.open(path).crop((0, top, width, top + 900)).save(
                    folder / f"{called}-{language}.webp", quality=82, method=6
                )


def see_all(page: Any) -> None:
    """Scroll to the end and back, so that pictures that load when they are seen are there."""
    page.evaluate(
        """async () => {
          for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
            scrollTo(0, y);
            await new Promise((next) => setTimeout(next, 60));
          }
          scrollTo(0, 0);
        }"""
    )


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/screenshots"))
    parser.add_argument("--only", default="", help="names of states, with commas")
    parser.add_argument("--project", type=Path, help="keep the drawn project here and use it again")
    parser.add_argument("--looks", default="", help="such as light-1440-en,dark-360-ko")
    parser.add_argument("--readme", type=Path, help="take the README's pictures only, to here")
    parser.add_argument("--wide", action="store_true", help="1920 px too")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    looks = [*LOOKS, WIDEST] if given.wide else LOOKS
    if given.looks:
        chosen = [text.split("-") for text in given.looks.split(",")]
        looks = [(scheme, int(width), language) for scheme, width, language in chosen]
    wanted = {name for name in given.only.split(",") if name}
    if given.readme:
        wanted, looks = set(README), [("light", 1440, "en"), ("light", 1440, "ko")]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = draw_film(Path(folder) / "film.mjpeg", expressions=("happy",))
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        )
        camera = Camera(browser, out=given.out, looks=looks, wanted=wanted)
        if not wanted or wanted & set(EMPTY):
            with studio(Path(folder) / "new-project") as link:
                camera.shoot(link, camera.enter(link), EMPTY)
        if not wanted or wanted & set(BARE):
            draw_dataset(Path(folder) / "bare", classes=("happy", "sad"), n_per_class=6, seed=4)
            with studio(Path(folder) / "bare") as link:
                camera.shoot(link, camera.enter(link), BARE)
        if not wanted or wanted & set(STATES):
            shoot_full(camera, given.project or Path(folder) / "full")
        if given.readme:
            camera.to_readme(given.readme)
        browser.close()
    for one in camera.wrong:
        print(one)
    sys.exit(bool(camera.wrong))


def shoot_full(camera: Camera, folder: Path) -> None:
    """The project in which everything was done once."""
    root = folder / "faces"
    is_new = not root.exists()
    if is_new:
        draw_project(folder)
    with studio(root) as link:
        cookies = camera.enter(link)
        context = camera.browser.new_context(storage_state=cookies)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(link.partition("/enter")[0])
        if is_new:
            fill_project(page, root)
        camera.shoot(link, cookies, STATES)
        if call(page, "/api/jobs/latest?verb=train")["job"]["state"] != "done":
            train_again(page)  # for whoever uses the project again
        context.close()


if __name__ == "__main__":
    main()
