"""The studio's API through the whole application, guard included, without a socket."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from mien.cache import Cache
from mien.dataset.drawn import draw_dataset
from mien.dataset.folder import read_dataset
from mien.head.recipe import recipe_from
from mien.image.decode import Look, look_away
from mien.records import say_nothing
from mien.serve import Access
from mien.studio import texts
from mien.studio.app import ROUTERS, create_studio
from mien.studio.context import PAGES
from mien.studio.worker import VERBS
from mien.workflows.embedder import embedder_for, with_detector_at_hand
from mien.workflows.train import DEFAULT_RECIPE

PORT = 8000
BASE = f"http://127.0.0.1:{PORT}"


class Client:
    """A browser that redeemed its link."""

    def __init__(self, root: Path) -> None:
        self.access = Access(port=PORT)
        self.app = create_studio(root, port=PORT, access=self.access)
        self.headers = {"sec-fetch-site": "same-origin", "origin": BASE}
        self.cookies = {self.access.cookie_name: self.access.cookie_value}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
            headers = self.headers | more.pop("headers", {})
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, cookies=self.cookies, headers=headers
            ) as client:
                return await client.request(method, path, **more)

        return asyncio.run(go())

    def get(self, path: str, **more: Any) -> Any:
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, value: Any = None, **more: Any) -> Any:
        answer = self.ask("POST", path, **({"json": value} if value is not None else {}), **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "photos")


def jpeg(colour: str = "red") -> bytes:
    file = io.BytesIO()
    picture = Image.new("RGB", (40, 30), colour)
    exif = Image.Exif()
    exif[0x010F] = "A camera with a serial number"
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


def upload(client: Client, label: str, *files: tuple[str, bytes]) -> Any:
    return client.post("/api/upload", data={"label": label},
                       files=[("files", (name, data)) for name, data in files])  # fmt: skip


def test_a_link_is_exchanged_for_a_cookie_once(client: Client) -> None:
    client.cookies = {}
    token = client.access.new_token()
    first = client.ask("GET", f"/enter?token={token}")
    assert first.status_code == 303
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    again = client.ask("GET", f"/enter?token={token}", headers={"accept-language": "ko"})
    assert again.status_code == 403
    assert "이미 사용된 링크" in again.text
    client.cookies = {client.access.cookie_name: client.access.cookie_value}
    assert client.ask("GET", "/enter?token=old").status_code == 303


@pytest.mark.parametrize(
    "path", ["/", "/about", "/api/project", "/api/photo?name=x", "/openapi.json"]
)
def test_nothing_is_shown_without_the_cookie(path: str, client: Client) -> None:
    client.cookies = {}
    assert client.ask("GET", path).status_code == 401


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("path", [*PAGES.values(), "/about"])
def test_every_page_is_whole_in_every_language(path: str, language: str, client: Client) -> None:
    page = client.ask("GET", path, headers={"accept-language": language})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert "<script>" not in page.text
    assert "style=" not in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "Art. 5(1)(f)" in page.text or "제5조" in page.text


def test_the_language_is_remembered_and_the_way_back_is_ours(client: Client) -> None:
    answer = client.ask("POST", "/language", data={"language": "ko", "back": "/exam"})
    assert answer.headers["location"] == "/exam"
    assert "mien_language=ko" in answer.headers["set-cookie"]
    for back in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = client.ask("POST", "/language", data={"language": "ko", "back": back})
        assert answer.headers["location"] == "/"


def test_texts_have_the_same_keys_and_placeholders_in_every_language() -> None:
    import re

    first, *others = (texts.load(language) for language in texts.LANGUAGES)
    for other in others:
        assert first.keys() == other.keys()
        for key, text in first.items():
            assert set(re.findall(r"\{(\w+)\}", text)) == set(
                re.findall(r"\{(\w+)\}", other[key])
            ), key


def test_every_text_that_a_script_or_template_asks_for_is_there() -> None:
    import re

    root = Path(texts.__file__).parent
    sources = [*root.glob("static/*.js"), *root.glob("templates/*.html")]
    asked = {key for path in sources
             for key in re.findall(r"""\bt\(["']([\w.]*\w)["']""", path.read_text())}  # fmt: skip
    assert asked - texts.load("en").keys() == set()


def test_photos_are_uploaded_listed_shown_and_given_groups(client: Client) -> None:
    done = upload(client, "happy", ("a.jpg", jpeg()), ("b.jpg", b""))
    assert (done["n_added"], done["n_rejects"]) == (1, 1)
    assert done["rejects"] == [{"path": "b.jpg", "reason": "is empty"}]
    state = client.get("/api/project")
    assert [(c["label"], c["n"]) for c in state["classes"]] == [("happy", 1)]
    assert state["undo"] == {"kind": "add", "words": {"n": 1, "label": "happy"}}
    assert client.get(f"/api/project?version={state['version']}")["unchanged"]
    client.post("/api/groups", {"names": ["happy/a.jpg"], "column": "skin", "value": "brown"})
    [[name, version, groups, _]] = client.get("/api/photos?label=happy")["photos"]
    assert (name, groups) == ("happy/a.jpg", {"skin": "brown"})
    small = client.ask("GET", f"/api/thumbnail?name={name}&v={version}")
    assert small.headers["cache-control"].endswith("immutable")
    assert Image.open(io.BytesIO(small.content)).size == (144, 144)


def test_photos_are_looked_at_while_they_are_open_for_the_verdict(
    client: Client, tmp_path: Path
) -> None:
    drawn = draw_dataset(tmp_path / "drawn", n_per_class=1, seed=0)
    paths = [drawn.train / photo.path for photo in drawn.photos]
    upload(client, "all", *[(path.name, path.read_bytes()) for path in paths])
    stored = read_dataset(tmp_path / "photos", min_classes=1).photos
    embedder = embedder_for(with_detector_at_hand(recipe_from(DEFAULT_RECIPE), say=say_nothing))
    with Cache.open(tmp_path / "photos") as cache:
        found = embedder.embed(stored, cache=cache)
    assert len(stored) == len(drawn.photos)
    assert found.n_embedded == 0


def test_where_photos_keep_coming_the_rest_is_left_to_the_background(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 109.9, 110.1, 200.0])
    monkeypatch.setattr("mien.studio.watch._now", lambda: next(clock))
    asked: list[int] = []

    @contextmanager
    def in_passing(_: Any, sha256s: Sequence[str], **__: Any) -> Iterator[Look]:
        asked.append(len(sha256s))
        yield look_away

    monkeypatch.setattr("mien.workflows.embedder.Embedder.in_passing", in_passing)
    for i in range(4):
        upload(client, "all", (f"{i}.jpg", jpeg()))
    assert asked == [1, 1, 1]  # the last comes long after
    assert client.get("/api/project")["n_photos"] == 4


def test_pictures_reach_the_browser_without_what_the_camera_wrote(client: Client) -> None:
    upload(client, "happy", ("a.jpg", jpeg()))
    assert b"serial" in jpeg()
    for path in ("/api/photo?name=happy/a.jpg", "/api/thumbnail?name=happy/a.jpg"):
        answer = client.ask("GET", path)
        assert answer.headers["content-type"] == "image/jpeg"
        assert b"serial" not in answer.content


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "happy/../../x", ".mien/journal.jsonl", "/etc/passwd"]
)
def test_only_photos_of_the_project_are_shown(name: str, client: Client) -> None:
    for path in ("/api/photo", "/api/thumbnail"):
        answer = client.ask("GET", path, params={"name": name})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "photo_gone"


def test_an_error_speaks_the_language_of_the_page(client: Client) -> None:
    answer = client.ask(
        "POST", "/api/classes", json={"label": ""}, headers={"accept-language": "ko"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "클래스 이름을 입력하세요", "hint": "", "code": "name_empty"}  # fmt: skip


def test_a_request_that_is_not_well_formed_is_told_in_the_same_shape(client: Client) -> None:
    answer = client.ask("POST", "/api/classes", json={})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("body.label")
    assert client.ask("GET", "/nowhere").json()["error"]["message"] == "Not Found"


def test_classes_are_made_renamed_ordered_deleted_and_brought_back(client: Client) -> None:
    for label in ("a", "b"):
        client.post("/api/classes", {"label": label})
    client.post("/api/classes/rename", {"label": "a", "new": "c"})
    client.post("/api/classes/order", {"labels": ["b", "c"]})
    client.post("/api/classes/delete", {"label": "b"})
    assert [c["label"] for c in client.get("/api/project")["classes"]] == ["c"]
    assert client.post("/api/undo")["undone"]["kind"] == "delete_class"
    assert [c["label"] for c in client.get("/api/project")["classes"]] == ["b", "c"]


def test_the_sample_is_not_drawn_over_photos(client: Client) -> None:
    upload(client, "happy", ("a.jpg", jpeg()))
    answer = client.ask("POST", "/api/sample", json={"n_per_class": 5})
    assert answer.json()["error"]["code"] == "sample_needs_empty"


def wait(client: Client, job: Any, seconds: float = 240.0) -> Any:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        answer = client.get(f"/api/jobs/{job['id']}")
        if answer["job"]["state"] != "running":
            return answer
        time.sleep(0.1)
    pytest.fail("the job does not end")


def test_a_job_is_followed_from_an_offset_and_one_runs_at_a_time(client: Client) -> None:
    job = client.post("/api/sample", {"n_per_class": 2})
    busy = client.ask("POST", "/api/sample", json={"n_per_class": 2})
    assert busy.status_code == 400
    whole = wait(client, job)
    assert whole["job"]["state"] == "done"
    assert whole["job"]["answer"] == {"n_photos": 10}
    assert whole["events"][-1]["done"] == 10
    rest = client.get(f"/api/jobs/{job['id']}?offset={whole['offset']}")
    assert rest["events"] == []
    assert client.get("/api/jobs/latest?verb=sample")["job"]["id"] == job["id"]


def test_a_training_that_cannot_be_says_why(client: Client) -> None:
    upload(client, "happy", ("a.jpg", jpeg()))
    done = wait(client, client.post("/api/train", {}))
    assert done["job"]["state"] == "failed"
    assert "at least 2 are needed" in done["job"]["error"]["message"]


def test_a_training_is_cancelled_and_stays_so(client: Client) -> None:
    upload(client, "happy", ("a.jpg", jpeg()))
    job = client.post("/api/train", {})
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert client.get(f"/api/jobs/{job['id']}")["job"]["state"] == "cancelled"
    time.sleep(0.3)
    assert client.get(f"/api/jobs/{job['id']}")["job"]["state"] == "cancelled"


@pytest.mark.slow
def test_a_training_gives_a_score_with_its_interval_and_a_model(
    client: Client, tmp_path: Path
) -> None:
    draw_dataset(tmp_path / "photos", classes=("happy", "sad"), n_per_class=10, seed=1, size_px=128)
    asked = {"recipe": "expression", "settings": {"crop": "centre"}}
    done = wait(client, client.post("/api/train", asked))
    assert done["job"]["state"] == "done", done["job"]
    view = client.get(f"/api/train/result?job={done['job']['id']}")
    assert view["score"]["low"] <= view["score"]["value"] <= view["score"]["high"]
    assert view["score"]["n"] == 20
    assert view["unchanged"]
    assert sum(map(sum, view["confusion"]["matrix"])) == 20
    assert [part["label"] for part in view["per_class"]] == ["happy", "sad"]
    assert Path(done["job"]["answer"]["model"]).is_file()
    assert Path(done["job"]["answer"]["run"]).parent == tmp_path / "runs"


@pytest.mark.parametrize("number", ["../x", "nothing", "a/b", ""])
def test_a_job_that_is_not_there_is_said(number: str, client: Client) -> None:
    assert client.ask("GET", f"/api/jobs/{number}").status_code in (400, 404)


def test_every_route_stands_in_a_module_that_the_app_lists() -> None:
    root = Path(texts.__file__).parent
    there = {path.stem for path in root.glob("routes_*.py")}
    assert {module.__name__.rpartition(".")[2] for module in ROUTERS} == there
    assert "train" in VERBS
