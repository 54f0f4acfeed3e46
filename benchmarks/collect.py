"""How fast are 2,000 pictures fetched, and does every URL get one answer from a bad server?

    python benchmarks/collect.py [--n 2000] [--out FILE.json]

A real HTTP server in another process serves drawn pictures. First it behaves: pictures a second
for fetching, checking, decoding, cleaning, writing and journal; then for the whole path, with the
triage (faces looked for by YuNet, or what `--detector` says) and the search for near copies. Then
5 % of its pictures fail for good, 5 % stall, 5 % lie about their type, 10 % are copies, and it
throttles. Prints a table; CPU time stands beside the clock because the machine may be shared, and
the server's is part of it on a machine of two cores.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import numpy as np

from mien.collecting import Browser, Collector, Manners, Patience, Search, Settings
from mien.collecting.journal import read_journal
from mien.collecting.ledger import read_sources
from mien.collecting.records import Line
from mien.dataset.drawn import CLASSES, draw_face
from mien.dataset.drawn.faults import encode_jpeg, twin
from mien.face import default_detector, load_face_finder

ROOT = Path(__file__).resolve().parents[1]
SIZE_PX = 200  # its faces have some 70 px, more than triage asks for


def server_module() -> ModuleType:
    path = ROOT / "tests" / "collecting" / "server.py"
    spec = importlib.util.spec_from_file_location("collect_server", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["collect_server"] = module
    spec.loader.exec_module(module)
    return module


def drawn(n: int, *, size_px: int = SIZE_PX) -> list[bytes]:
    """Drawn pictures, all different; kept between runs, as drawing takes longer than fetching."""
    folder = Path(tempfile.gettempdir()) / f"mien-bench-pictures-{size_px}"
    folder.mkdir(exist_ok=True)
    pictures = []
    for i in range(n):
        path = folder / f"{i}.jpg"
        if not path.is_file():
            face = draw_face(
                np.random.default_rng((99, i)),
                expression=CLASSES[i % 5],
                skin=("white", "brown", "black")[i % 3],
                gender=("man", "woman")[i % 2],
                size_px=size_px,
            )
            path.write_bytes(encode_jpeg(face, quality=88))
        pictures.append(path.read_bytes())
    return pictures


@dataclass(frozen=True, kw_only=True)
class Row:
    """A picture that the server offers.

    Attributes:
        name: Of its file.
        data: Its bytes.
        fault: What the server does with it; ``"copy"`` for one that shows another row's picture.
        shows: The number of the drawn picture that it shows.
    """

    name: str
    data: bytes
    fault: str
    shows: int


def catalogue(pictures: list[bytes], *, faulty: bool) -> list[Row]:
    """The same faults every time.

    The row that a copy was made of may fail, stall, lie or be a copy of a third itself: the first
    copy that arrives is then no copy of anything there, and is to be kept. `copies` tells those
    that are.
    """
    rng = np.random.default_rng(5)
    rows = []
    for i, data in enumerate(pictures):
        fault, shows, draw = "", i, rng.random()
        if faulty and draw < 0.05:
            fault = "fail"
        elif faulty and draw < 0.10:
            fault = "stall"
        elif faulty and draw < 0.15:
            fault = "lie"
        elif faulty and draw < 0.25 and i:
            kind = ("copies", "reencoded", "brightened", "mirrored")[i % 4]
            shows = int(rng.integers(0, max(1, i // 2)))
            data = twin(pictures[shows], kind=kind)  # noqa: PLW2901 - this row's bytes
            fault = "copy"
        rows.append(Row(name=f"{i}.jpg", data=data, fault=fault, shows=shows))
    return rows


def copies(rows: list[Row], lines: list[Line]) -> dict[str, int]:
    """How the search for copies did: of each picture that arrived, one is to be kept."""
    shown = {row.name: row.shows for row in rows}
    kept: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for line in lines:
        picture = shown[line.url.rpartition("/")[2]]
        kept[picture] += line.reason is None
        refused[picture] += line.reason in ("copy", "mirrored copy")
    arrived = Counter(row.shows for row in rows if row.fault in ("", "copy"))
    return {
        "copies_planted": sum(row.fault == "copy" for row in rows),
        "copies_of_what_arrived": sum(n - 1 for n in arrived.values()),
        "copies_refused": sum(refused[i] for i in refused if kept[i]),
        "copies_passed": sum(max(0, n - 1) for n in kept.values()),
        "new_but_refused_as_copy": sum(refused[i] > 0 for i in refused if not kept[i]),
    }


def serve(rows: list[Row], throttle: float | None, pipe: Connection) -> None:
    web = server_module()
    pictures = [
        web.Picture(name=row.name, data=row.data, fault="" if row.fault == "copy" else row.fault)
        for row in rows
    ]
    with web.Server(pictures=pictures, stall_s=4.0, max_per_second=throttle) as server:
        pipe.send(server.url)
        pipe.recv()
        began = time.process_time()
        pipe.send(None)
        pipe.recv()
        pipe.send((dict(server.asked), time.process_time() - began))


def measure(
    rows: list[Row],
    *,
    throttle: float | None,
    workers: int,
    detector: str | None,
    processes: int,
) -> dict[str, object]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(rows, throttle, theirs))
    process.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "urls.txt").write_text("".join(f"{url}/pictures/{row.name}\n" for row in rows))
        browser = Browser(
            allow_local=True, patience=Patience(read_s=1.5, total_s=10), connections=workers
        )
        manners = Manners(at_once=workers, per_second=None, tries=2)
        look = load_face_finder(detector).glance if detector else None
        settings = Settings(
            manners=manners,
            workers=workers,
            near_copies=look is not None,
            find_faces=look,
            detector=detector,
            processes=processes if look else 0,
        )
        search = Search(source="urls", query=str(root / "urls.txt"))
        ours.send("begin")
        ours.recv()
        began, cpu = time.monotonic(), time.process_time()
        with Collector(root / "photos", settings=settings, browser=browser) as collector:
            gathered = collector.run(search, limit=len(rows))
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        browser.close()
        lines = read_journal(root / "photos")
        files = list((root / "photos" / ".inbox").glob("*.jpg"))
        ledger = read_sources(root / "photos")
    ours.send("stop")
    requests, server_cpu = ours.recv()
    asked = Counter(requests)
    process.join()
    return {
        "pictures": len(rows),
        "seconds": round(seconds, 2),
        "per_second": round(len(rows) / seconds, 1),
        "cpu_ms_a_picture": round(1000 * cpu / len(rows), 2),
        "server_cpu_ms_a_picture": round(1000 * server_cpu / len(rows), 2),
        "usable": gathered.usable,
        "reasons": dict(gathered.reasons),
        **(copies(rows, lines) if detector else {}),
        "urls_accounted_for_once": len(lines) == len({line.url for line in lines}) == len(rows),
        "files_equal_ledger_equal_usable": len(files) == len(ledger) == gathered.usable,
        "requests": sum(n for path, n in asked.items() if path.startswith("/pictures")),
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=24)
    parser.add_argument("--processes", type=int, default=max(0, (os.cpu_count() or 1) - 1))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--detector", default=default_detector())
    parser.add_argument("--only", choices=["fetched", "whole", "faulty"], action="append")
    options = parser.parse_args()
    pictures = drawn(options.n)
    sound, faulty = catalogue(pictures, faulty=False), catalogue(pictures, faulty=True)
    detector = str(options.detector)
    runs = {
        "fetched": (sound, None, None),
        "whole": (sound, None, detector),
        "faulty": (faulty, 150.0, detector),
    }
    results = {
        name: measure(
            rows,
            throttle=throttle,
            workers=options.workers,
            detector=look,
            processes=options.processes,
        )
        for name, (rows, throttle, look) in runs.items()
        if not options.only or name in options.only
    }
    faults = Counter(row.fault or "sound" for row in faulty)
    for name, result in results.items():
        print(name)
        for key, value in result.items():
            print(f"  {key:34} {value}")
    print("planted in the faulty catalogue:", dict(faults))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
