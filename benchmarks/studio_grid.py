"""Does the studio stay fast with ten thousand photos?

Draws a few hundred faces, makes ten thousand different files of them in two classes, opens the
studio in headless Chromium, and times what a user waits for: the first page, the grid of a class,
the way to its end. Prints a line, writes JSON.

    MIEN_MIRROR=../shared/models .venv/bin/python benchmarks/studio_grid.py --photos 10000

The server begins to look for faces at once, as it does for a user; its memory is the peak of the
process from its start to the end, which with `--look` waits until every photo was looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from studio_states import CHROMIUM, FLAGS

from mien.dataset.drawn import EXPRESSIONS, draw_face

DRAWN = 200
PATIENCE_MS = 120_000
# Whether the cells in sight have their pictures: at least a row, and each decoded.
IN_SIGHT = """(last) => {
  const cells = [...document.querySelectorAll('[role=gridcell]')];
  const box = document.querySelector('.grid').getBoundingClientRect();
  const seen = cells.filter((cell) => {
    const place = cell.getBoundingClientRect();
    return place.bottom > box.top && place.top < box.bottom;
  });
  if (last !== null && !cells.some((cell) => Number(cell.dataset.index) === last)) return false;
  return seen.length > 8 && seen.every((cell) => {
    const image = cell.querySelector('img');
    return image && image.complete && image.naturalWidth > 0;
  });
}"""
STRIPS = """() => {
  const images = [...document.querySelectorAll('.strip img')];
  return images.filter((image) => image.complete && image.naturalWidth).length > 8;
}"""


def make_photos(root: Path, n: int) -> None:
    """Files that all differ, drawn from a few hundred faces."""
    rng = np.random.default_rng(0)
    names = list(EXPRESSIONS)
    faces = [
        draw_face(rng, expression=names[i % len(names)], skin=("black", "brown", "white")[i % 3],
                  gender=("man", "woman")[i % 2], size_px=256)
        for i in range(DRAWN)
    ]  # fmt: skip
    (root / "many").mkdir(parents=True)
    (root / "few").mkdir()
    for i in range(n):
        face = faces[i % DRAWN].copy()
        face[:4, :4] = rng.integers(0, 256, 3)  # another file, the same face
        buffer = BytesIO()
        Image.fromarray(face).save(buffer, "JPEG", quality=85)
        folder = "few" if i < 20 else "many"
        (root / folder / f"face-{i:05d}.jpg").write_bytes(buffer.getvalue())


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return round(int(found[1]) / 1024, 1)


def measure(link: str, n: int, *, pid: int, look: bool) -> dict[str, Any]:
    """What a user waits for, in seconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        begin = time.perf_counter()
        page.goto(link)
        page.wait_for_function(STRIPS)
        first = time.perf_counter() - begin
        strip = page.get_by_role("article", name="many", exact=True).locator(".strip")
        begin = time.perf_counter()
        strip.click()
        page.wait_for_function(IN_SIGHT, arg=None, polling="raf")
        opened = time.perf_counter() - begin
        nodes = page.evaluate("document.querySelectorAll('.grid, .grid *').length")
        page.locator("[role=gridcell]").first.focus()
        begin = time.perf_counter()
        page.keyboard.press("End")
        page.wait_for_function(IN_SIGHT, arg=n - 21, polling="raf")
        end = time.perf_counter() - begin
        at_end = page.evaluate("document.querySelectorAll('.grid, .grid *').length")
        most = wheel(page)
        if look:
            state = "() => fetch('/api/project').then((a) => a.json()).then((s) => s.looked_at)"
            while page.evaluate(state) < n:
                time.sleep(2)
        record = {
            "first_page_s": round(first, 2), "grid_opened_s": round(opened, 2),
            "scrolled_to_end_s": round(end, 2), "nodes": max(nodes, at_end, most["nodes"]),
            "longest_frame_ms": most["frame_ms"], "server_peak_mb": peak_mb(pid),
            "chromium": browser.version,
        }  # fmt: skip
        browser.close()
    return record


def wheel(page: Any) -> dict[str, float]:
    """Scroll back by a hundred steps: how many nodes, and how long the longest frame."""
    return page.evaluate(
        """async () => {
          const grid = document.querySelector('.grid');
          let frame_ms = 0, nodes = 0, before = performance.now();
          for (let i = 0; i < 100; i += 1) {
            grid.scrollTop -= 700;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frame_ms = Math.max(frame_ms, now - before);
            before = now;
            nodes = Math.max(nodes, document.querySelectorAll('.grid, .grid *').length);
          }
          return {frame_ms: Math.round(frame_ms), nodes};
        }"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--project", type=Path, help="keep the photos here and use them again")
    parser.add_argument("--look", action="store_true", help="wait until all was looked at")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/studio_grid.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.project or Path(folder) / "photos"
        if not root.exists():
            make_photos(root, given.photos)
        server = subprocess.Popen(
            [sys.executable, "-c", "from mien.cli import main; main()", "studio", str(root),
             "--no-browser"],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout
        try:
            link = server.stdout.readline().strip()
            record = measure(link, given.photos, pid=server.pid, look=given.look)
        finally:
            server.terminate()
            server.wait()
    record = {"photos": given.photos, **record, "load": os.getloadavg()}
    print(json.dumps(record))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
