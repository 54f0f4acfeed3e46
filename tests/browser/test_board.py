"""The board: the grid by keys, ten thousand photos, dropped folders, and who else works here."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mien.dataset.drawn import draw_dataset
from mien.studio.texts import load

SECONDS = 180

pytestmark = [pytest.mark.network, pytest.mark.slow]


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true; the pages' policy forbids what Playwright has for it."""
    began = time.monotonic()
    while not page.evaluate(expression):
        assert time.monotonic() - began < SECONDS, f"never true: {expression}"
        time.sleep(0.2)


def counts(page: Any) -> dict[str, int]:
    state = page.evaluate("fetch('/api/project').then((answer) => answer.json())")
    return {one["label"]: one["n"] for one in state["classes"]}


def name_class(page: Any, t: Mapping[str, str], label: str) -> None:
    """Type the name of the class that was just added."""
    field = page.get_by_label(t["collect.class_name"])
    field.wait_for()
    page.keyboard.type(label)
    page.keyboard.press("Enter")
    page.get_by_role("article", name=label, exact=True).wait_for()


def test_the_grid_is_driven_by_keys_and_every_step_is_undone(tmp_path: Path, world: Any) -> None:
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=6, seed=1, size_px=96)
    with world.running(root) as studio, world.opened(studio) as page:
        page.get_by_role("button", name="All photos of happy").click()
        page.locator("[role=gridcell] img").first.wait_for()
        page.locator("[role=gridcell]").first.focus()
        for key in ("Space", "ArrowRight", "Space"):
            page.keyboard.press(key)
        page.get_by_label("Move to …").select_option("sad")
        until(page, "document.querySelectorAll('[role=gridcell]').length === 4")
        assert counts(page) == {"happy": 4, "sad": 8}
        page.locator("[role=gridcell]").first.focus()
        page.keyboard.press("Delete")
        until(page, "document.querySelectorAll('[role=gridcell]').length === 3")
        for expected in (4, 6):
            page.get_by_role("dialog").get_by_role("button", name="Undo").first.click()
            until(page, f"document.querySelectorAll('[role=gridcell]').length === {expected}")
        page.get_by_text("Groups", exact=True).click()
        page.get_by_label("Column").fill("source")
        page.get_by_label("Values, with commas").fill("web, film")
        page.locator("[role=gridcell]").first.focus()
        page.keyboard.press("2")
        until(page, "document.querySelector('[role=gridcell]').title.includes('source film')")
    table = (root / "groups.csv").read_text()
    assert table.splitlines()[0].endswith(",source")
    assert table.count("film") == 1


def test_whoever_deletes_the_last_class_finds_the_way_back(tmp_path: Path, world: Any) -> None:
    with world.running(tmp_path / "photos") as studio, world.opened(studio) as page:
        asked: dict[str, Any] = {"method": "POST", "headers": {"Content-Type": "application/json"}}
        asked["body"] = json.dumps({"label": "happy"})
        page.evaluate("(asked) => fetch('/api/classes', asked)", asked)
        add = page.get_by_role("button", name="Add a class")
        add.dblclick()
        page.get_by_label("Name of the class").wait_for()
        assert counts(page) == {"happy": 0, "Class 2": 0}
        assert page.locator(".toast.bad").count() == 0
        page.keyboard.press("Escape")
        for left in (1, 0):
            page.locator(".menu summary").first.click()
            page.get_by_role("button", name="Delete the class").filter(visible=True).click()
            until(page, f"document.querySelectorAll('.class-card').length === {left}")
        for back in (1, 2):
            page.locator("#start-undo, #undo").filter(visible=True).click()
            until(page, f"document.querySelectorAll('.class-card').length === {back}")


def test_ten_thousand_photos_are_a_few_nodes(tmp_path: Path, world: Any) -> None:
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=1, seed=1, size_px=64)
    one = next((root / "happy").glob("*.jpg"))
    for i in range(9_999):
        (root / "happy" / f"copy-{i:05d}.jpg").hardlink_to(one)
    with world.running(root) as studio, world.opened(studio) as page:
        page.locator(".class-card .strip img").first.wait_for()
        page.get_by_role("button", name="All photos of happy").click()
        page.locator("[role=gridcell] img").first.wait_for()
        nodes = "document.querySelectorAll('.grid *').length"
        assert page.evaluate(nodes) < 300
        page.locator("[role=gridcell]").first.focus()
        page.keyboard.press("End")
        until(page, "document.activeElement.dataset.index === '9999'")
        assert page.evaluate(nodes) < 300
        assert page.locator(".grid").get_attribute("aria-rowcount") == str(-(-10_000 // 11))


def test_a_folder_is_dropped_and_broken_files_are_named(tmp_path: Path, world: Any) -> None:
    drawn = draw_dataset(
        tmp_path / "drawn", classes=("happy", "sad"), n_per_class=20, seed=1, size_px=64
    )
    for i in range(4):
        (drawn.train / "sad" / f"broken-{i}.jpg").write_bytes(b"" if i else b"no picture")
    root = tmp_path / "photos"
    with world.running(root) as studio, world.opened(studio) as page:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a folder").click()
        chooser.value.set_files(drawn.train)
        page.get_by_role("button", name="Which?").click()
        page.get_by_role("cell", name="is empty").first.wait_for()
        assert counts(page) == {"happy": 20, "sad": 20}
        assert page.evaluate("fetch('/api/project').then((a) => a.json())")["columns"] == [
            "skin",
            "gender",
            "person",
        ]
        # Beside every place for it, a drop must not open the photo over the studio.
        assert page.evaluate(
            """() => {
              const files = new DataTransfer();
              files.items.add(new File(["x"], "x.jpg"));
              const drop = { bubbles: true, cancelable: true, dataTransfer: files };
              const refused = (at) => !at.dispatchEvent(new DragEvent("dragover", drop));
              return refused(document.getElementById("train")) && refused(document.body);
            }"""
        )


def test_photos_dropped_beside_the_cards_are_said_to_be_in_a_class_that_can_be_renamed(
    tmp_path: Path, world: Any
) -> None:
    t = load("en")
    drop = """async ([place, name]) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
      canvas.getContext("2d").fillText(name, 9, 32);
      const blob = await new Promise((done) => canvas.toBlob(done));
      const files = new DataTransfer();
      files.items.add(new File([blob], `${name}.png`));
      const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
      document.querySelector(place).dispatchEvent(event);
    }"""
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=2, seed=1, size_px=96)
    with world.running(root) as studio, world.opened(studio) as page:
        page.get_by_role("article", name="sad").wait_for()
        told = page.locator(".toast", has_text=t["collect.loose"].partition("{")[0])
        page.evaluate(drop, [".class-card", "a"])  # on a card there is nothing to say
        page.get_by_text("1 photo stored").wait_for()
        assert (sum(counts(page).values()), told.count()) == (5, 0)
        page.evaluate(drop, ["#collect", "b"])
        told.wait_for()
        assert "“Class 1”" in told.inner_text()
        assert counts(page)["Class 1"] == 1
        told.get_by_role("button", name=t["collect.rename"]).click()
        name_class(page, t, "angry")
        assert counts(page)["angry"] == 1


def mien(*arguments: object, cwd: Path) -> None:
    """The command line, as somebody uses it beside the studio."""
    code = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
    home = {"MIEN_HOME": str(cwd / "mien-home")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    subprocess.run(command, cwd=cwd, check=True, env=os.environ | home)


def give(page: Any, label: str, column: str, value: str) -> None:
    """Give the first photo of a class a value, by keyboard, in a grid that is open."""
    page.get_by_text("Groups", exact=True).click()
    page.get_by_label("Column").fill(column)
    page.get_by_label("Values, with commas").fill(value)
    page.locator("[role=gridcell]").first.focus()
    page.keyboard.press("1")
    until(page, f"document.querySelector('[role=gridcell]').title.includes('{column} {value}')")


def test_two_tabs_and_the_command_line_see_the_same_and_lose_nothing(
    tmp_path: Path, world: Any
) -> None:
    root = tmp_path / "photos"
    drawn = draw_dataset(tmp_path / "drawn", classes=("happy", "sad"), n_per_class=6, seed=1,
                         test_per_class=2, size_px=160)  # fmt: skip
    shutil.copytree(drawn.train, root)
    (root / "groups.csv").unlink()
    with world.running(root) as studio, world.opened(studio) as one:
        other = one.context.new_page()
        world.complaints.of(other, studio.base)
        other.goto(studio.base)
        tabs = (one, other)
        # A class that one tab adds, a folder that somebody makes.
        one.get_by_role("button", name="Add a class").click()
        name_class(one, load("en"), "calm")
        (root / "by-hand").mkdir()
        for label in ("calm", "by-hand"):
            for page in tabs:
                page.get_by_role("article", name=label, exact=True).wait_for()
        # Both tabs have the same photo before them; each gives it another group.
        for page in tabs:
            page.get_by_role("button", name="All photos of happy").click()
            page.locator("[role=gridcell] img").first.wait_for()
        give(one, "happy", "skin", "brown")
        give(other, "happy", "light", "dim")
        for page in tabs:
            until(page, "document.querySelector('[role=gridcell]').title.includes('skin brown')")
            until(page, "document.querySelector('[role=gridcell]').title.includes('light dim')")
            page.keyboard.press("Escape")
        for _ in range(50):  # a busy machine may show what it is about to write
            text = (root / "groups.csv").read_text(encoding="utf-8")
            rows = list(csv.DictReader(text.splitlines()))
            if rows and "light" in rows[0]:
                break
            one.wait_for_timeout(200)
        assert [(row.get("skin"), row.get("light")) for row in rows] == [("brown", "dim")]
        drop = """(label) => fetch('/api/classes/delete', {method: 'POST',
            body: JSON.stringify({label}), headers: {'Content-Type': 'application/json'}})"""
        for label in ("calm", "by-hand"):
            one.evaluate(drop, label)
            other.get_by_role("article", name=label, exact=True).wait_for(state="detached")
        # A model that the command line trained, an exam that it took.
        mien("train", root, cwd=tmp_path)
        for page in tabs:
            page.locator("#try-body").wait_for()
        other.goto(f"{studio.base}/exam")
        other.wait_for_selector("#exam[aria-busy=false]")
        one.goto(f"{studio.base}/exam")
        one.locator("#by-path").click()
        one.keyboard.type(str(drawn.test))
        one.keyboard.press("Enter")
        for page in tabs:
            page.locator(".set .badge.good").wait_for()  # sealed
        (run,) = (tmp_path / "runs").iterdir()
        mien("test", run, "--photos", drawn.test, cwd=tmp_path)
        for page in tabs:
            page.locator(".set .badge.warn").wait_for()  # looked at
        one.locator("#take:enabled").click()
        one.locator("#result h2").wait_for()
        other.locator("#history-table tbody tr").wait_for()
        looks = other.evaluate("fetch('/api/exam').then((a) => a.json())")["sets"][0]["looks"]
        assert looks == 2
        journal = (root / ".mien" / "journal.jsonl").read_text().splitlines()
        assert all(json.loads(line) for line in journal)


def test_decisions_of_two_tabs_stand_side_by_side(tmp_path: Path, world: Any) -> None:
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=3, seed=1, size_px=64)
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("happy/*.*"))
    decide = """(body) => fetch('/api/audit/decide', {method: 'POST', body: JSON.stringify(body),
        headers: {'Content-Type': 'application/json'}}).then((answer) => answer.status)"""
    with world.running(root) as studio, world.opened(studio) as one:
        other = one.context.new_page()
        world.complaints.of(other, studio.base)
        for page in (one, other):
            page.goto(f"{studio.base}/audit")
            page.wait_for_selector("#audit[aria-busy=false]")
        keep = {"code": "M402", "photos": names[:1], "choice": "keep"}
        drop = {"code": "M402", "photos": names[1:2], "choice": "drop", "photo": names[1]}
        assert one.evaluate(decide, keep) == 200
        assert other.evaluate(decide, drop) == 200
        for page in (one, other):
            page.locator("#undo:enabled").wait_for()  # heard of without a reload
        # The undo of either tab takes back the latest decision, whoever made it.
        one.locator("#undo").click()
        until(
            other, "fetch('/api/audit').then((a) => a.json()).then((a) => a.decisions.length === 1)"
        )
        assert (root / names[1]).is_file()
