"""Trying, auditing and examining in the studio, asked over HTTP as its pages ask."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.dataset.drawn import draw_dataset
from mien.errors import UserError
from mien.files import write_json
from mien.model import Model
from mien.model.file import write_model
from mien.records import Dense, Head
from mien.serve import Access
from mien.studio import worker
from mien.studio.app import create_studio
from mien.studio.decisions import Decisions
from mien.studio.exams import Exams
from mien.studio.models import Models
from mien.studio.project import Project
from mien.workflows.predict import predict

PORT = 8765
LINE = f"ws://127.0.0.1:{PORT}/api"
CLASSES = ("angry", "happy")


@pytest.fixture(scope="module")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_dataset(folder, classes=CLASSES, n_per_class=6, seed=3, test_per_class=3, size_px=64)
    return folder


@pytest.fixture
def drawn(drawn_once: Path, tmp_path: Path) -> Path:
    """Drawn photos at which nobody has looked yet."""
    shutil.copytree(drawn_once, tmp_path / "drawn")
    return tmp_path / "drawn"


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawn / "train", tmp_path / "photos")
    return tmp_path / "photos"


def make_run(root: Path, name: str = "first", seed: int = 0) -> Path:
    """A run folder whose model answers, though it never learned anything."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.5, (1280, 2)).astype(np.float32)
    model = Model(
        labels=CLASSES,
        preprocessing="orient | crop:centre | resize:32:area | scale:-1:1",
        backbone=fold(random_backbone(seed, size_px=32).weights),
        backbone_name="random",
        backbone_sha256="0" * 64,
        head=Head(layers=(Dense(kernel=kernel, bias=None, activation="softmax"),)),
    )
    folder = root.parent / "runs" / name
    folder.mkdir(parents=True)
    write_model(folder / "model.onnx", model)
    record = {
        "photos": str(root), "saved_seed": 0, "n_photos": 12, "fingerprint": "f" * 64,
        "recipe": {"name": "small"}, "classes": dict.fromkeys(CLASSES, 6),
        "seeds": [{"seed": 0, "validation_accuracy": 0.5, "n_validation": 4}],
    }  # fmt: skip
    write_json(folder / "run.json", record)
    return folder


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    access = Access(port=PORT)
    app = create_studio(root, port=PORT, access=access)
    own = f"http://127.0.0.1:{PORT}"
    # Not entered as a context: the background watch is not what is tested here.
    client = TestClient(app, base_url=own, cookies={access.cookie_name: access.cookie_value})
    client.headers.update({"Origin": own})
    yield client
    client.close()


def names_of(root: Path, label: str) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in (root / label).glob("*.*"))


def wait_for(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        record: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()["job"]
        if record["state"] != "running":
            return record
        time.sleep(0.1)
    raise AssertionError("the job did not end")


@pytest.mark.parametrize("path", ["/exam", "/audit", "/study", "/"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_is_there_in_both_languages(
    client: TestClient, path: str, language: str
) -> None:
    answer = client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


def test_runs_of_another_project_and_unfinished_ones_are_not_listed(root: Path) -> None:
    make_run(root, "mine")
    other = make_run(root, "other")
    record = json.loads((other / "run.json").read_text())
    write_json(other / "run.json", {**record, "photos": "/elsewhere"})
    make_run(root, "unfinished")
    (root.parent / "runs" / "unfinished" / "run.json").unlink()
    models = Models(root, root.parent / "runs")
    assert [run.id for run in models.all()] == ["mine"]
    assert models.get(None).summary()["validation"] == {"accuracy": 0.5, "n": 4}


@pytest.mark.parametrize("name", ["../../etc", "none", "mine/../mine"])
def test_a_model_is_looked_up_and_never_a_path(client: TestClient, root: Path, name: str) -> None:
    make_run(root, "mine")
    photo = (root / names_of(root, "happy")[0]).read_bytes()
    answer = client.post("/api/try/picture", params={"run": name}, files={"file": photo})
    assert answer.status_code == 400
    assert "no model" in answer.json()["error"]["message"]


def test_without_a_model_the_camera_is_told_so(client: TestClient) -> None:
    with client.websocket_connect(f"{LINE}/try/camera") as line:
        assert "no model" in line.receive_json()["error"]["message"]
        with pytest.raises(WebSocketDisconnect):
            line.receive_json()


def test_the_camera_gets_the_answers_that_predict_gives(client: TestClient, root: Path) -> None:
    run = make_run(root)
    photos = [root / name for name in names_of(root, "angry")[:3]]
    with client.websocket_connect(f"{LINE}/try/camera?run=first") as line:
        assert line.receive_json() == {"labels": list(CLASSES), "finds_faces": False}
        for path in photos:
            line.send_bytes(path.read_bytes())
            answer = line.receive_json()
            (expected,) = predict(run, path).photos
            assert answer["predicted"] == expected.predicted
            assert answer["probs"] == pytest.approx(expected.probs)
            assert answer["size"] == [64, 64]
            assert set(answer["took_ms"]) == {"decode", "face", "model"}


def test_a_frame_that_is_no_picture_gets_a_reason_and_the_line_stays_open(
    client: TestClient, root: Path
) -> None:
    make_run(root)
    with client.websocket_connect(f"{LINE}/try/camera") as line:
        line.receive_json()
        line.send_bytes(b"not a picture")
        assert "not a picture" in line.receive_json()["reason"]
        line.send_bytes((root / names_of(root, "happy")[0]).read_bytes())
        assert line.receive_json()["reason"] is None


def test_a_socket_of_another_page_is_refused(client: TestClient, root: Path) -> None:
    make_run(root)
    headers = {"Origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"{LINE}/try/camera", headers=headers) as line,
    ):
        line.receive_json()


def test_an_export_that_was_not_made_cannot_be_downloaded(client: TestClient, root: Path) -> None:
    make_run(root)
    for to in ("keras", "../..", ""):
        answer = client.get("/api/try/export/download", params={"run": "first", "to": to})
        assert answer.status_code == 400


def test_an_export_is_downloaded_as_one_zip(client: TestClient, root: Path) -> None:
    import io
    import zipfile

    folder = make_run(root) / "exports" / "keras"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("```python\nuse()\n```")
    # Killed while it was written: not there yet.
    assert client.get("/api/try/exports", params={"run": "first"}).json()["made"] == {}
    asked = {"run": "first", "to": "keras"}
    assert client.get("/api/try/export/download", params=asked).status_code == 400
    parity = [{"file": "keras_model.h5", "consumer": "mien 1", "checked": True}]
    write_json(folder / "golden.json", {"parity": parity, "files": [{"size_bytes": 5}]})
    answer = client.get("/api/try/export/download", params={"run": "first", "to": "keras"})
    assert "first-keras.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["README.md", "golden.json"]
    made = client.get("/api/try/exports", params={"run": "first"}).json()["made"]
    assert made == {"keras": {"parity": parity, "size_bytes": 5, "snippet": "use()\n"}}


def test_an_export_is_a_job_whose_progress_is_told(client: TestClient, root: Path) -> None:
    run = make_run(root)
    job = client.post("/api/try/export", json={"run": "first", "to": "onnx"}).json()
    assert client.get("/api/try/exports", params={"run": "first"}).json()["job"]["id"] == job["id"]
    assert wait_for(client, job)["state"] == "done"
    events = client.get(f"/api/jobs/{job['id']}").json()["events"]
    told = [(one["done"], one["total"]) for one in events if one["stage"] == "consumers"]
    assert told[0][0] == 0
    assert told[-1] == (told[-1][1], told[-1][1])
    (made,) = client.get("/api/try/exports", params={"run": "first"}).json()["made"].values()
    assert len(made["parity"]) == told[-1][1]
    assert any(one["checked"] and one["max_abs_diff"] < 1e-4 for one in made["parity"])
    assert (run / "exports" / "onnx" / "golden.json").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_job_on_a_full_disk_says_so_and_not_that_it_was_interrupted(
    client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".mien" / "jobs").mkdir(exist_ok=True)
    number = "0" * 13 + "-000000"
    monkeypatch.setattr("mien.studio.jobs.new_id", lambda: number)
    # Whatever is written into its events is refused for want of space.
    (root / ".mien" / "jobs" / f"{number}.jsonl").symlink_to("/dev/full")
    make_run(root)
    job = client.post("/api/try/export", json={"run": "first", "to": "onnx"}).json()
    record = wait_for(client, job)
    assert record["state"] == "failed"
    assert "disk is full" in record["error"]["message"]
    headers = {"Accept-Language": "ko"}
    told = client.get(f"/api/jobs/{job['id']}", headers=headers).json()["job"]
    assert "디스크" in told["error"]["message"]


def test_the_training_photos_are_refused_as_test_photos(client: TestClient, root: Path) -> None:
    for folder in (root, root / CLASSES[0], root.parent):
        answer = client.post("/api/exam/folder", json={"folder": str(folder)})
        assert answer.status_code == 400
        assert "training photos" in answer.json()["error"]["message"]


def test_an_exam_equals_mien_test_and_its_looks_are_counted(
    client: TestClient, root: Path, drawn: Path
) -> None:
    from mien.workflows.test import test as mien_test

    run = make_run(root)
    found = client.post("/api/exam/folder", json={"folder": str(drawn / "test")}).json()
    assert (found["n"], found["looks"]) == (6, 0)
    asked = {"set": found["id"], "run": "first"}
    record = wait_for(client, client.post("/api/exam/take", json=asked).json())
    assert record["state"] == "done", record
    exam = client.get(f"/api/exam/one/{record['answer']['exam']}").json()
    own = mien_test(run / "model.onnx", photos=drawn / "test").plain()["results"][0]
    for key in ("n", "correct", "accuracy", "confusion", "per_class", "macro_f1"):
        assert exam["result"][key] == json.loads(json.dumps(own[key]))
    state = client.get("/api/exam").json()
    # The studio's own exam and that of the command line: one count, which both tell.
    assert state["sets"][0]["looks"] == 2
    assert state["exams"][0]["correct"] == own["correct"]
    assert exam["look"] == 1
    record = wait_for(client, client.post("/api/exam/take", json=asked).json())
    assert client.get(f"/api/exam/one/{record['answer']['exam']}").json()["look"] == 3
    again = mien_test(run / "model.onnx", photos=drawn / "test").plain()
    assert again["looks"]["n_exams"] == 4
    assert client.get("/api/exam").json()["sets"][0]["looks"] == 4


def keep_exam(root: Path, folder: Path, run: str, right: list[bool]) -> str:
    exams = Exams(root)
    test_set = exams.add_set(folder)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.glob("*/*.*"))
    photos = []
    for name, is_right in zip(names, right, strict=True):
        label = name.split("/")[0]
        answer = label if is_right else next(one for one in CLASSES if one != label)
        probs = [0.9 if one == answer else 0.1 for one in CLASSES]
        photos.append({"path": name, "label": label, "predicted": answer, "probs": probs,
                       "reason": None, "groups": {}})  # fmt: skip
    result = {"n": len(names), "correct": sum(right), "accuracy": None, "photos": photos,
              "confusion": {"labels": list(CLASSES), "matrix": [], "no_answer": []}}  # fmt: skip
    return exams.keep(test_set=test_set, model="model.onnx", run=run, look=1, result=result)


def test_sealed_photos_are_shown_only_after_an_exam(
    client: TestClient, root: Path, drawn: Path
) -> None:
    folder = drawn / "test"
    test_set = Exams(root).add_set(folder)
    name = next(p.relative_to(folder).as_posix() for p in folder.glob("*/*.*"))
    address = f"/api/exam/photo/{test_set.id}"
    assert client.get(address, params={"name": name}).status_code == 400
    keep_exam(root, folder, "first", [True] * 6)
    shown = client.get(address, params={"name": name})
    assert shown.status_code == 200
    assert shown.content.startswith(b"\xff\xd8\xff")
    for other in ("../photos/angry/x.jpg", "groups.csv", "angry/none.jpg"):
        assert client.get(address, params={"name": other}).status_code == 400


def test_two_exams_on_the_same_photos_are_compared_with_a_verdict(
    client: TestClient, root: Path, drawn: Path
) -> None:
    a = keep_exam(root, drawn / "test", "one", [True] * 5 + [False])
    b = keep_exam(root, drawn / "test", "two", [True] * 4 + [False] * 2)
    result = client.post("/api/exam/compare", json={"a": a, "b": b}).json()
    assert result["correct"] == [5, 4]
    assert result["only_a"] == 1
    assert "no evidence of a difference" in result["verdict"]


def test_an_exam_that_is_not_there_is_worded(client: TestClient) -> None:
    for number in ("1795404183475-0123abcd", "..%2f..%2fsecret"):
        assert client.get(f"/api/exam/one/{number}").status_code in (400, 404)


def test_dropped_test_photos_lie_beside_the_project_and_bad_ones_are_named(
    client: TestClient, root: Path, drawn: Path
) -> None:
    photo = next((drawn / "test").glob("*/*.*")).read_bytes()
    paths = ["t/happy/1.png", "t/happy/2.png", "t/happy/3.txt", "alone.png", "t/../4.png"]
    bodies = [photo, photo + b" ", b"text", photo, photo]
    files = [("files", ("photo", body)) for body in bodies]
    answer = client.post("/api/exam/photos", files=files, data={"paths": paths}).json()
    assert answer["n_stored"] == 2
    assert [one["path"] for one in answer["rejects"]] == paths[2:]
    assert sorted(p.name for p in (root.parent / "photos-test").glob("*/*")) == ["1.png", "2.png"]
    again = client.post("/api/exam/photos", files=files[:1], data={"paths": paths[:1]}).json()
    assert again["n_stored"] == 1
    assert len(list((root.parent / "photos-test").glob("*/*"))) == 2


def test_freezing_takes_photos_out_of_training_and_undo_brings_them_back(
    client: TestClient, root: Path
) -> None:
    before = {name for label in CLASSES for name in names_of(root, label)}
    record = wait_for(client, client.post("/api/exam/freeze", json={"share": 0.34}).json())
    assert record["state"] == "done", record
    n = record["answer"]["n"]
    assert 0 < n < 12
    test_photos = list((root.parent / "photos-test").glob("*/*"))
    assert len(test_photos) == n
    assert client.get("/api/exam").json()["sets"][0]["n"] == n
    assert Project.open(root).listing().n_photos == 12 - n
    client.post("/api/undo", json={})
    after = {name for label in CLASSES for name in names_of(root, label)}
    assert after == before


def test_a_decision_moves_the_photo_and_undo_brings_it_back_whatever_was_done_since(
    root: Path,
) -> None:
    project = Project.open(root)
    decisions = Decisions(project)
    name = names_of(root, "angry")[0]
    decisions.decide("M402", [name], choice="move", photo=name, label="happy")
    assert name not in names_of(root, "angry")
    project.add_class("later")
    undone = decisions.undo()
    assert undone is not None
    assert undone.photo == name
    assert name in names_of(root, "angry")
    assert "later" in project.listing().classes
    assert decisions.all() == []


def test_a_dropped_photo_is_in_the_trash_and_comes_back(root: Path) -> None:
    decisions = Decisions(Project.open(root))
    a, b = names_of(root, "happy")[:2]
    decisions.decide("M301", [a, b], choice="drop", photo=b)
    assert b not in names_of(root, "happy")
    assert len(list((root / ".mien" / "trash").rglob("*.*"))) >= 1
    decisions.undo()
    assert b in names_of(root, "happy")


def test_a_decision_that_the_boards_undo_took_back_no_longer_stands(root: Path) -> None:
    project = Project.open(root)
    decisions = Decisions(project)
    a, b = names_of(root, "angry")[:2]
    decisions.decide("M301", [a, b], choice="drop", photo=b)
    assert project.undo() is not None
    assert (root / b).is_file()
    assert decisions.all() == []


def test_a_decision_that_cannot_be_written_is_not_carried_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open(root)
    decisions = Decisions(project)
    a, b = names_of(root, "angry")[:2]

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="disk is full"):
            decisions.decide("M301", [a, b], choice="drop", photo=b)
    assert (root / b).is_file()
    assert decisions.all() == []


def test_a_kill_between_a_decision_and_its_change_leaves_neither(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = names_of(root, "angry")[:2]
    with monkeypatch.context() as patch:
        patch.setattr(Project, "delete_photos", lambda *_, **__: None)  # killed before it
        Decisions(Project.open(root)).decide("M301", [a, b], choice="drop", photo=b)
    again = Decisions(Project.open(root))
    assert (root / b).is_file()
    assert again.all() == []
    again.decide("M301", [a, b], choice="drop", photo=b)
    assert [one.photo for one in again.all()] == [b]
    again.undo()
    assert (root / b).is_file()
    assert again.all() == []


def test_a_decision_to_keep_outlives_a_new_name_and_a_restart(root: Path) -> None:
    decisions = Decisions(Project.open(root))
    a, b = names_of(root, "happy")[:2]
    kept = decisions.decide("M301", [a, b], choice="keep")
    (root / a).rename(root / "happy" / "renamed.png")
    again = Decisions(Project.open(root))
    assert again.key("M301", [b, "happy/renamed.png"]) == kept.key
    assert [one.key for one in again.all()] == [kept.key]


def test_half_a_line_after_a_kill_loses_nothing_else(root: Path) -> None:
    decisions = Decisions(Project.open(root))
    a, b, c = names_of(root, "happy")[:3]
    decisions.decide("M402", [a], choice="keep")
    with (root / ".mien" / "decisions.jsonl").open("ab") as file:
        file.write(b'{"id": "half')
    decisions.decide("M402", [b], choice="keep")
    assert [one.photo for one in Decisions(Project.open(root)).all()] == [b, a]
    assert c


@pytest.mark.parametrize(
    "body",
    [
        {"code": "M402", "photos": ["angry/none.png"], "choice": "drop", "photo": "angry/none.png"},
        {"code": "M402", "photos": ["angry/a.png"], "choice": "drop", "photo": "happy/b.png"},
        {"code": "M402", "photos": ["angry/a.png"], "choice": "drop"},
    ],
)
def test_a_decision_about_what_is_not_there_is_refused(
    client: TestClient, body: dict[str, Any]
) -> None:
    assert client.post("/api/audit/decide", json=body).status_code == 400
    assert client.get("/api/audit").json()["decisions"] == []


def test_a_decision_that_is_not_well_formed_is_refused(client: TestClient) -> None:
    body = {"code": "<script>", "photos": ["a"], "choice": "keep"}
    assert client.post("/api/audit/decide", json=body).status_code == 422


def test_the_audit_page_knows_what_was_decided_and_what_is_gone(
    client: TestClient, root: Path
) -> None:
    a, b, c, d = names_of(root, "happy")[:4]
    pairs = [
        {"first": one, "second": other, "first_in": "train", "second_in": "train",
         "how": "same bytes", "distance": 0.0}
        for one, other in ((a, b), (c, d))
    ]  # fmt: skip
    finding = {"code": "M301", "severity": "high", "outcome": "issue", "title": "Copies",
               "sentence": "Two.", "photos": [], "test_photos": [], "pairs": pairs,
               "details": {}}  # fmt: skip
    answer = {"findings": [finding], "table": None, "collect_next": None}
    job = {"id": "0-a", "verb": "audit", "state": "done", "began": 0.0, "pid": None,
           "arguments": {"version": "old"}, "answer": answer}  # fmt: skip
    write_json(root / ".mien" / "jobs" / "0-a.json", job)
    state = client.get("/api/audit").json()
    assert state["changed"]
    shown = state["audit"]["findings"][0]["pairs"]
    assert [pair["gone"] for pair in shown] == [False, False]
    decision = {"code": "M301", "photos": [a, b], "choice": "keep"}
    client.post("/api/audit/decide", json=decision)
    decision = {"code": "M301", "photos": [c, d], "choice": "drop", "photo": d}
    client.post("/api/audit/decide", json=decision)
    state = client.get("/api/audit").json()
    shown = state["audit"]["findings"][0]["pairs"]
    assert [pair["gone"] for pair in shown] == [False, True]
    assert shown[0]["key"] in {one["key"] for one in state["decisions"]}
    assert client.post("/api/audit/undo").json()["undone"]["photo"] == d
    shown = client.get("/api/audit").json()["audit"]["findings"][0]["pairs"]
    assert [pair["gone"] for pair in shown] == [False, False]


def test_a_study_without_anything_to_vary_is_refused(client: TestClient) -> None:
    body = {"recipe": "expression", "vary": {}, "seeds": 3, "set": None}
    assert client.post("/api/study/run", json=body).status_code == 422


def test_the_study_page_shows_the_study_that_was_finished_last(
    client: TestClient, root: Path
) -> None:
    assert client.get("/api/study").json()["result"] is None
    assert client.get("/api/study/result.json").status_code == 400
    job = {"id": "0-a", "verb": "study", "state": "done", "began": 0.0, "pid": None,
           "arguments": {}, "answer": {"verdict": "no evidence"}}  # fmt: skip
    write_json(root / ".mien" / "jobs" / "0-a.json", job)
    assert client.get("/api/study").json()["result"] == {"verdict": "no evidence"}
    assert client.get("/api/study/result.json").json() == {"verdict": "no evidence"}


def test_every_verb_that_the_pages_start_is_one_of_the_workers() -> None:
    assert {"train", "exam", "audit", "study", "export"} <= set(worker.VERBS)
    assert "freeze" in worker.VERBS


def test_a_set_that_is_gone_is_told(root: Path, drawn: Path) -> None:
    import shutil

    folder = root.parent / "more"
    shutil.copytree(drawn / "test", folder)
    exams = Exams(root)
    exams.add_set(folder)
    shutil.rmtree(folder)
    (gone,) = exams.sets()
    assert gone.trouble is not None
    assert gone.n == 0
    with pytest.raises(UserError, match="there are no test photos"):
        exams.find_set("f" * 16)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_check_has_a_title_in_every_language(language: str) -> None:
    from mien.audits.catalogue import CHECKS
    from mien.studio.texts import load

    missing = [check.code for check in CHECKS if f"audit.check.{check.code}" not in load(language)]
    assert missing == []
