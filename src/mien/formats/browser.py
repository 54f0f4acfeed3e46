"""Opens a TensorFlow.js export in a headless browser with Teachable Machine's own library.

A page on a loopback server loads `@tensorflow/tfjs` and `@teachablemachine/image` from the folder
that ``MIEN_NODE_MODULES`` names, the export, and the golden pictures, and posts what
`tmImage.predict` answers. Knows nothing of models. The library scales pixels as x / 127 - 1.
"""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.formats.golden import png

LIMIT_SECONDS: Final = 600
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SCRIPTS: Final = {
    "/tf.js": "@tensorflow/tfjs/dist/tf.min.js",
    "/tm.js": "@teachablemachine/image/dist/teachablemachine-image.min.js",
}
_PAGE: Final = """<!doctype html><meta charset="utf-8">
<script src="/tf.js"></script><script src="/tm.js"></script>
<script>
async function main() {
  await tf.setBackend("cpu");
  const model = await tmImage.load("/model.json", "/metadata.json");
  const probs = [];
  let ms = 0;
  for (let i = 0; i < N; i++) {
    const image = new Image();
    image.src = `/picture/${i}.png`;
    await image.decode();
    const began = performance.now();
    const answer = await model.predict(image);
    ms += performance.now() - began;
    probs.push(answer.map((one) => one.probability));
  }
  return { probs, version: `0.8.5 on tfjs ${tf.version.tfjs}`, ms: ms / N };
}
main().catch((error) => ({ error: String(error.stack || error) })).then((told) =>
  fetch("/told", { method: "POST", body: JSON.stringify(told) }));
</script>"""


def find_browser() -> str | None:
    """Give the path of a Chromium, None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def ask_browser(
    folder: Path, images: np.ndarray[Any, Any], *, modules: Path, browser: str
) -> dict[str, Any]:
    """Ask Teachable Machine's library in a browser.

    Args:
        folder: With ``model.json``, ``weights.bin`` and ``metadata.json``.
        images: uint8 ``(n, h, w, 3)``.
        modules: A ``node_modules`` folder with both libraries.
        browser: Path of a Chromium.

    Returns:
        ``{"probs", "version", "ms"}``, or ``{"error"}`` where the page or the browser failed.
    """
    files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}
    files |= {url: (modules / name).read_bytes() for url, name in _SCRIPTS.items()}
    files |= {f"/picture/{i}.png": png(image) for i, image in enumerate(images)}
    files["/"] = _PAGE.replace("const probs", f"const N = {len(images)}, probs").encode()
    told: dict[str, Any] = {}
    done = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(files, told, done))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as profile:
            _visit(browser, f"http://127.0.0.1:{server.server_port}/", profile, done)
    finally:
        server.shutdown()
        server.server_close()
    return told or {"error": f"the browser gave no answer within {LIMIT_SECONDS} s"}


def _visit(browser: str, url: str, profile: str, done: threading.Event) -> None:
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += ["--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}", url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        done.wait(LIMIT_SECONDS)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _handler(
    files: dict[str, bytes], told: dict[str, Any], done: threading.Event
) -> type[http.server.BaseHTTPRequestHandler]:
    kinds = {".js": "text/javascript", ".json": "application/json", ".png": "image/png"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path.partition("?")[0])
            self.send_response(404 if data is None else 200)
            kind = kinds.get(Path(self.path).suffix, "text/html" if self.path == "/" else "")
            self.send_header("Content-Type", kind or "application/octet-stream")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def do_POST(self) -> None:
            told.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
