"""Does a kill -9 of the studio at a random moment lose a photo, a label, a group or a decision?

    MIEN_MIRROR=../shared/models python benchmarks/kill_studio.py [--kills 10] [--no-jobs]

Drives a real server over HTTP as its pages do: makes, renames and orders classes, uploads, moves,
deletes, gives groups, undoes, decides about findings, and, unless told not to, trains, takes an
exam and exports. A clock kills the server at random moments; it is started anew, and what is on
the disk must be what it would be without a kill: that of a second project to which the same was
done and whose server nobody killed. What was under way may be done or not done, never half: only
an upload may have stored some of its photos. What was under way is then asked again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from mien.dataset.drawn import draw_dataset, draw_face
from mien.studio.decisions import Decisions
from mien.studio.project import Project

Ask = tuple[str, dict[str, Any]]
PERSONS = ("one", "two", "three")


class Studio:
    """A server that can be killed and started again, and a client that redeemed its link."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.start()

    def start(self) -> None:
        code = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "studio", str(self.root), "--no-browser"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout
        link = self.process.stdout.readline().strip()
        base = link.partition("/enter")[0]
        self.client = httpx.Client(base_url=base, headers={"Origin": base}, timeout=120)
        self.client.get(link)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.client.close()
        assert self.process.stdout
        self.process.stdout.close()

    def ask(self, path: str, more: dict[str, Any]) -> Any:
        answer = self.client.post(path, **more)
        if answer.status_code != 200:
            raise AssertionError(f"{path} {more.get('json')}: {answer.text[:300]}")
        return answer.json()


class Killer(threading.Thread):
    """Kills the server again and again after a random time.

    That time may be longer the more often one step was killed: on a busy machine a step can take
    longer than `most`, and would never be done.
    """

    def __init__(self, studio: Studio, rng: random.Random, *, least: float, most: float) -> None:
        super().__init__(daemon=True)
        self.studio, self.rng, self.span = studio, rng, (least, most)
        self.patience = 1.0
        self.kills, self.on = 0, threading.Event()
        self.start()

    def run(self) -> None:
        while True:
            self.on.wait()
            least, most = self.span
            time.sleep(self.rng.uniform(least, most * self.patience))
            if self.on.is_set():
                self.on.clear()  # until the server is there again
                self.kills += 1
                os.kill(self.studio.process.pid, signal.SIGKILL)


def seen(root: Path) -> dict[str, Any]:
    """What a project holds, read from the disk without the studio's help where that is possible."""
    project = Project.open(root)
    listing = project.listing()
    photos = {
        item.name: hashlib.sha256(item.path.read_bytes()).hexdigest()
        for items in listing.photos.values()
        for item in items
    }
    decisions = [(one.key, one.choice, one.photo, one.label) for one in Decisions(project).all()]
    return {
        "classes": list(listing.classes),
        "photos": photos,
        "groups": {name: dict(row) for name, row in listing.table.groups.items() if row},
        "decisions": decisions,
    }


def everything(root: Path) -> set[str]:
    """Digests of all photos, those in the trash included: nothing is ever deleted."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.jpg")
            if "thumbnails" not in path.parts}  # fmt: skip


def picture(rng: random.Random, size_px: int) -> bytes:
    face = draw_face(
        np.random.default_rng(rng.randrange(2**31)), expression=rng.choice(("happy", "sad")),
        skin="brown", gender="woman", size_px=size_px,
    )  # fmt: skip
    file = io.BytesIO()
    Image.fromarray(face).save(file, "JPEG")
    return file.getvalue()


def journey(rng: random.Random, now: Callable[[], dict[str, Any]], size_px: int) -> Iterator[Ask]:
    """What a user does, for ever: each step knows the project as it is then."""
    n = 0
    for label in ("happy", "sad", "calm"):
        yield "/api/classes", {"json": {"label": label}}
    while True:
        n += 1
        state = now()
        names, classes = sorted(state["photos"]), state["classes"]
        some = rng.sample(names, min(len(names), 3))
        kind = rng.choice(("upload", "upload", "upload", "group", "group", "move", "delete",
                           "rename", "order", "keep", "drop", "shift", "add", "taken"))  # fmt: skip
        if kind == "upload" or len(names) < 8:
            files = [("files", (f"photo-{n}-{i}.jpg", picture(rng, size_px))) for i in range(5)]
            yield "/api/upload", {"data": {"label": rng.choice(classes)}, "files": files}
        elif kind == "group":
            value = {"names": some, "column": "person", "value": rng.choice(PERSONS)}
            yield "/api/groups", {"json": value}
        elif kind == "move":
            yield "/api/photos/move", {"json": {"names": some, "label": rng.choice(classes)}}
        elif kind == "delete":
            yield "/api/photos/delete", {"json": {"names": some[:1]}}
        elif kind == "rename":
            old = rng.choice(classes)
            yield "/api/classes/rename", {"json": {"label": old, "new": f"{old.split()[0]} {n}"}}
        elif kind == "order":
            yield "/api/classes/order", {"json": {"labels": rng.sample(classes, len(classes))}}
        elif kind == "add" and len(classes) < 6:
            yield "/api/classes", {"json": {"label": f"more {n}"}}
        elif kind in ("keep", "drop", "shift"):
            choice = {"keep": "keep", "drop": "drop", "shift": "move"}[kind]
            decision = {"code": "M402", "photos": some[:1], "choice": choice, "photo": some[0],
                        "label": rng.choice(classes) if kind == "shift" else None}  # fmt: skip
            yield "/api/audit/decide", {"json": decision}
        elif kind == "taken":
            # Undo takes back the step before it, so that both projects have the same one.
            yield "/api/photos/delete", {"json": {"names": some}}
            yield "/api/undo", {"json": {}}


def differs(studio: dict[str, Any], twin: dict[str, Any]) -> list[str]:
    return [key for key in twin if studio[key] != twin[key]]


class Trial:
    """A project under fire and its twin in peace."""

    def __init__(self, folder: Path, rng: random.Random, *, least: float, most: float) -> None:
        self.studio, self.twin = Studio(folder / "killed"), Studio(folder / "twin")
        self.killer = Killer(self.studio, rng, least=least, most=most)
        self.wrong: list[str] = []
        self.known: set[str] = set()
        self.jobs: set[str] = set()
        self.n_done, self.n_open = 0, 0

    def step(self, path: str, more: dict[str, Any]) -> None:
        """Do a step to both, through as many kills as it takes."""
        self.killer.patience = 1.0
        while True:
            try:
                self.killer.on.set()
                self.studio.ask(path, more)
                break
            except httpx.HTTPError:
                if self._made_good(path, more):
                    return
                self.killer.patience *= 1.5
        self.killer.on.clear()
        self.twin.ask(path, more)
        self._compare(path)
        self.n_done += 1

    def start_again(self) -> None:
        self.killer.on.clear()
        self.studio.stop()
        self.studio.start()

    def _made_good(self, path: str, more: dict[str, Any]) -> bool:
        """After a kill: whether the step that was under way is done already."""
        self.start_again()
        found, before = seen(self.studio.root), seen(self.twin.root)
        if path == "/api/upload":
            lost = before["photos"].items() - found["photos"].items()
            if lost or differs({**found, "photos": 0}, {**before, "photos": 0}):
                self.wrong.append(f"{path}: {lost or differs(found, before)}")
            return False
        if not differs(found, before):
            self.n_open += 1
            return False
        self.twin.ask(path, more)
        self._compare(f"{path}, under way when killed")
        self.n_done += 1
        return True

    def _compare(self, step: str) -> None:
        found, expected = seen(self.studio.root), seen(self.twin.root)
        for key in differs(found, expected):
            self.wrong.append(f"{step}: {key}: {found[key]} where it should be {expected[key]}")
        self.known |= set(expected["photos"].values())

    def work(self, path: str, asked: Callable[[], dict[str, Any]], verb: str) -> dict[str, Any]:
        """Long work: once it was answered, it comes to its end whatever happens to the server."""
        job: dict[str, Any] | None = None
        while True:
            try:
                self.killer.on.set()
                if job is None:
                    job = self.studio.ask(path, {"json": asked()})
                told = self.studio.client.get(f"/api/jobs/{job['id']}").json()["job"]
                if told["state"] != "running":
                    break
                time.sleep(0.2)
            except httpx.HTTPError:
                self.start_again()
                if job is None:
                    # Begun or not: begun it is the latest of its kind and was not there before.
                    latest = self.studio.client.get("/api/jobs/latest", params={"verb": verb})
                    found = latest.json()["job"]
                    job = found if found and found["id"] not in self.jobs else None
        self.killer.on.clear()
        self.jobs.add(told["id"])
        if told["state"] != "done":
            self.wrong.append(f"{verb}: {told['state']} {told.get('error', told.get('bug', ''))}")
        return told

    def end(self) -> None:
        lost = self.known - everything(self.studio.root)
        if lost:
            self.wrong.append(f"{len(lost)} photos are nowhere")
        self.studio.stop()
        self.twin.stop()


def try_steps(
    folder: Path, *, kills: int, n_steps: int, seed: int, least: float, most: float
) -> Trial:
    """Steps until so many are done and so many kills have happened, then ten more.

    Both are counted, as how many steps fit between two kills is the machine's matter.
    """
    rng = random.Random(seed)
    trial = Trial(folder, rng, least=least, most=most)
    steps = journey(rng, lambda: seen(trial.twin.root), 64)
    while trial.killer.kills < kills or trial.n_done < n_steps:
        trial.step(*next(steps))
    for _ in range(10):
        trial.step(*next(steps))
    trial.end()
    return trial


def try_journey(folder: Path, *, kills: int, seed: int) -> Trial:
    """The whole journey, long work included, again and again until so many kills have happened."""
    rng = random.Random(seed)
    draw_dataset(folder / "drawn", classes=("happy", "sad"), n_per_class=12, seed=1,
                 test_per_class=4, size_px=200)  # fmt: skip
    trial = Trial(folder, rng, least=0.05, most=4.0)
    for label in ("happy", "sad"):
        paths = sorted((folder / "drawn" / "train" / label).glob("*.jpg"))
        for start in range(0, len(paths), 5):
            files = [("files", (p.name, p.read_bytes())) for p in paths[start : start + 5]]
            trial.step("/api/upload", {"data": {"label": label}, "files": files})
    test = str(folder / "drawn" / "test")
    for n_exams in range(1, 100):
        train = trial.work("/api/train", dict, "train")
        run = Path(train["answer"]["run"]).name
        trial.step("/api/exam/folder", {"json": {"folder": test}})
        (set_id,) = [one["id"] for one in trial.studio.client.get("/api/exam").json()["sets"]]
        trial.work("/api/exam/take", lambda i=set_id, r=run: {"set": i, "run": r}, "exam")
        exams = trial.studio.client.get("/api/exam").json()["exams"]
        if len(exams) < n_exams:
            trial.wrong.append(f"{len(exams)} exams of {n_exams}")
        trial.work("/api/try/export", lambda r=run: {"run": r, "to": "onnx"}, "export")
        made = trial.studio.client.get("/api/try/exports", params={"run": run}).json()["made"]
        if "onnx" not in made:
            trial.wrong.append(f"the export of {run} is not there")
        trial.work("/api/audit/run", dict, "audit")
        names = sorted(seen(trial.twin.root)["photos"])
        for name in rng.sample(names, 4):
            decision = {"code": "M402", "photos": [name], "choice": "keep"}
            trial.step("/api/audit/decide", {"json": decision})
            value = {"names": [name], "column": "person", "value": rng.choice(PERSONS)}
            trial.step("/api/groups", {"json": value})
        if trial.killer.kills >= kills and n_exams > 1:
            break
    trial.end()
    return trial


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-jobs", action="store_true", help="only steps, no long work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        if options.no_jobs:
            trial = try_steps(Path(name), kills=options.kills, n_steps=20, seed=options.seed,
                              least=0.02, most=1.5)  # fmt: skip
        else:
            trial = try_journey(Path(name), kills=options.kills, seed=options.seed)
        print(f"{trial.n_done} steps, {trial.killer.kills} kills, {time.monotonic() - began:.0f} s")
        print("wrong:", "\n".join(trial.wrong) or "nothing")
    sys.exit(bool(trial.wrong))


if __name__ == "__main__":
    main()
