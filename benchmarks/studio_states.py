"""The studio's pages in every state that a user meets: how to make a project, and how to get there.

Shared by `screenshots.py`, which takes pictures, and by the tests with axe-core. All faces are
drawn by code. A state is a page, and what is done there; it leaves the project as it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.dataset.drawn import EXPRESSIONS, Faults, draw_dataset, draw_face

CHROMIUM = os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
PATIENCE_MS = 240_000
FAULTS = Faults(copies=2, mirrored=2, reencoded=1, swapped_labels=4, blurred=2, dark=1, no_face=2,
                leaks=1, starve={"skin": "black", "gender": "woman"}, starve_to=2)  # fmt: skip


def draw_film(path: Path, *, expressions: Sequence[str] = tuple(EXPRESSIONS)) -> Path:
    """What the fake camera sees: a drawn face that changes its expression, as MJPEG."""
    frames = b""
    for expression in expressions:
        rng = np.random.default_rng(7)
        face = draw_face(rng, expression=expression, skin="white", gender="woman", size_px=480)
        frame = Image.new("RGB", (640, 480), (90, 95, 100))
        frame.paste(Image.fromarray(face), (80, 0))
        file = BytesIO()
        frame.save(file, "JPEG", quality=88)
        frames += file.getvalue() * 15
    path.write_bytes(frames)
    return path


@contextmanager
def studio(root: Path) -> Iterator[str]:
    """A running studio; gives the link that opens it."""
    command = [sys.executable, "-c", "from mien.cli import main; main()", "studio", str(root)]
    process = subprocess.Popen(
        [*command, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def draw_project(
    folder: Path, *, n_per_class: int = 24, test_per_class: int = 18, size_px: int = 256
) -> Path:
    """Draw photos with faults to be found, and test photos of other people beside them."""
    drawn = draw_dataset(folder / "drawn", n_per_class=n_per_class, test_per_class=test_per_class,
                         seed=0, size_px=size_px, faults=FAULTS)  # fmt: skip
    assert drawn.photos
    (folder / "drawn" / "train").rename(folder / "faces")
    (folder / "drawn" / "test").rename(folder / "other-people")
    return folder / "faces"


def call(page: Any, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the studio as its own pages do."""
    return page.evaluate(
        """async ([path, body]) => {
          const answer = await fetch(path, body === null ? {} : {method: "POST",
            headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
          if (!answer.ok) throw new Error(path + ": " + await answer.text());
          return answer.json();
        }""",
        [path, body],
    )


def job(page: Any, path: str, body: dict[str, Any]) -> Any:
    """Start long work and wait for its end."""
    number = call(page, path, body)["id"]
    while (record := call(page, f"/api/jobs/{number}")["job"])["state"] == "running":
        page.wait_for_timeout(150)
    assert record["state"] == "done", record
    return record["answer"]


def fill_project(page: Any, root: Path, *, epochs: Sequence[int] = (20, 50, 100)) -> None:
    """Train two models, audit, take two exams, run a study: what the pages then show."""
    curves = {"epochs": epochs[-1], "learning_rate": 0.001}
    body = {"recipe": "teachable-machine", "seeds": 3, "settings": curves}
    job(page, "/api/train", body)
    job(page, "/api/train", {"recipe": "expression"})
    test_set = call(page, "/api/exam/folder", {"folder": str(root.parent / "other-people")})["id"]
    for model in reversed(call(page, "/api/exam")["models"]):
        job(page, "/api/exam/take", {"set": test_set, "run": model["id"]})
    job(page, "/api/audit/run", {"set": test_set})
    vary = {"epochs": [str(n) for n in epochs], "learning_rate": ["0.0005", "0.001"]}
    # Out of fold: a test photo that leaked into the training photos, as here, is refused.
    body = {"recipe": "teachable-machine", "vary": vary, "seeds": 4, "set": None}
    job(page, "/api/study/run", body)


def broken_words(page: Any) -> list[str]:
    """The words of buttons, headings, badges and labels that are broken between two lines.

    Names of files, and what has a hyphen, may be.
    """
    return page.evaluate(
        """() => {
          const found = [];
          const told = "button, .button, th, h1, h2, h3, .badge, label";
          for (const node of document.querySelectorAll(told)) {
            if (!node.checkVisibility({ visibilityProperty: true })) continue;
            const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
              const text = texts.currentNode;
              for (const { 0: word, index } of text.data.matchAll(/[^\\s\\u2060/._-]+/g)) {
                const range = document.createRange();
                range.setStart(text, index);
                range.setEnd(text, index + word.length);
                const tops = [...range.getClientRects()].map((one) => one.top);
                const upright = getComputedStyle(node).writingMode === "horizontal-tb";
                if (upright && Math.max(...tops) - Math.min(...tops) > 4)
                  found.push(`“${word}” is broken in “${text.data.trim()}”`);
              }
            }
          }
          return found;
        }"""
    )


@dataclass(frozen=True)
class State:
    """A page in a state.

    Attributes:
        path: Of the page.
        act: Brings the page into the state.
        after: Brings the project back to what it was.
        whole: Whether a picture shows the whole page or the window only.
    """

    path: str
    act: Callable[[Any], None]
    after: Callable[[Any], object] = id
    whole: bool = True


def settled(page: Any) -> None:
    """Everything that the page asked for is there, and the pictures in sight are drawn."""
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.evaluate(
        """async () => {
          // In sight is what a click would hit: those that are clipped and lazy are never loaded.
          const missing = () => [...document.images].some((one) => {
            const { left, top, width, height } = one.getBoundingClientRect();
            const there = document.elementFromPoint(left + width / 2, top + height / 2);
            return width && there === one && !one.complete;
          });
          for (let k = 0; missing() && k < 500; k += 1) {
            await new Promise((next) => setTimeout(next, 40));
          }
          if (missing()) throw new Error("a picture in sight is not drawn after 20 seconds");
        }"""
    )


def first_run(page: Any) -> None:
    page.locator("#start:not([hidden])").wait_for()
    settled(page)


def bare_board(page: Any) -> None:
    page.locator(".strip img").first.wait_for()
    settled(page)


def board(page: Any) -> None:
    page.locator(".strip img").first.wait_for()
    page.locator("#try-body:not([hidden])").wait_for()
    page.locator(".result .score").wait_for()
    settled(page)


def menu(page: Any) -> None:
    board(page)
    page.locator(".menu summary").first.click()


def advanced(page: Any) -> None:
    board(page)
    page.locator("#train-advanced summary").click()


def rename(page: Any) -> None:
    board(page)
    page.locator(".class-head .name").first.click()


def hood(page: Any) -> None:
    board(page)
    page.locator(".hood-button").click()


def record(page: Any) -> None:
    board(page)
    page.locator(".class-card button svg").first.click()
    page.locator(".hold:enabled").wait_for()
    page.wait_for_timeout(600)


def grid(page: Any) -> None:
    board(page)
    page.locator(".strip").first.click()
    page.locator("[role=gridcell] img").first.wait_for()
    page.locator("[role=gridcell]").nth(2).click()
    page.locator("[role=gridcell]").nth(4).click()


def grid_groups(page: Any) -> None:
    grid(page)
    page.locator(".groups summary").click()


def large(page: Any) -> None:
    grid(page)
    page.keyboard.press("Enter")
    page.locator(".large-photo img").wait_for()


def begin_training(page: Any) -> None:
    """One that is still under way when it is looked at."""
    call(page, "/api/train", {"recipe": "teachable-machine", "seeds": 5,
                              "settings": {"epochs": 5000}})  # fmt: skip
    page.reload()


def training(page: Any) -> None:
    begin_training(page)
    page.locator("#train-progress .curves").first.wait_for()


def stop(verb: str) -> Callable[[Any], None]:
    def work(page: Any) -> None:
        number = call(page, f"/api/jobs/latest?verb={verb}")["job"]["id"]
        call(page, f"/api/jobs/{number}/cancel", {})

    return work


def cancelled(page: Any) -> None:
    latest = call(page, "/api/jobs/latest?verb=train")["job"]
    if latest["state"] != "cancelled":
        begin_training(page)
        page.locator("#train-progress button").click()
    page.locator("#train-result .note").wait_for()


def train_again(page: Any) -> None:
    """The board shows the latest training: most states want a finished one there."""
    job(page, "/api/train", {"recipe": "expression"})


def camera(page: Any) -> None:
    board(page)
    page.click("#try-camera")
    page.locator("#try-rate:not(:empty)").wait_for()
    page.locator("#try-overlay rect").wait_for()
    page.wait_for_timeout(1500)  # the bars are smoothed: they come to rest


def picture(page: Any) -> None:
    board(page)
    name = call(page, "/api/photos?label=happy&last=1")["photos"][0][0]
    drop(page, f"/api/photo?name={name}")
    page.locator("#try-bars .likeliest").wait_for()


def no_face(page: Any) -> None:
    board(page)
    drop(page, None)
    page.locator("#try-say:not([hidden])").wait_for()


def drop(page: Any, address: str | None) -> None:
    """Choose a picture of the studio's own, or a plain green one, in the panel Try."""
    page.evaluate(
        """async (address) => {
          const canvas = new OffscreenCanvas(200, 200);
          const context = canvas.getContext("2d");
          context.fillStyle = "#4c7a3f"; context.fillRect(0, 0, 200, 200);
          const blob = address ? await (await fetch(address)).blob() : await canvas.convertToBlob();
          const files = new DataTransfer();
          files.items.add(new File([blob], "picture.jpg", {type: blob.type}));
          const input = document.getElementById("try-input");
          input.files = files.files; input.dispatchEvent(new Event("change"));
        }""",
        address,
    )


def export(page: Any) -> None:
    board(page)
    page.click("#try-export")
    page.locator(".formats").wait_for()
    page.locator("[data-format=tfjs] > button").click()
    page.locator("[data-format=tfjs] .quiet-list").wait_for()


def rejects(page: Any) -> None:
    board(page)
    page.evaluate(
        """async () => {
          const upload = await import("/static/upload.js");
          const file = (name, text) => ({file: new File([text], name), path: name});
          await upload.send([file("empty.jpg", ""), file("letter.pdf", "%PDF-1.7")], "happy");
        }"""
    )
    page.locator(".toast button").click()
    page.locator("dialog table").wait_for()


def refused(page: Any) -> None:
    """An error of the server in a message."""
    rename(page)
    field = page.locator(".class-head input")
    field.fill("sad")
    field.press("Enter")
    page.locator(".toast.bad").wait_for()


def silent(page: Any) -> None:
    """The server does not answer."""
    board(page)
    page.context.set_offline(True)
    page.locator(".toast.bad").wait_for()


def queue(page: Any) -> None:
    settled(page)
    page.locator("#queue").scroll_into_view_if_needed()
    page.locator("#queue img").first.wait_for()


def auditing(page: Any) -> None:
    settled(page)
    page.click("#run")
    page.locator("#progress-box:not([hidden])").wait_for()


def exam(page: Any) -> None:
    page.locator("#result h2").wait_for()
    settled(page)


def exam_cell(page: Any) -> None:
    exam(page)
    page.locator(".confusion button.wrong, .confusion button.right").first.click()
    page.locator("#cell-photos img").first.wait_for()
    settled(page)


def exam_compare(page: Any) -> None:
    exam(page)
    for box in page.locator("#history-table input[type=checkbox]").all()[:2]:
        box.check()
    page.locator("#comparison .note").wait_for()
    page.locator("#comparison").scroll_into_view_if_needed()


def exam_freeze(page: Any) -> None:
    settled(page)
    page.click("#freeze")
    page.locator("dialog[open]").wait_for()


def exam_folder(page: Any) -> None:
    settled(page)
    page.click("#by-path")
    page.locator("dialog[open]").wait_for()


def study(page: Any) -> None:
    page.locator("#chart svg").wait_for()
    settled(page)


def studying(page: Any) -> None:
    study(page)
    call(page, "/api/study/run", {"recipe": "teachable-machine", "seeds": 50,
                                  "vary": {"epochs": ["4000", "5000"]}})  # fmt: skip
    page.reload()
    page.locator("#progress-box:not([hidden])").wait_for()
    page.wait_for_timeout(1500)


# Of a project in which everything was done once.
STATES: dict[str, State] = {
    "board": State("/", board),
    "menu": State("/", menu, whole=False),
    "rename": State("/", rename, whole=False),
    "advanced": State("/", advanced),
    "record": State("/", record),
    "grid": State("/", grid, whole=False),
    "grid-groups": State("/", grid_groups, whole=False),
    "large": State("/", large, whole=False),
    "hood": State("/", hood, whole=False),
    "camera": State("/", camera),
    "picture": State("/", picture),
    "no-face": State("/", no_face),
    "export": State("/", export, whole=False),
    "rejects": State("/", rejects, whole=False),
    "refused": State("/", refused, whole=False),
    "silent": State("/", silent, after=lambda page: page.context.set_offline(False), whole=False),
    "audit": State("/audit", settled),
    "queue": State("/audit", queue, whole=False),
    "exam": State("/exam", exam),
    "exam-cell": State("/exam", exam_cell),
    "exam-compare": State("/exam", exam_compare, whole=False),
    "exam-freeze": State("/exam", exam_freeze, whole=False),
    "exam-folder": State("/exam", exam_folder, whole=False),
    "study": State("/study", study),
    "about": State("/about", settled),
    # Last, and in this order: they leave work behind that was cancelled.
    "auditing": State("/audit", auditing, after=stop("audit")),
    "studying": State("/study", studying, after=stop("study")),
    "training": State("/", training, after=stop("train")),
    "cancelled": State("/", cancelled),
}
# Of a project with photos in which nothing was done yet.
BARE: dict[str, State] = {
    "bare-board": State("/", bare_board),
    "bare-audit": State("/audit", settled),
    "bare-exam": State("/exam", settled),
    "bare-study": State("/study", settled),
}
# Of an empty folder.
EMPTY: dict[str, State] = {"start": State("/", first_run)}
