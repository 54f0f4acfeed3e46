"""How many answers a second does the studio's preview give, and how long is frame to answer?

Draws a sample, trains the recipe on it, opens the studio in headless Chromium with a fake camera of
drawn faces, and reads what the page itself measured: from the moment a frame is taken to the moment
its answer is on the screen. Prints a line, writes JSON.

    MIEN_MIRROR=../shared/models .venv/bin/python benchmarks/studio_preview.py --frames 200
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from studio_states import CHROMIUM, FLAGS, draw_film

from mien.dataset.drawn import draw_dataset

ENTRY = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
TIMES = "() => performance.getEntriesByName('preview').map(e => [e.startTime, e.duration])"


def measure(link: str, film: Path, frames: int) -> tuple[list[list[float]], int, str]:
    """Start and duration (ms) of each frame, how many had a face drawn, the browser's version."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        )
        page = browser.new_context(permissions=["camera"]).new_page()
        page.set_default_timeout(300_000)
        page.goto(link)
        page.click("#try-camera")
        with_face, looks = 0, 0
        while len(times := page.evaluate(TIMES)) < frames + 20:
            time.sleep(0.5)
            looks += 1
            with_face += page.locator("#try-overlay rect").count()
        version = browser.version
        browser.close()
    return times[20 : 20 + frames], round(100 * with_face / max(looks, 1)), version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--recipe", default="expression")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/studio_preview.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, film = Path(folder) / "photos", Path(folder) / "film.mjpeg"
        draw_dataset(root, n_per_class=8, seed=1, size_px=256)
        draw_film(film)
        run = Path(folder) / "runs" / "first"
        command = [sys.executable, "-c", ENTRY, "train", str(root), "--out", str(run)]
        subprocess.run([*command, "--recipe", given.recipe], check=True)
        server = subprocess.Popen(
            [sys.executable, "-c", ENTRY, "studio", str(root), "--no-browser"],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout
        try:
            times, face, version = measure(server.stdout.readline().strip(), film, given.frames)
        finally:
            server.terminate()
            server.wait()
    trips = [duration for _, duration in times]
    answered = np.array([start + duration for start, duration in times])
    between_ms = np.diff(answered)
    record = {
        "frames": len(trips),
        "answers_per_second": round(1000 / float(np.median(between_ms)), 1),
        "answers_per_second_mean": round(1000 / float(between_ms.mean()), 1),
        "median_ms": round(statistics.median(trips), 1),
        "p95_ms": round(float(np.percentile(trips, 95)), 1),
        "face_drawn_percent_of_looks": face,
        "chromium": version,
        "load": os.getloadavg(),
    }
    print(json.dumps(record))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
