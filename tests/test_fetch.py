from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mien.digest import digest_bytes
from mien.errors import FetchError
from mien.fetch import Source, fetch, find, keep, place
from mien.places import user_cache, user_data

CONTENT = b"weights" * 10_000


def source(url: str = "http://127.0.0.1:9/folder/from-there.bin", **changes: Any) -> Source:
    settings: dict[str, Any] = {
        "name": "thing",
        "file_name": "thing.bin",
        "url": url,
        "sha256": digest_bytes(CONTENT),
        "size_bytes": len(CONTENT),
        "licence": "Apache-2.0",
        "home": "https://example.org",
        "by_hand": "Or make it yourself.",
    }
    return Source(**{**settings, **changes})


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@contextmanager
def serving(status: int, body: bytes, **headers: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/folder/from-there.bin"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_is_downloaded_is_kept_and_not_asked_for_again() -> None:
    told: list[tuple[str, int, int]] = []
    with serving(200, CONTENT) as url:
        path = fetch(source(url), download=True, progress=lambda *step: told.append(step))
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("fetch thing", len(CONTENT), len(CONTENT))
    assert fetch(source(url), download=False) == path
    assert path == place(source()) == find(source())


def test_without_the_users_word_the_network_is_not_asked() -> None:
    with pytest.raises(FetchError) as caught:
        fetch(source(), download=False)
    assert caught.value.message == "'thing' cannot be had: it is not on this machine"
    for way in ("network", "mien backbones fetch thing", "MIEN_MIRROR", "thing.bin", "yourself"):
        assert way in caught.value.hint


@pytest.mark.parametrize("name", ["thing.bin", "from-there.bin"])
def test_the_mirror_may_hold_it_under_either_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    monkeypatch.setenv("MIEN_MIRROR", str(tmp_path))
    assert fetch(source(), download=False) == tmp_path / name


def test_a_wrong_file_in_the_mirror_is_an_error_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thing.bin").write_bytes(b"other")
    monkeypatch.setenv("MIEN_MIRROR", str(tmp_path))
    with pytest.raises(FetchError, match=r"has sha256 d9298a10.*expected .* for 'thing'"):
        fetch(source(), download=True)


def test_a_file_here_that_was_damaged_is_fetched_again() -> None:
    place(source()).parent.mkdir(parents=True)
    place(source()).write_bytes(b"damaged")
    assert find(source()) is None
    with serving(200, CONTENT) as url:
        assert fetch(source(url), download=True).read_bytes() == CONTENT


@pytest.mark.parametrize("body", [b"other", CONTENT + b"more", CONTENT[:-1], CONTENT * 1_000])
def test_a_download_with_another_content_is_not_kept(body: bytes) -> None:
    with serving(200, body) as url, pytest.raises(FetchError, match=r"gave sha256 .*, not "):
        fetch(source(url), download=True)
    assert find(source()) is None


def test_an_answer_that_is_an_error_names_the_address_and_the_ways() -> None:
    with serving(404, b"nothing here") as url, pytest.raises(FetchError) as caught:
        fetch(source(url), download=True)
    assert f"{url} cannot be downloaded" in caught.value.message
    assert "404" in caught.value.message
    assert "MIEN_MIRROR" in caught.value.hint


def test_a_redirect_to_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    with (
        serving(302, b"", Location=(tmp_path / "secret").as_uri()) as url,
        pytest.raises(FetchError, match="cannot be downloaded"),
    ):
        fetch(source(url), download=True)


def test_a_server_that_is_not_there_is_worded() -> None:
    with pytest.raises(FetchError, match="cannot be downloaded"):
        fetch(source(), download=True)


def test_a_file_brought_by_hand_is_kept_when_it_is_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "right").write_bytes(CONTENT)
    (tmp_path / "wrong").write_bytes(CONTENT[::-1])
    (tmp_path / "short").write_bytes(b"")
    assert keep(source(), tmp_path / "wrong") is None
    assert keep(source(), tmp_path / "short") is None
    assert keep(source(), tmp_path / "right") == find(source())
    with pytest.raises(FetchError, match=r"cannot read '.*missing'"):
        keep(source(), tmp_path / "missing")


def test_each_system_has_its_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_HOME")
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    monkeypatch.setattr("sys.platform", "linux")
    assert user_cache() == Path("/home/ada/.cache/mien")
    assert user_data() == Path("/home/ada/.local/share/mien")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert user_cache() == Path("/fast/mien")
    assert user_data() == Path("/home/ada/.local/share/mien")
    monkeypatch.setattr("sys.platform", "darwin")
    assert user_cache() == Path("/home/ada/Library/Caches/mien")
    assert user_data() == Path("/home/ada/Library/Application Support/mien")
    monkeypatch.setattr("sys.platform", "win32")
    assert user_data() == Path("/home/ada/AppData/Local/mien/data")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert user_cache() == Path("/local/mien/cache")
