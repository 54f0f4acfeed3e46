"""Models, the camera and exports in the studio, asked over HTTP as its pages ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.studio.judging import CLASSES, LINE, make_run, names_of, wait_for

from mien.files import write_json
from mien.studio.models import Models
from mien.workflows.predict import predict


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
