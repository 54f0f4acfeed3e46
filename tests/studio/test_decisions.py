"""What is decided about an audit's findings in the studio, and that nothing of it is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.studio.judging import names_of

from mien.errors import UserError
from mien.files import write_json
from mien.studio.decisions import Decisions
from mien.studio.project import Project


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
