"""`mien serve`: the same answer as `mien predict`, and none for web pages."""

from __future__ import annotations

import asyncio
import io
import socket
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.serve import predict as module
from mien.serve.predict import create_server
from mien.serve.run import bind
from mien.workflows.live import Look

BASE = "http://127.0.0.1:8650"


class FakeHead:
    calibrated = True


class FakeModel:
    labels = ("happy", "sad")
    preprocessing = "orient | crop:centre | resize:96:area | scale:-1:1"
    head = FakeHead()


class FakeLooker:
    finds_faces = False

    def __init__(self, model: FakeModel) -> None:
        self.model = model

    def look(self, data: bytes) -> Look:
        reason = None if data.startswith(b"\xff\xd8") else "is not a picture"
        probs = None if reason else {"happy": 0.75, "sad": 0.25}
        return Look(predicted=None if reason else "happy", probs=probs, face=None,
                    size_px=None, reason=reason, took_ms={})  # fmt: skip


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "Looker", FakeLooker)
    return create_server(FakeModel(), port=8650)  # type: ignore[arg-type]


def ask(app: Any, method: str, path: str, **more: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


def test_a_picture_is_answered_with_probabilities(app: Any) -> None:
    answer = ask(app, "POST", "/api/predict", content=jpeg())
    assert answer.status_code == 200
    assert answer.json()["probs"] == {"happy": 0.75, "sad": 0.25}
    assert ask(app, "GET", "/api/model").json()["labels"] == ["happy", "sad"]


def test_what_is_no_picture_gets_a_reason(app: Any) -> None:
    answer = ask(app, "POST", "/api/predict", content=b"hello").json()
    assert answer["predicted"] is None
    assert answer["reason"] == "is not a picture"


def test_a_web_page_gets_no_answer(app: Any) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"},
                    {"host": "evil.example"}):  # fmt: skip
        answer = ask(app, "POST", "/api/predict", content=jpeg(), headers=headers)
        assert answer.status_code in (403, 421)


def test_too_large_a_body_is_cut_off(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    answer = ask(app, "POST", "/api/predict", content=b"x" * 11)
    assert answer.status_code == 413
    assert "larger than 10 bytes" in answer.json()["error"]["message"]


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} cannot be used") as caught:
            bind(port)
    assert "--port" in caught.value.hint
    with bind(0) as free:
        assert free.getsockname()[1] > 0
