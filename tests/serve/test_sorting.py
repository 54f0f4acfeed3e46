"""The sorting page: guarded like every server, pictures re-encoded, one decision a photo."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from mien.collecting.ledger import SourceLine, read_sources, write_sources
from mien.digest import digest_file
from mien.serve import Access
from mien.serve.sorting import create_sorter

BASE = "http://127.0.0.1:8123"
HEADERS = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inbox = tmp_path / ".inbox"
    inbox.mkdir()
    (tmp_path / "sad").mkdir()
    lines = []
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 255, (64, 80, 3), dtype=np.uint8)
        path = inbox / f"commons-{i}.jpg"
        exif = Image.Exif()
        exif[0x010F] = "SECRET"
        Image.fromarray(noise).save(path, exif=exif)
        lines.append(
            SourceLine(
                path=f".inbox/{path.name}", sha256=digest_file(path), source="commons", url=f"u{i}",
                title="<script>alert(1)</script>", label="happy", groups="gender=man",
                state="undecided",
            )
        )  # fmt: skip
    write_sources(tmp_path, lines)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TestClient:
    access = Access(port=8123)
    client = TestClient(create_sorter(folder, port=8123, access=access), base_url=BASE)
    answer = client.get(f"/enter?token={access.new_token()}", follow_redirects=False)
    assert answer.status_code == 303
    client.headers.update(HEADERS)
    return client


def test_without_the_link_nothing_is_shown(folder: Path) -> None:
    stranger = TestClient(create_sorter(folder, port=8123, access=Access(port=8123)), base_url=BASE)
    for path in ("/", "/api/inbox", "/photo/commons-0.jpg", "/static/sort.js"):
        assert stranger.get(path).status_code == 401
    assert stranger.get("/enter?token=guess").status_code == 403
    assert stranger.get("/static/sort.css").status_code == 200


def test_another_page_cannot_decide(client: TestClient, folder: Path) -> None:
    body = {"name": ".inbox/commons-0.jpg", "label": "sad"}
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/decision", json=body, headers=evil).status_code == 403
    assert (folder / ".inbox" / "commons-0.jpg").is_file()


def test_the_page_has_no_inline_script_and_a_policy(client: TestClient) -> None:
    answer = client.get("/")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert '<script type="module" src="/static/sort.js"></script>' in answer.text
    assert client.get("/static/sort.js").status_code == 200


def test_the_inbox_names_photos_classes_and_guesses(client: TestClient) -> None:
    inbox = client.get("/api/inbox").json()
    assert inbox["classes"] == ["happy", "sad"]
    assert [photo["name"] for photo in inbox["photos"]] == [
        f".inbox/commons-{i}.jpg" for i in range(3)
    ]
    assert inbox["photos"][0]["groups"] == {"gender": "man"}


def test_pictures_are_encoded_by_us(client: TestClient) -> None:
    answer = client.get("/photo/commons-1.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert b"SECRET" not in answer.content
    assert Image.open(BytesIO(answer.content)).size == (80, 64)


@pytest.mark.parametrize("name", ["..%2Fsources.csv", ".hidden", "lock", "none.jpg", "%2e%2e"])
def test_only_photos_are_shown(client: TestClient, name: str) -> None:
    assert client.get(f"/photo/{name}").status_code == 404


def test_a_decision_moves_or_deletes(client: TestClient, folder: Path) -> None:
    took = {"name": ".inbox/commons-0.jpg", "label": "sad", "groups": {"gender": "woman"}}
    assert client.post("/api/decision", json=took).json() == {"name": "sad/commons-0.jpg"}
    assert (folder / "sad" / "commons-0.jpg").is_file()
    out = {"name": ".inbox/commons-1.jpg", "label": None}
    assert client.post("/api/decision", json=out).json() == {"name": None}
    assert not (folder / ".inbox" / "commons-1.jpg").exists()
    assert len(client.get("/api/inbox").json()["photos"]) == 1
    states = {line.path: (line.state, line.groups) for line in read_sources(folder)}
    assert states["sad/commons-0.jpg"] == ("kept", "gender=woman")


def test_a_decision_that_cannot_be_is_told_in_words(client: TestClient) -> None:
    for body, status in (
        ({"name": ".inbox/commons-2.jpg", "label": "../x"}, 400),
        ({"name": "../../etc/passwd", "label": "sad"}, 400),
        ({"label": "sad"}, 422),
    ):
        answer = client.post("/api/decision", json=body)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
