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
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import numpy as np

from mien.collecting import Browser, Collector, Manners, Patience, Search, Settings
from mien.collecting.journal import read_journal
from mien.collecting.ledger import read_sources
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


def drawn(n: int) -> list[bytes]:
    """Drawn pictures, all different; kept between runs, as drawing takes longer than fetching."""
    folder = Path(tempfile.gettempdir()) / f"mien-bench-pictures-{SIZE_PX}"
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
                size_px=SIZE_PX,
            )
            path.write_bytes(encode_jpeg(face, quality=88))
        pictures.append(path.read_bytes())
    return pictures


def catalogue(pictures: list[bytes], *, faulty: bool) -> list[tuple[str, bytes, str]]:
    """Name, bytes and fault of each picture; the same faults every time."""
    rng = np.random.default_rng(5)
    rows = []
    for i, data in enumerate(pictures):
        fault, draw = "", rng.random()
        if faulty and draw < 0.05:
            fault = "fail"
        elif faulty and draw < 0.10:
            fault = "stall"
        elif faulty and draw < 0.15:
            fault = "lie"
        elif faulty and draw < 0.25 and i:
            kind = ("copies", "reencoded", "brightened", "mirrored")[i % 4]
            original = int(rng.integers(0, max(1, i // 2)))
            data = twin(pictures[original], kind=kind)  # noqa: PLW2901 - this row's bytes
            fault = "copy"
        rows.append((f"{i}.jpg", data, fault))
    return rows


def serve(rows: list[tuple[str, bytes, str]], throttle: float | None, pipe: Connection) -> None:
    web = server_module()
    pictures = [
        web.Picture(name=name, data=data, fault="" if fault == "copy" else fault)
        for name, data, fault in rows
    ]
    with web.Server(pictures=pictures, stall_s=4.0, max_per_second=throttle) as server:
        pipe.send(server.url)
        pipe.recv()
        began = time.process_time()
        pipe.send(None)
        pipe.recv()
        pipe.send((dict(server.asked), time.process_time() - began))


def measure(
    rows: list[tuple[str, bytes, str]],
    *,
    throttle: float | None,
    workers: int,
    detector: str | None,
) -> dict[str, object]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(rows, throttle, theirs))
    process.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "urls.txt").write_text("".join(f"{url}/pictures/{name}\n" for name, _, _ in rows))
        browser = Browser(
            allow_local=True, patience=Patience(read_s=1.5, total_s=10), connections=workers
        )
        manners = Manners(at_once=workers, per_second=None, tries=2)
        look = load_face_finder(detector).glance if detector else None
        settings = Settings(
            manners=manners, workers=workers, near_copies=look is not None, find_faces=look
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
        "urls_accounted_for_once": len(lines) == len({line.url for line in lines}) == len(rows),
        "files_equal_ledger_equal_usable": len(files) == len(ledger) == gathered.usable,
        "requests": sum(n for path, n in asked.items() if path.startswith("/pictures")),
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=24)
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
        name: measure(rows, throttle=throttle, workers=options.workers, detector=look)
        for name, (rows, throttle, look) in runs.items()
        if not options.only or name in options.only
    }
    faults = Counter(fault or "sound" for _, _, fault in faulty)
    for name, result in results.items():
        print(name)
        for key, value in result.items():
            print(f"  {key:34} {value}")
    print("planted in the faulty catalogue:", dict(faults))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
