"""The sorting page in a real browser: one key a photo, undo, and what it leaves on disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.collecting.ledger import SourceLine, read_sources, write_sources
from mien.dataset.drawn import draw_face
from mien.dataset.drawn.faults import encode_jpeg
from mien.digest import digest_file

pytestmark = [pytest.mark.network, pytest.mark.slow]
GUESSES = ("angry", "happy", "sad", "surprise")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / ".inbox").mkdir(parents=True)
    lines = []
    for i, label in enumerate(GUESSES):
        (root / label).mkdir()
        face = draw_face(
            np.random.default_rng(i), expression=label, skin="brown", gender="woman", size_px=128
        )
        path = root / ".inbox" / f"openverse-{i}.jpg"
        path.write_bytes(encode_jpeg(face, quality=88))
        lines.append(
            SourceLine(
                path=f".inbox/{path.name}", sha256=digest_file(path), source="openverse", url="",
                title="<b>Portrait</b>", label=label, groups="gender=woman", state="undecided",
            )
        )  # fmt: skip
    write_sources(root, lines)
    return root


@contextmanager
def sorting(folder: Path, home: Path) -> Iterator[str]:
    """`mien sort` of a folder, running; its link."""
    code = "from mien.cli import main; main()"
    command = [sys.executable, "-c", code, "sort", str(folder / ".inbox"), "--no-browser"]
    env = os.environ | {"PYTHONUNBUFFERED": "1", "MIEN_HOME": str(home)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_four_photos_are_decided_with_five_keys(
    folder: Path, chromium: Any, complaints: Any, tmp_path: Path
) -> None:
    with sorting(folder, tmp_path / "home") as link:
        page = chromium.new_page(locale="en-GB")
        complaints.of(page, link.partition("/enter")[0])
        page.goto(link)
        page.wait_for_selector("#classes button")
        assert "<b>Portrait</b>" in page.inner_text("#about")
        assert page.inner_text("#classes button.guess").endswith("angry")
        page.keyboard.press("2")  # not angry: happy, the first of the rest
        page.keyboard.press("Backspace")
        assert page.inner_text("#left") == "4 to decide"
        page.keyboard.press("1")
        page.keyboard.press("x")
        page.keyboard.press("ArrowRight")
        page.fill("input[name=gender]", "man")
        page.locator("#classes button").first.click()
        with page.expect_response("**/api/decision"):
            page.keyboard.press("1")
        page.locator("#left").filter(has_text=re.compile("^Nothing")).wait_for()
        assert not page.is_visible("#undo")  # the last one was sent: nothing can be undone
        page.wait_for_timeout(500)
        page.close()
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.jpg")}
    assert there == {"angry/openverse-0.jpg", "surprise/openverse-3.jpg", "sad/openverse-2.jpg"}
    groups = {line.path: line.groups for line in read_sources(folder)}
    assert groups["surprise/openverse-3.jpg"] == "gender=man"


def assert_a_lost_decision_is_asked_again(page: Any, link: str) -> None:
    """The server is gone: what was decided is said to be lost and comes once more."""
    page.goto(link)
    page.locator("#left").filter(has_text="4장 남음").wait_for()
    page.route("**/api/decision", lambda route: route.abort())
    page.keyboard.press("x")
    page.locator("#undo").filter(has_text="“버림” 되돌리기").wait_for()
    page.keyboard.press("x")
    page.locator("#error").filter(has_text="서버가 응답하지 않습니다").wait_for()
    assert page.inner_text("#left") == "3장 남음"
    page.keyboard.press("Backspace")
    page.unroute("**/api/decision")


def test_a_class_that_is_not_there_yet_can_be_named_on_a_korean_page(
    folder: Path, chromium: Any, complaints: Any, tmp_path: Path
) -> None:
    for label in GUESSES:
        (folder / label).rmdir()
    lines = [replace(line, label="", groups="") for line in read_sources(folder)]
    write_sources(folder, lines)
    with sorting(folder, tmp_path / "home") as link:
        page = chromium.new_page(locale="ko-KR", viewport={"width": 360, "height": 740})
        assert_a_lost_decision_is_asked_again(page, link)
        complaints.of(page, link.partition("/enter")[0])
        page.reload()
        page.locator("#left").filter(has_text="4장 남음").wait_for()
        assert page.evaluate("document.documentElement.lang") == "ko"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.fill("#new", "기쁨")
        page.keyboard.press("Enter")
        with page.expect_response("**/api/decision"):
            page.keyboard.press("1")  # the new class is a key now
        page.locator("#left").filter(has_text="2장 남음").wait_for()
        page.close()
    assert len(list((folder / "기쁨").glob("*.jpg"))) >= 1
