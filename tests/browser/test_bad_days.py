"""Bad days: no camera, space or server, odd files: a sentence says what to do, nothing is lost."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.dataset.drawn import draw_dataset
from mien.studio.texts import load
from mien.studio.texts import say as fill

pytestmark = [pytest.mark.network, pytest.mark.slow]

T = load("en")
# A disk that is full because a file says so: everything that must reach it is refused.
FULL = """
import errno, os, sys
from mien.cli import main
real = os.fsync
def fsync(descriptor):
    if os.path.exists(os.environ["MIEN_FULL"]):
        raise OSError(errno.ENOSPC, "No space left on device")
    real(descriptor)
os.fsync = fsync
sys.exit(main(sys.argv[1:]))
"""

# What Chromium says of a server that is gone, or goes in the middle of an answer.
OF_A_DEAD_SERVER = (
    "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET",
    "ERR_CONTENT_LENGTH_MISMATCH", "ERR_INCOMPLETE_CHUNKED_ENCODING",
)  # fmt: skip


def digests(folder: Path) -> list[str]:
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.jpg")
        if ".mien" not in path.parts
    )


def n_stored(root: Path) -> int:
    return len(digests(root))


def say(page: Any, words: str) -> None:
    page.get_by_text(words).first.wait_for()


def test_a_camera_that_the_user_denies_is_said(tmp_path: Path, world: Any) -> None:
    with (
        world.running(tmp_path / "photos") as studio,
        world.other_browser("--use-fake-device-for-media-stream") as other,
        other.opened(studio) as page,
    ):
        other.permit(page, "denied")
        page.get_by_role("button", name=T["start.camera"]).click()
        say(page, T["camera.denied"])
        # Allowed in the address bar and opened again, as the sentence says.
        other.permit(page, "granted")
        card = page.get_by_role("article", name=T["start.first_class"], exact=True)
        card.get_by_role("button", name=T["common.close"]).click()
        card.get_by_role("button", name=T["collect.camera"], exact=True).click()
        card.locator(".hold:enabled").wait_for()


def test_a_machine_without_a_camera_is_said(tmp_path: Path, world: Any) -> None:
    with (
        world.running(tmp_path / "photos") as studio,
        world.other_browser("--use-fake-ui-for-media-stream") as other,
        other.opened(studio) as page,
    ):
        page.get_by_role("button", name=T["start.camera"]).click()
        say(page, T["camera.none"])
        page.get_by_role("button", name=T["collect.add_class"]).click()
        page.get_by_label(T["collect.class_name"]).wait_for()


def test_a_camera_that_is_taken_away_while_it_records_is_said_and_what_it_took_is_stored(
    tmp_path: Path, world: Any
) -> None:
    root = tmp_path / "photos"
    with world.running(root) as studio, world.opened(studio) as page:
        hands = world.hands(page, "mouse")
        page.get_by_role("button", name=T["start.camera"]).click()
        page.locator(".hold:enabled").wait_for()
        hands.hold(page.locator(".hold"))
        taken = "Number(document.querySelector('.recorder .number').textContent.match(/\\d+/)?.[0])"
        hands.until(f"{taken} >= 5")
        world.permit(page, "denied")
        say(page, T["camera.gone"])
        hands.let_go()
        n = page.evaluate(taken)
        deadline = time.monotonic() + 30
        while n_stored(root) < n and time.monotonic() < deadline:
            time.sleep(0.1)
        assert n_stored(root) == n


def test_frames_that_a_killed_server_did_not_store_are_kept_and_stored_by_the_next(
    tmp_path: Path, world: Any
) -> None:
    root = tmp_path / "photos"
    world.complaints.allow(*OF_A_DEAD_SERVER)
    world.complaints.expected.add(401)  # the new server does not know the old one's cookie
    with world.running(root) as studio, world.opened(studio) as page:
        hands = world.hands(page, "mouse")
        page.get_by_role("button", name=T["start.camera"]).click()
        page.locator(".hold:enabled").wait_for()
        hands.hold(page.locator(".hold"))
        hands.until("/\\d/.test(document.querySelector('.recorder .number').textContent)")
        studio.process.kill()
        waiting = T["camera.waiting"].partition("{")[0]
        say(page, waiting)
        hands.let_go()
        say(page, T["error.no_answer"])
        before = n_stored(root)
        with world.running(root) as again:
            assert again.base == studio.base, "the studio did not take its last port again"
            door = page.context.new_page()
            door.goto(again.link)
            page.bring_to_front()
            page.locator(".recorder .number").filter(has_text=re.compile("^Recorded")).wait_for()
            n = int(re.sub(r"\D", "", page.locator(".recorder .number").inner_text()))
            assert n_stored(root) == n > before


def can_mount() -> bool:
    """Whether a small disk of its own can be had here."""
    return os.name == "posix" and hasattr(os, "geteuid") and os.geteuid() == 0 and bool(
        shutil.which("mount") and shutil.which("unshare")
        and subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                           capture_output=True, check=False).returncode == 0
    )  # fmt: skip


class Refused:
    """A disk that is full while a file is there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "photos"
        self.flag = folder / "full"
        self.code = FULL
        self.env = {"MIEN_FULL": str(self.flag)}

    def fill(self) -> None:
        self.flag.touch()

    def free(self) -> None:
        self.flag.unlink()

    def close(self) -> None:
        return


class Small:
    """A disk of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.root = self.disk / "photos"
        self.code = None
        self.env: dict[str, str] = {}
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.disk], check=True)

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.disk / "ballast").open("wb") as file:
            while file.write(bytes(4096)):
                file.flush()

    def free(self) -> None:
        (self.disk / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.disk], check=True)


DISKS = [Refused, *([Small] if can_mount() else [])]


@pytest.fixture(params=DISKS, ids=lambda kind: kind.__name__.lower())
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = request.param(tmp_path)
    yield made
    made.close()


def test_a_full_disk_is_said_at_every_step_and_nothing_is_lost_or_half_done(
    disk: Any, tmp_path: Path, world: Any
) -> None:
    world.complaints.expected.add(400)
    drawn = draw_dataset(tmp_path / "drawn", classes=("happy", "sad"), n_per_class=8, seed=1,
                         size_px=200)  # fmt: skip
    happy, sad = (sorted((drawn.train / name).glob("*.jpg")) for name in ("happy", "sad"))
    full = T["error.disk_full"]
    with (
        world.running(disk.root, code=disk.code, env=disk.env) as studio,
        world.opened(studio) as page,
    ):
        hands = world.hands(page, "mouse")
        page.get_by_role("button", name=T["start.camera"]).click()
        first = page.get_by_role("article", name=T["start.first_class"], exact=True)
        second = page.get_by_role("article", name=T["start.second_class"], exact=True)
        files = T["collect.files"]
        hands.choose(first.get_by_role("button", name=files, exact=True), happy)
        first.locator(".strip img").nth(7).wait_for()
        disk.fill()
        hands.choose(second.get_by_role("button", name=files, exact=True), sad)
        say(page, full)
        assert set(digests(disk.root)) <= set(digests(drawn.train))
        # Frames of the camera are kept until there is space again.
        first.locator(".hold:enabled").wait_for()
        hands.hold(first.locator(".hold"))
        say(page, T["camera.waiting"].partition("{")[0])
        hands.let_go()
        stored = n_stored(disk.root)
        disk.free()
        first.locator(".recorder .number").filter(has_text=re.compile("^Recorded")).wait_for()
        n = int(re.sub(r"\D", "", first.locator(".recorder .number").inner_text()))
        hands.choose(second.get_by_role("button", name=files, exact=True), sad)
        second.locator(".strip img").nth(7).wait_for()
        assert n_stored(disk.root) == 8 + 8 + n
        assert stored >= 8
        assert set(digests(drawn.train)) < set(digests(disk.root))


def test_a_server_that_is_gone_is_said_once(tmp_path: Path, world: Any) -> None:
    world.complaints.allow(*OF_A_DEAD_SERVER)
    drawn = draw_dataset(tmp_path / "drawn", classes=("happy",), n_per_class=3, seed=1,
                         size_px=64)  # fmt: skip
    with world.running(tmp_path / "photos") as studio, world.opened(studio) as page:
        page.get_by_role("button", name=T["start.camera"]).wait_for()
        studio.process.kill()
        say(page, T["error.no_answer"])
        page.wait_for_timeout(3500)
        assert page.get_by_text(T["error.no_answer"]).count() == 1
        # What is dropped meanwhile is not pretended to be stored.
        button = page.get_by_role("button", name=T["start.choose_folder"])
        world.hands(page, "mouse").choose(button, drawn.train)
        page.get_by_text(fill("en", "collect.stored", n=0)).wait_for()


def test_an_empty_file_and_one_of_200_megabytes_get_a_sentence_each(
    tmp_path: Path, world: Any
) -> None:
    drawn = draw_dataset(tmp_path / "drawn", classes=("happy",), n_per_class=3, seed=1,
                         size_px=64)  # fmt: skip
    (drawn.train / "happy" / "empty.jpg").touch()
    with (drawn.train / "happy" / "huge.jpg").open("wb") as file:
        file.truncate(200_000_000)
    root = tmp_path / "photos"
    with world.running(root) as studio, world.opened(studio) as page:
        button = page.get_by_role("button", name=T["start.choose_folder"])
        world.hands(page, "mouse").choose(button, drawn.train)
        page.get_by_role("button", name=T["collect.show_rejects"]).click()
        for name, words in (("empty.jpg", "is empty"), ("huge.jpg", "not a picture")):
            row = page.get_by_role("row").filter(has_text=name)
            assert words in row.inner_text()
    assert n_stored(root) == 3


def test_of_three_thousand_files_the_broken_tenth_is_named_and_the_rest_is_there(
    tmp_path: Path, world: Any
) -> None:
    drawn = draw_dataset(tmp_path / "drawn", classes=("happy", "sad"), n_per_class=4, seed=1,
                         size_px=64)  # fmt: skip
    source = [path.read_bytes() for path in sorted(drawn.train.glob("*/*.jpg"))]
    folder = tmp_path / "many"
    n, n_broken = 3000, 0
    for i in range(n):
        path = folder / ("happy", "sad")[i % 2] / f"{i:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = source[i % len(source)]
        if i % 10 == 0:
            n_broken += 1
            data = (b"", data[: len(data) // 2], b"a text, no picture")[i // 10 % 3]
        else:
            data += f"<{i}>".encode()  # its own bytes, as every photo has
        path.write_bytes(data)
    root = tmp_path / "photos"
    with world.running(root) as studio, world.opened(studio) as page:
        began = time.monotonic()
        button = page.get_by_role("button", name=T["start.choose_folder"])
        world.hands(page, "mouse").choose(button, folder)
        page.get_by_role("button", name=T["collect.show_rejects"]).click()
        sys.stdout.write(f"3,000 files: {time.monotonic() - began:.1f} s\n")
        for words in ("is empty", "not a picture"):
            page.get_by_role("cell", name=re.compile(words)).first.wait_for()
        more = T["collect.more_rejects"].replace("{n}", str(n_broken - 200))
        page.get_by_text(more).wait_for()
    assert n_stored(root) == n - n_broken
