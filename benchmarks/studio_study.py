"""The study's photos in the studio: how long until all are in the grid, and until they are trained?

    MIEN_MIRROR=../shared/models python benchmarks/studio_study.py [--shared ../shared]

Opens an empty project in headless Chromium, chooses the folder of training photos, waits until the
page shows every one of them, presses Train at once, and takes an exam on the test photos; then asks
`mien test` about the same model and photos and compares every figure. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from mien.workflows.test import test as mien_test

PATIENCE_S = 120
# What an exam says of a model; `photos` holds every single answer with its probabilities.
FIGURES = ("n", "correct", "accuracy", "per_class", "per_group", "confusion", "macro_f1", "photos")


def state(page: Any) -> Any:
    return page.evaluate("fetch('/api/project').then((answer) => answer.json())")


def until(true: Any) -> None:
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError(f"not within {PATIENCE_S} s")
        time.sleep(0.05)


def in_the_grid(page: Any, folder: Path) -> tuple[int, float]:
    """Choose the folder; photos that are there, and the seconds until every one was shown."""
    n = sum(path.is_file() for path in folder.glob("*/*"))
    with page.expect_file_chooser() as chooser:
        page.click("#start-folder")
    began = time.monotonic()
    chooser.value.set_files(folder)
    until(lambda: state(page)["n_photos"] >= n - 1)
    page.locator("#uploads progress").wait_for(state="detached")
    counts = "[...document.querySelectorAll('.class-card .count')].map((e) => e.textContent)"
    total = state(page)["n_photos"]
    digits = f"{counts}.reduce((sum, text) => sum + Number(text.replace(/[^0-9]/g, '')), 0)"
    until(lambda: page.evaluate(digits) == total)
    # Thumbnails out of sight are not asked for; those in sight are drawn.
    drawn = """[...document.querySelectorAll('.strip img')].filter((one) => {
        const { top, bottom, left, width } = one.getBoundingClientRect();
        const end = one.closest('.strip').getBoundingClientRect().right; // the rest is scrolled to
        return width && bottom > 0 && top < innerHeight && left < end;
    }).every((one) => one.naturalWidth > 0)"""
    until(lambda: page.evaluate(drawn))
    return total, time.monotonic() - began


def trained(page: Any) -> float:
    """Press Train; the seconds until the score is shown."""
    began = time.monotonic()
    page.click("#train-button")
    page.locator(".result .score").wait_for()
    return time.monotonic() - began


def examined(page: Any, base: str, folder: Path) -> dict[str, Any]:
    """Take an exam on test photos by their folder; its record."""
    page.goto(f"{base}/exam")
    page.wait_for_selector("#exam[aria-busy=false]")
    page.click("#by-path")
    page.keyboard.type(str(folder))
    page.keyboard.press("Enter")
    page.locator(".set").wait_for()
    page.locator("#take:enabled").click()
    page.locator("#result h2").wait_for()
    newest = page.evaluate("fetch('/api/exam').then((a) => a.json())")["exams"][0]["id"]
    exam: dict[str, Any] = page.evaluate(f"fetch('/api/exam/one/{newest}').then((a) => a.json())")
    return exam


def unlike(exam: dict[str, Any], run: Path, folder: Path) -> list[str]:
    """Figures in which the studio's exam and `mien test` differ."""
    (own,) = json.loads(json.dumps(mien_test(run, photos=folder).plain()["results"]))
    return [key for key in FIGURES if exam["result"][key] != own[key]]


def walk(page: Any, base: str, *, root: Path, photos: Path, test: Path) -> dict[str, Any]:
    """Photos in, trained, examined: what was measured on the way."""
    n, grid_s = in_the_grid(page, photos)
    train_s = trained(page)
    exam = examined(page, base, test)
    return {
        "n_photos": n,
        "in_the_grid_s": round(grid_s, 1),
        "trained_s": round(train_s, 1),
        "exam": f"{exam['result']['correct']} of {exam['result']['n']}",
        "unlike_mien_test": unlike(exam, root.parent / "runs" / exam["run"], test),
    }


@contextmanager
def studio(root: Path) -> Iterator[str]:
    code = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "studio", str(root), "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              env=os.environ | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    given = parser.parse_args()
    paper = given.shared.resolve() / "paper"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, test = Path(folder) / "photos", Path(folder) / "test"
        shutil.copytree(paper / "test", test)  # the record of looks is written beside the photos
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with studio(root) as link:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(1000 * PATIENCE_S)
            page.goto(link)
            measured = walk(page, link.partition("/enter")[0], root=root,
                            photos=paper / "train", test=test)  # fmt: skip
        browser.close()
    print(json.dumps({**measured, "load": os.getloadavg()}))
    sys.exit(bool(measured["unlike_mien_test"]))


if __name__ == "__main__":
    main()
