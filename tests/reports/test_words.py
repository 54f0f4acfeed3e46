"""Pages in Korean: every word of them is in the catalogue, and the sentences of the record."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest

from mien.audits.catalogue import CHECKS
from mien.audits.findings import OUTCOMES, Severity
from mien.errors import UserError
from mien.formats.catalogue import EXPORTERS
from mien.head.recipe import Recipe
from mien.reports.page import study_page
from mien.reports.words import LANGUAGES, words
from mien.studio.texts import say
from mien.workflows.report import report

PAGES = Path(str(files("mien.reports")))
HANGUL = re.compile(r"[가-힣]")
# Asked for by `t("…")`.
ASKED = re.compile(r"""\bt\(\s*"([^"]+)\"""")
SOURCES = sorted(
    [*PAGES.glob("templates/*.html"), *PAGES.glob("templates/*.md"), *PAGES.glob("*.py")]
)
# Asked for by their names in a record.
NAMED = {
    *(field.name.replace("_", " ") for field in dataclasses.fields(Recipe)),
    *OUTCOMES, *get_args(Severity), *(check.title for check in CHECKS),
    *(one.about for one in EXPORTERS.values()),
    "yes", "no", "loss", "accuracy", "mirror", "test photos", "training photos out of fold",
}  # fmt: skip


def record() -> dict[str, Any]:
    cells = [
        {
            "name": f"epochs={epochs}", "vary": {"epochs": epochs}, "mean": mean, "sd": 0.02,
            "low": mean - 0.1, "high": mean + 0.1, "min": mean - 0.03, "max": mean + 0.03,
            "validation": None, "n_diverged": 0, "candidate": True,
            "per_class": {"happy": mean, "sad": mean},
        }
        for epochs, mean in ((20, 0.56), (50, 0.57), (100, 0.57))
    ]  # fmt: skip
    return {
        "photos": "/photos/faces", "scored_on": "training photos out of fold", "n_scored": 116,
        "n_photos": 116, "classes": ["happy", "sad"], "cells": cells, "seeds": 6, "n_runs": 18,
        "complete": True, "winner": None, "candidates": ["epochs=20"], "chosen": "epochs=20",
        "mean_accuracy": 0.57, "luck": 0.59, "recipe": {"name": "teachable-machine", "epochs": 50},
        "curves": [], "command": "mien study faces", "rejects": [],
        "sentences": ["Train the recipe to use with: mien train faces --set epochs=20"],
    }  # fmt: skip


def test_the_catalogue_knows_every_word_of_the_pages_and_no_other() -> None:
    known = json.loads((PAGES / "texts" / "page.ko.json").read_text("utf-8"))
    asked = {text for path in SOURCES for text in ASKED.findall(path.read_text("utf-8"))}
    assert len(asked) > 250
    assert set(known) == asked | NAMED
    for english, korean in known.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", korean)), english


def test_the_checks_are_called_in_the_pages_as_in_the_studio() -> None:
    for check in CHECKS:
        assert words("ko")(check.title) == say("ko", f"audit.check.{check.code}")


def test_verbs_offer_the_languages_that_there_are() -> None:
    for verb in ("report", "audit", "reproduce", "export"):
        command = importlib.import_module(f"mien.cli.{verb}").command
        (option,) = [one for one in command.params if one.name == "lang"]
        assert tuple(option.type.choices) == LANGUAGES


def test_a_sentence_that_nobody_translated_is_marked_as_english() -> None:
    strange = record() | {"sentences": ["A sentence & a half."]}
    assert '<p><span lang="en">A sentence &amp; a half.</span></p>' in study_page(
        strange, language="ko"
    )
    assert "<p>A sentence &amp; a half.</p>" in study_page(strange)


def test_a_class_may_be_called_like_a_placeholder() -> None:
    text = words("ko")("{label} answered with {answer}: {n}", label="{n}", answer="b", n=3)
    assert text == "실제 {n}, 답 b: 3장"


def test_a_korean_page_is_korean_in_its_headings_figures_and_sentences() -> None:
    page = study_page(record(), language="ko")
    assert '<html lang="ko">' in page
    headings = re.findall(r"<h[12]>([^<]+)</h[12]>", page)
    assert len(headings) >= 4
    assert all(HANGUL.search(one) for one in headings), headings
    assert "추천 설정으로 학습하는 명령: mien train faces" in page
    assert ">에포크</text>" in page
    assert "59%" in page  # no space, as Korean is written


def test_an_english_page_has_no_korean_in_it() -> None:
    page = study_page(record())
    assert not HANGUL.search(page)
    assert "Study of faces" in page
    assert "59\u00a0%" in page


def test_the_verb_writes_the_page_in_the_language_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "study.json"
    source.write_text(json.dumps(record()), encoding="utf-8")
    made = report(source, language="ko")
    assert "faces 연구" in Path(made.page).read_text("utf-8")


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UserError, match="language is 'fr', expected one of en, ko"):
        words("fr")


def test_every_share_in_a_sentence_is_written_by_one_helper() -> None:
    sources = Path(str(files("mien"))).rglob("*")
    own = [
        f"{path.name}: {line.strip()}"
        for path in sources
        if path.suffix in {".py", ".md", ".html"}
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"""\{[^{}%\s]*[^{}%]*:\.?\d*%\}""", line)
    ]
    assert not own  # `mien.words.percent` says «81 %», never «81%», and never «0 %» of a few
