"""The journey of a user who knows Teachable Machine, in a real browser with a fake camera.

New project → record two classes → upload a third → train → try → exam → export → stop the server →
open it again: by mouse and by keyboard alone, in English and in Korean.
"""

from __future__ import annotations

import io
import os
import re
import signal
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.dataset.drawn import draw_dataset, draw_face
from mien.model import read_model
from mien.studio.texts import load
from mien.workflows.test import test as mien_test

pytestmark = [pytest.mark.network, pytest.mark.slow]

# Two of the four are enough for every day: each language and each way is in one of them.
WAYS: list[tuple[str, str]] = [("en", "mouse"), ("ko", "keyboard")]
if os.environ.get("MIEN_ALL_JOURNEYS"):
    WAYS += [("en", "keyboard"), ("ko", "mouse")]


def state(page: Any) -> Any:
    return page.evaluate("fetch('/api/project').then((answer) => answer.json())")


def counts(page: Any) -> dict[str, int]:
    return {one["label"]: one["n"] for one in state(page)["classes"]}


@pytest.mark.parametrize(("language", "by"), WAYS)
def test_from_an_empty_folder_to_an_export_and_back_after_a_restart(
    language: str, by: str, tmp_path: Path, world: Any
) -> None:
    t = load(language)
    labels = (t["start.first_class"], t["start.second_class"], "surprise")
    root = tmp_path / "photos"
    with world.running(root) as studio:
        with world.opened(studio, language=language) as page:
            hands = world.hands(page, by)
            record_two_classes(hands, t)
            upload_a_third(hands, t, tmp_path)
            before = counts(page)
            assert list(before) == list(labels)
            assert min(before.values()) >= 6
            train_and_try(hands, t, tmp_path)
            correct = take_an_exam(hands, t, test_photos(tmp_path, labels))
            run = page.evaluate("fetch('/api/try/models').then((a) => a.json())")["models"][0]["id"]
            took = mien_test(tmp_path / "runs" / run, photos=tmp_path / "photos-test")
            assert took.results[0].exam.correct == correct
            export(hands, t, tmp_path)
        studio.process.send_signal(signal.SIGINT)
        studio.process.wait(timeout=20)
    with world.running(root) as studio, world.opened(studio, language=language) as page:
        hands = world.hands(page, by)
        page.locator(".result .score").wait_for()
        assert counts(page) == before
        hands.open(page.locator("dialog.wide"), page.locator("#try-export"))
        page.locator("[data-format=onnx] a[download]").wait_for()
        hands.leave(page.locator("dialog.wide"))
        hands.press(page.get_by_role("link", name=t["nav.exam"], exact=True))
        page.locator("#result h2").wait_for()
        # One look by the page, one by the command line above.
        looks = page.evaluate("fetch('/api/exam').then((a) => a.json())")["sets"][0]["looks"]
        assert looks == 2
        hands.press(page.get_by_role("link", name=t["nav.board"], exact=True))
        hands.press(page.locator("#undo:enabled"))
        hands.until("!document.querySelector('[aria-label=surprise] .strip img')")
        assert counts(page)["surprise"] == 0


def record_two_classes(hands: Any, t: Mapping[str, str]) -> None:
    page = hands.page
    hands.press(page.get_by_role("button", name=t["start.camera"]))
    for number, key in enumerate(("start.first_class", "start.second_class")):
        card = page.get_by_role("article", name=t[key], exact=True)
        if number:
            hands.press(card.get_by_role("button", name=t["collect.camera"], exact=True))
        card.locator(".hold:enabled").wait_for()
        hands.hold(card.locator(".hold"))
        digits = "document.querySelector('.recorder .number').textContent.replace(/[^0-9]/g, '')"
        hands.until(f"Number({digits}) > 8")
        hands.let_go()
        card.locator(".strip img").nth(5).wait_for()
        hands.press(card.get_by_role("button", name=t["common.close"]))


def upload_a_third(hands: Any, t: Mapping[str, str], folder: Path) -> None:
    page = hands.page
    drawn = draw_dataset(folder / "drawn", classes=("surprise",), n_per_class=8, seed=1,
                         size_px=200)  # fmt: skip
    hands.press(page.get_by_role("button", name=t["collect.add_class"]))
    page.get_by_label(t["collect.class_name"]).wait_for()
    page.keyboard.type("surprise")
    page.keyboard.press("Enter")
    card = page.get_by_role("article", name="surprise", exact=True)
    third = sorted((drawn.train / "surprise").glob("*.jpg"))
    hands.choose(card.get_by_role("button", name=t["collect.files"], exact=True), third)
    hands.until("document.querySelectorAll('[aria-label=surprise] .strip img').length === 8")


def train_and_try(hands: Any, t: Mapping[str, str], folder: Path) -> None:
    page = hands.page
    hands.press(page.get_by_role("button", name=t["train.button"]))
    page.locator(".result .score").wait_for()
    assert not re.search(r"\b(false|null|undefined|NaN)\b", page.locator("main").inner_text())
    hands.choose(page.locator("#try-file"), a_face(folder))
    hands.until(
        "[...document.querySelectorAll('#try-bars .value')].some((e) => e.textContent !== '–')",
    )
    # The camera is answered, and lets itself be stopped.
    hands.press(page.locator("#try-camera"))
    hands.until("document.querySelector('#try-rate').textContent !== ''")
    hands.press(page.locator("#try-camera"))
    page.locator("#try-video").wait_for(state="hidden")


def test_photos(folder: Path, labels: tuple[str, ...]) -> Path:
    """A folder of test photos under the names that the classes have in this language."""
    drawn = draw_dataset(folder / "unseen", classes=("happy", "sad", "surprise"), n_per_class=2,
                         seed=5, size_px=200)  # fmt: skip
    for name, label in zip(("happy", "sad", "surprise"), labels, strict=True):
        (drawn.train / name).rename(drawn.train / label)
    (drawn.train / "groups.csv").unlink(missing_ok=True)
    return drawn.train


test_photos.__test__ = False  # type: ignore[attr-defined]


def take_an_exam(hands: Any, t: Mapping[str, str], photos: Path) -> int:
    """How many were right."""
    page = hands.page
    hands.press(page.get_by_role("link", name=t["nav.exam"], exact=True))
    page.wait_for_selector("#exam[aria-busy=false]")
    hands.choose(page.locator("#choose-photos"), photos)
    page.locator(".set").wait_for()
    hands.press(page.locator("#take:enabled"))
    page.locator("#result h2").wait_for()
    exams = page.evaluate("fetch('/api/exam').then((a) => a.json())")["exams"]
    assert exams[0]["n"] == 6
    return int(exams[0]["correct"])


def export(hands: Any, t: Mapping[str, str], folder: Path) -> None:
    page = hands.page
    hands.press(page.get_by_role("link", name=t["nav.board"], exact=True))
    hands.open(page.locator("dialog.wide"), page.locator("#try-export"))
    row = page.locator("[data-format=onnx]")
    hands.press(row.get_by_role("button"))
    link = row.locator("a[download]")
    link.wait_for()
    assert "onnxruntime" in row.locator(".quiet-list").inner_text()
    with page.expect_download() as download:
        hands.press(link)
    download.value.save_as(folder / "export.zip")
    with zipfile.ZipFile(folder / "export.zip") as archive:
        (folder / "taken.onnx").write_bytes(archive.read("model.onnx"))
    assert read_model(folder / "taken.onnx").labels[2] == "surprise"
    hands.leave(page.locator("dialog.wide"))


def a_face(folder: Path) -> Path:
    """A drawing in which either detector sees a face."""
    rng = np.random.default_rng(0)
    face = draw_face(rng, expression="happy", skin="brown", gender="woman", size_px=240)
    path = folder / "face.png"
    data = io.BytesIO()
    Image.fromarray(face).resize((480, 480)).save(data, "PNG")
    path.write_bytes(data.getvalue())
    return path
