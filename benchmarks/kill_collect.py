"""Does a kill -9 at a random moment lose or double anything that was being collected?

    python benchmarks/kill_collect.py [--kills 20] [--n 400]

Starts the same collection again and again and kills it after a random time, so many times; then
lets it finish, and compares with what one run without a kill collects: the same photos, each once,
each with a line in the ledger, no half file, every URL in the journal once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collect import catalogue, drawn, serve

from mien.collecting.journal import read_journal
from mien.collecting.ledger import read_sources
from mien.digest import digest_file
from mien.image.decode import decode

COLLECT = """
import sys
from pathlib import Path
from mien.collecting import Browser, Collector, Manners, Patience, Search, Settings
into, urls, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
browser = Browser(allow_local=True, patience=Patience(read_s=1.5, total_s=10), connections=8)
settings = Settings(manners=Manners(at_once=8, per_second=None, tries=2), workers=8)
print("begun", flush=True)
with Collector(into, settings=settings, browser=browser) as collector:
    print(collector.run(Search(source="urls", query=urls), limit=n).usable)
"""


def start(into: Path, urls: Path, n: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", COLLECT, str(into), str(urls), str(n)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()  # imports are done: kills land in the work
    return process


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
    parser.add_argument("--n", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    rows = [
        (name, data, "" if fault == "stall" else fault)
        for name, data, fault in catalogue(drawn(options.n), faulty=True)
    ]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(rows, None, theirs))
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        urls = Path(folder) / "urls.txt"
        urls.write_text("".join(f"{url}/pictures/{name}\n" for name, _, _ in rows))
        began = time.monotonic()
        whole = start(Path(folder) / "whole", urls, options.n)
        assert whole.wait() == 0
        seconds = time.monotonic() - began
        into, kills, after = Path(folder) / "killed", 0, []
        while kills < options.kills:
            process = start(into, urls, options.n)
            # Into the work, not into the imports: from the first new line on, a random moment.
            before = len(read_journal(into))
            while process.poll() is None and len(read_journal(into)) <= before:
                time.sleep(0.002)
            time.sleep(rng.uniform(0.0, 0.3))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            after.append(len(read_journal(into)))
        last = start(into, urls, options.n)
        assert last.wait() == 0
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
