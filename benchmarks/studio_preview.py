"""How many answers a second does the studio's preview give, and how long is frame to answer?

Draws a sample, trains the recipe on it, opens the studio in headless Chromium with a fake camera of
drawn faces, and reads what the page itself measured: from the moment a frame is sent to the moment
its answer is on the screen. Prints a line, writes JSON.

    MIEN_MIRROR=../shared/models .venv/bin/python benchmarks/studio_preview.py --frames 200
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from mien.dataset.drawn import EXPRESSIONS, draw_dataset, draw_face

ENTRY = "import sys; from mien.cli import main; sys.exit(main(sys.argv[1:]))"
TIMES = "() => performance.getEntriesByName('preview').map(e => [e.startTime, e.duration])"


def draw_film(path: Path) -> None:
    frames = b""
    for expression in EXPRESSIONS:
        rng = np.random.default_rng(7)
        face = draw_face(rng, expression=expression, skin="white", gender="woman", size_px=480)
        frame = Image.new("RGB", (640, 480), (90, 95, 100))
        frame.paste(Image.fromarray(face), (80, 0))
        file = BytesIO()
        frame.save(file, "JPEG", quality=88)
        frames += file.getvalue() * 15
    path.write_bytes(frames)


def measure(link: str, film: Path, frames: int) -> tuple[list[list[float]], int, str]:
    """Start and duration (ms) of each frame, how many had a face drawn, the browser's version."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
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
    seconds = (times[-1][0] - times[0][0]) / 1000
    record = {
        "frames": len(trips),
        "answers_per_second": round((len(trips) - 1) / seconds, 1),
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
