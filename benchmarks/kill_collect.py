"""Does a kill -9 at a random moment lose or double anything that was being collected?

    python benchmarks/kill_collect.py [--kills 20] [--n 600]

Starts the same collection again and again and kills it after a random number of pictures and some
random milliseconds, so many times; then lets it finish: no photo lost or twice, each with a line in
the ledger, no half file, every URL in the journal once, as after a run without a kill.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from collect import catalogue, drawn, serve

from mien.collecting import Browser, Collector, Manners, Patience, Search, Settings
from mien.collecting.journal import INBOX, JOURNAL_NAME, read_journal
from mien.collecting.ledger import read_sources
from mien.digest import digest_file
from mien.image.decode import decode

SIZE_PX = 96


def collect(into: Path, urls: Path, n: int) -> None:
    patience = Patience(read_s=1.5, total_s=10)
    browser = Browser(allow_local=True, patience=patience, connections=8)
    settings = Settings(manners=Manners(at_once=8, per_second=None, tries=2), workers=8)
    with Collector(into, settings=settings, browser=browser) as collector:
        collector.run(Search(source="urls", query=str(urls)), limit=n)


def start(into: Path, urls: Path, n: int) -> BaseProcess:
    # Forked, so that a run costs no imports: they were most of the time, and no kill is for them.
    process = multiprocessing.get_context("fork").Process(target=collect, args=(into, urls, n))
    process.start()
    return process


def n_lines(into: Path) -> int:
    try:
        return (into / INBOX / JOURNAL_NAME).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def kill_in_the_work(process: BaseProcess, into: Path, *, most: int, rng: random.Random) -> bool:
    """Kill after some new lines, at most so many, and a random moment; whether it was in time."""
    wanted = n_lines(into) + rng.randint(1, most)
    while process.is_alive() and n_lines(into) < wanted:
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, 0.02))
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


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
    parser.add_argument("--n", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    rows = [
        replace(row, fault="" if row.fault == "stall" else row.fault)
        for row in catalogue(drawn(options.n, size_px=SIZE_PX), faulty=True)
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
        whole.join()
        assert whole.exitcode == 0
        seconds = time.monotonic() - began
        into, after = Path(folder) / "killed", []
        most = max(1, options.n // options.kills)
        while len(after) < options.kills:
            process = start(into, urls, options.n)
            if not kill_in_the_work(process, into, most=most, rng=rng):
                sys.exit(
                    f"exit code {process.exitcode} after {len(after)} kills: give a larger --n"
                )
            after.append(n_lines(into))
        last = start(into, urls, options.n)
        last.join()
        assert last.exitcode == 0
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
    print(f"a picture was asked for at most {most} times in {options.kills + 2} runs")
    print("wrong:", wrong or "nothing")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
