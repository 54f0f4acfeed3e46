"""Does a kill -9 at a random moment lose or double anything that was being collected?

    python benchmarks/kill_collect.py [--kills 20] [--n 2000]

The whole path: faces looked for, copies refused, pictures looked over in a process. Starts the same
collection again and again and kills it a random time after its first new picture, before or after
that process began to answer; then lets it finish: no photo lost or twice, each with a line in the
ledger, no half file, every URL in the journal once, as after a run without a kill, and no process
left behind.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from collect import catalogue, drawn, serve

from mien.collecting import Browser, Collector, Manners, Patience, Search, Settings
from mien.collecting.journal import INBOX, JOURNAL_NAME, read_journal
from mien.collecting.ledger import read_sources
from mien.digest import digest_file
from mien.face import default_detector, load_face_finder
from mien.image.decode import decode

DETECTOR = default_detector()
# So many a second: a kill comes before the process can answer, or while it does.
PER_SECOND = 60.0
LONGEST_S = 2.5


@dataclass(frozen=True, kw_only=True)
class Running:
    """A collection that runs in a process of its own.

    Attributes:
        process: It.
        looker: The number of the process that looks pictures over; 0 before there is one.
        answering: Whether that one has begun to answer.
    """

    process: BaseProcess
    looker: Synchronized[int]
    answering: Synchronized[int]


def collect(
    into: Path, urls: Path, n: int, looker: Synchronized[int], answering: Synchronized[int]
) -> None:
    patience = Patience(read_s=1.5, total_s=10)
    browser = Browser(allow_local=True, patience=patience, connections=8)
    settings = Settings(
        manners=Manners(at_once=8, per_second=PER_SECOND, tries=2),
        workers=8,
        find_faces=load_face_finder(DETECTOR).glance,
        detector=DETECTOR,
        processes=1,
    )
    with Collector(into, settings=settings, browser=browser) as collector:
        watch = threading.Thread(target=tell, args=(collector, looker, answering), daemon=True)
        watch.start()
        collector.run(Search(source="urls", query=str(urls)), limit=n)


def tell(collector: Collector, looker: Synchronized[int], answering: Synchronized[int]) -> None:
    """Say what becomes of the process that looks pictures over."""
    while not answering.value:
        for one in collector._judge._looker._processes:
            looker.value, answering.value = one.pid, one.can_answer
        time.sleep(0.005)


def start(into: Path, urls: Path, n: int) -> Running:
    # Forked, so that a run costs no imports: they were most of the time, and no kill is for them.
    looker, answering = multiprocessing.Value("i"), multiprocessing.Value("i")
    process = multiprocessing.get_context("fork").Process(
        target=collect, args=(into, urls, n, looker, answering)
    )
    process.start()
    return Running(process=process, looker=looker, answering=answering)


def n_lines(into: Path) -> int:
    try:
        return (into / INBOX / JOURNAL_NAME).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def kill_in_the_work(running: Running, into: Path, *, rng: random.Random) -> bool:
    """Kill at a random moment after the first new line; whether it was in time."""
    process, before = running.process, n_lines(into)
    while process.is_alive() and n_lines(into) == before:
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, LONGEST_S))
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def outlives(running: Running) -> bool:
    """Whether the looking process is there two seconds after the collector was killed."""
    until = time.monotonic() + 2.0
    while running.looker.value and time.monotonic() < until:
        try:
            os.kill(running.looker.value, 0)
            state = Path(f"/proc/{running.looker.value}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        if state.rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.01)
    return bool(running.looker.value)


def check(into: Path, n: int) -> list[str]:
    """What is wrong with a finished collection."""
    wrong = []
    lines = read_journal(into)
    if len(lines) != n or len({line.url for line in lines}) != n:
        wrong.append(f"{len(lines)} lines of {len({line.url for line in lines})} URLs, not {n}")
    files = {path.name: path for path in (into / ".inbox").glob("*.jpg")}
    kept = {Path(line.path).name: line.sha256 for line in lines if line.reason is None}
    ledger = {Path(line.path).name: line.sha256 for line in read_sources(into)}
    if not set(files) == set(kept) == set(ledger):
        wrong.append(f"{len(files)} files, {len(kept)} in the journal, {len(ledger)} in the ledger")
    if len(set(kept.values())) != len(kept):
        wrong.append("a photo twice")
    for name, path in files.items():
        decode(path.read_bytes())
        if digest_file(path) != kept.get(name):
            wrong.append(f"{name} is not what the journal says")
    wrong += [f"left: {path}" for path in into.rglob("*.part")]
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    rows = [
        replace(row, fault="" if row.fault == "stall" else row.fault)
        for row in catalogue(drawn(options.n), faulty=True)
    ]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(rows, None, theirs), daemon=True)
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        urls = Path(folder) / "urls.txt"
        urls.write_text("".join(f"{url}/pictures/{row.name}\n" for row in rows))
        began = time.monotonic()
        whole = start(Path(folder) / "whole", urls, options.n)
        whole.process.join()
        assert whole.process.exitcode == 0
        seconds = time.monotonic() - began
        into, after, n_answering, n_left = Path(folder) / "killed", [], 0, 0
        while len(after) < options.kills:
            running = start(into, urls, options.n)
            if not kill_in_the_work(running, into, rng=rng):
                sys.exit(
                    f"exit code {running.process.exitcode} after {len(after)} kills: "
                    "give a larger --n"
                )
            n_answering += running.answering.value
            n_left += outlives(running)
            after.append(n_lines(into))
        last = start(into, urls, options.n)
        last.process.join()
        assert last.process.exitcode == 0
        wrong = check(into, options.n) + [
            f"whole: {w}" for w in check(Path(folder) / "whole", options.n)
        ]
    ours.send("begin")
    ours.recv()
    ours.send("stop")
    asked, _ = ours.recv()
    server.join()
    most = max(n for path, n in asked.items() if path.startswith("/pictures"))
    print(f"one whole run: {seconds:.1f} s; lines in the journal after each kill: {after}")
    print(f"the process was answering at {n_answering} kills; {n_left} outlived their collector")
    print(f"a picture was asked for at most {most} times in {options.kills + 2} runs")
    print("wrong:", wrong or "nothing")
    sys.exit(bool(wrong or n_left))


if __name__ == "__main__":
    main()
