"""The pages of the studio, the study's and what every page stands on."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.files import write_json
from mien.studio import worker


@pytest.mark.parametrize("path", ["/exam", "/audit", "/study", "/"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_is_there_in_both_languages(
    client: TestClient, path: str, language: str
) -> None:
    answer = client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize("path", ["/study", "/"])
def test_pages_know_which_settings_make_no_difference(client: TestClient, path: str) -> None:
    (text,) = re.findall(r'data-idle="([^"]+)"', client.get(path).text)
    told = json.loads(html.unescape(text))
    assert told["heads"] == {"expression": "logistic", "teachable-machine": "mlp"}
    assert {"epochs", "learning_rate", "batch_size"} <= set(told["idle"]["logistic"])
    assert told["idle"]["mlp"] == ["l2_strengths", "inner_folds"]


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


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_check_has_a_title_in_every_language(language: str) -> None:
    from mien.audits.catalogue import CHECKS
    from mien.studio.texts import load

    missing = [check.code for check in CHECKS if f"audit.check.{check.code}" not in load(language)]
    assert missing == []
