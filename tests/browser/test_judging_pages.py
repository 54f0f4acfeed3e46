"""Try, audit, exam and study in a real Chromium with a fake camera, by mouse and by keyboard.

Any request that leaves the machine, any console error and any script error fails a test.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.dataset.drawn import draw_dataset, draw_face
from mien.files import write_json
from mien.model import Model
from mien.model.file import write_model
from mien.records import Dense, Head

pytest.importorskip("playwright", reason="playwright is a development dependency")
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
CLASSES = ("angry", "happy")
# CI shares its two cores with the training, the server and the browser.
PATIENCE_MS = 90_000

pytestmark = [pytest.mark.network, pytest.mark.slow]

OpenPage = Callable[..., Page]


def make_run(root: Path, name: str) -> None:
    """A run whose model answers by how bright the left half is; it never learned anything."""
    rng = np.random.default_rng(len(name))
    kernel = rng.normal(0, 0.5, (1280, 2)).astype(np.float32)
    model = Model(
        labels=CLASSES,
        preprocessing="orient | crop:face(1.1,haar,centre) | resize:32:area | scale:-1:1",
        backbone=fold(random_backbone(0, size_px=32).weights),
        backbone_name="random",
        backbone_sha256="0" * 64,
        head=Head(layers=(Dense(kernel=kernel, bias=None, activation="softmax"),)),
    )
    folder = root.parent / "runs" / name
    folder.mkdir(parents=True)
    write_model(folder / "model.onnx", model)
    record = {
        "photos": str(root), "saved_seed": 0, "n_photos": 12, "fingerprint": "f" * 64,
        "recipe": {"name": "small"}, "classes": dict.fromkeys(CLASSES, 6),
        "seeds": [{"seed": 0, "validation_accuracy": 0.5, "n_validation": 4}],
    }  # fmt: skip
    write_json(folder / "run.json", record)


def draw_film(path: Path) -> None:
    """What the fake camera sees: a drawn face in each of two expressions, as MJPEG."""
    from io import BytesIO

    frames = b""
    for expression in CLASSES:
        face = draw_face(
            np.random.default_rng(7), expression=expression, skin="brown", gender="woman",
            size_px=480,
        )  # fmt: skip
        frame = Image.new("RGB", (640, 480), (90, 95, 100))
        frame.paste(Image.fromarray(face), (80, 0))
        file = BytesIO()
        frame.save(file, "JPEG", quality=88)
        frames += file.getvalue() * 15
    path.write_bytes(frames)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    draw_dataset(folder / "drawn", classes=CLASSES, n_per_class=8, seed=3, test_per_class=4,
                 size_px=160)  # fmt: skip
    root = folder / "photos"
    shutil.move(folder / "drawn" / "train", root)
    shutil.move(folder / "drawn" / "test", folder / "exam-photos")
    # A copy under another name: something for the audit to find.
    first = sorted((root / "happy").glob("*.*"))[0]
    shutil.copy(first, root / "happy" / f"copy{first.suffix}")
    for name in ("first", "second"):
        make_run(root, name)
    return root


@pytest.fixture(scope="module")
def link(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running studio, and the link that opens it."""
    code = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
    server = subprocess.Popen(
        [sys.executable, "-c", code, "studio", str(project), "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait(timeout=30)
    server.stdout.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("Chromium is not installed: apt-get install chromium")
    film = tmp_path_factory.mktemp("film") / "film.mjpeg"
    draw_film(film)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cookies(browser: Browser, link: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link, timeout=PATIENCE_MS)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def open_page(browser: Browser, link: str, cookies: Any) -> Iterator[OpenPage]:
    """Opens a page of the studio; afterwards nothing may have gone wrong in it."""
    own = re.match(r"http://[^/]+", link)
    assert own
    wrong: list[str] = []
    contexts = []

    def is_ours(url: str) -> bool:
        return url.startswith((own[0], "blob:", own[0].replace("http", "ws")))

    def open_one(path: str, **settings: Any) -> Page:
        context = browser.new_context(storage_state=cookies, permissions=["camera"], **settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda request: None if is_ours(request.url) else wrong.append(request.url)
        )
        page.goto(own[0] + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def test_the_camera_is_answered_and_a_picture_too(open_page: OpenPage, project: Path) -> None:
    page = open_page("/")
    page.click("#try-camera")
    page.locator("#try-rate").filter(has_text=re.compile(r"\d+/s")).wait_for()
    expect(page.locator("#try-bars .likeliest")).to_have_count(1)
    page.click("#try-camera")
    expect(page.locator("#try-video")).to_be_hidden()
    photo = sorted((project / "happy").glob("*.*"))[0]
    page.set_input_files("#try-input", photo)
    expect(page.locator("#try-picture")).to_be_visible()
    shares = [int(text.rstrip("%")) for text in page.locator("#try-bars .value").all_inner_texts()]
    assert 99 <= sum(shares) <= 101


def test_a_file_that_is_no_picture_gets_a_sentence(open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    page = open_page("/")
    page.set_input_files("#try-input", tmp_path / "empty.jpg")
    expect(page.locator("#try-say")).to_contain_text("is empty")


def take_exam(page: Page, project: Path, model: str) -> None:
    """Take one by keyboard, on test photos that this or another test chose."""
    page.wait_for_selector("#exam[aria-busy=false]")
    if page.locator(".set").count() == 0:
        page.locator("#by-path").press("Enter")
        page.keyboard.type(str(project.parent / "exam-photos"))
        page.keyboard.press("Enter")
    page.locator(".set").wait_for()
    page.locator("#model").select_option(model)
    taken = page.locator("#history-table tbody tr")
    before = taken.count()  # the page shows the exam before this one at once: wait for ours
    expect(page.locator("#take")).to_be_enabled()
    page.locator("#take").press("Enter")
    expect(taken).to_have_count(before + 1, timeout=PATIENCE_MS)
    page.wait_for_selector("#result h2")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_an_exam_by_keyboard_ends_with_a_score_and_its_photos(
    open_page: OpenPage, project: Path, locale: str
) -> None:
    page = open_page("/exam", locale=locale)
    take_exam(page, project, "first" if locale == "en-US" else "second")
    words = page.locator(".headline small").inner_text()
    assert re.search(r"\d of 8 right|8장 중 \d장 정답", words)
    cell = page.locator(".confusion button").first
    cell.press("Enter")
    expect(cell).to_have_attribute("aria-pressed", "true")
    n = int(cell.inner_text())
    expect(page.locator("#cell-photos li")).to_have_count(n)
    page.locator("#cell-photos button.picture").first.press("Enter")
    expect(page.locator("dialog img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_two_models_are_compared_with_a_verdict(open_page: OpenPage, project: Path) -> None:
    page = open_page("/exam")
    page.wait_for_selector("#exam[aria-busy=false]")
    for model in ("first", "second"):
        row = page.locator("#history-table tbody tr").filter(has_text=model)
        if row.count() == 0:
            take_exam(page, project, model)
        row.first.get_by_role("checkbox").check()
    expect(page.locator("#comparison")).to_contain_text(re.compile("no evidence|is better"))


def test_an_audit_finds_the_copy_and_dropping_it_can_be_taken_back(
    open_page: OpenPage, project: Path
) -> None:
    page = open_page("/audit")
    page.click("#run")
    pair = page.locator("#M301 .pair")
    pair.wait_for(timeout=4 * PATIENCE_MS)
    before = sorted(p.name for p in (project / "happy").glob("*.*"))
    pair.get_by_role("button", name="Keep left").press("Enter")
    expect(pair).to_contain_text("settled")
    assert len(list((project / "happy").glob("*.*"))) == len(before) - 1
    page.locator("#undo").press("Enter")
    expect(pair.get_by_role("button", name="Keep both")).to_be_visible()
    assert sorted(p.name for p in (project / "happy").glob("*.*")) == before
    page.reload()
    expect(page.locator("#M301 .pair")).to_have_count(1)


@pytest.mark.parametrize("path", ["/", "/audit", "/exam", "/study"])
@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_scrolls_sideways(open_page: OpenPage, path: str, width: int) -> None:
    page = open_page(path, viewport={"width": width, "height": 800})
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_study_says_what_would_be_run_and_refuses_what_makes_no_sense(
    open_page: OpenPage,
) -> None:
    page = open_page("/study")
    page.wait_for_selector("#study[aria-busy=false]")
    expect(page.locator("#size")).to_contain_text("2 settings × 10 starts = 20 trainings")
    expect(page.locator("#vary-epochs")).to_be_disabled()  # its head has none
    page.select_option("#recipe", "teachable-machine")
    page.fill("#values-epochs", "5, 20")
    expect(page.locator("#size")).to_contain_text("2 settings × 10 starts = 20 trainings")
    page.check("#vary-head")  # by each head with what it has: two by epochs, one without
    expect(page.locator("#size")).to_contain_text("3 settings × 10 starts = 30 trainings")
    page.uncheck("#vary-head")
    page.fill("#values-epochs", "5")
    expect(page.locator("#size")).to_contain_text("at least two values of Epochs")
    expect(page.locator("#run")).to_be_disabled()


def a_study() -> dict[str, Any]:
    """The record of one, as far as the page shows it."""
    recipe = {"name": "teachable-machine"}
    cells = [
        {
            "name": f"epochs={epochs}", "vary": {"epochs": epochs}, "recipe": recipe,
            "mean": 0.6, "low": 0.5, "high": 0.7, "sd": 0.02, "n_seeds": 2, "candidate": True,
        }
        for epochs in (20, 50)
    ]  # fmt: skip
    runs = [{"vary": one["vary"], "accuracy": 0.6} for one in cells]
    said = "Train the recipe to use with: mien train photos --set epochs=20"
    return {
        "verdict": "No evidence.", "sentences": ["No evidence.", said],
        "cells": cells, "runs": runs, "chosen": "epochs=20",
    }  # fmt: skip


@pytest.mark.parametrize("width", [360, 1440])
def test_what_a_study_advises_is_trained_by_a_button(open_page: OpenPage, width: int) -> None:
    page = open_page("/study", viewport={"width": width, "height": 800})

    def with_a_study(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "result": a_study()})

    asked: list[Any] = []

    def instead(route: Any) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(json={})

    page.route("**/api/study", with_a_study)
    page.route("**/api/train", instead)
    page.reload()
    expect(page.locator("#chart circle.mean")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    label = page.locator("#chart text.label").first
    assert (
        label.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a") > 9
    )
    page.get_by_role("button", name="Train with what it advises").press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    assert asked == [{"recipe": "teachable-machine", "settings": {"epochs": 20}}]
