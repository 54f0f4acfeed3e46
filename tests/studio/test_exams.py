"""Exams in the studio: sealed photos, counted looks, the same figures as `mien test`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.studio.judging import CLASSES, make_run, names_of, wait_for

from mien.errors import UserError
from mien.studio.exams import Exams
from mien.studio.project import Project


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


def test_a_set_that_is_gone_is_told(root: Path, drawn: Path) -> None:

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
