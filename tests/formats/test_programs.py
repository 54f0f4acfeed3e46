"""Libraries in processes of their own: answered often, and nothing they do harms the asker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.formats import programs
from mien.formats.programs import AskError, Library, NotHereError, Programs, running_programs

FAKE = Library("fake", "json")

LIBRARY = """
import os, sys, time

def start():
    print("loud at the start", flush=True)

def do(job, asked):
    kind = job["kind"]
    if kind == "raise":
        raise ValueError("first line\\nno such layer")
    if kind == "exit":
        print("Segmentation fault", file=sys.stderr, flush=True)
        os._exit(9)
    if kind == "sleep":
        time.sleep(60)
    if kind == "missing":
        import no_such_library_anywhere
    print("loud in between")
    return {"pid": os.getpid()}
"""


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    shutil.copy(programs.SCRIPTS / "jobs.py", tmp_path)
    (tmp_path / "run_fake.py").write_text(LIBRARY)
    monkeypatch.setattr(programs, "SCRIPTS", tmp_path)
    with running_programs() as running:
        yield running


def test_one_process_answers_again_and_again_whatever_it_prints(running: Programs) -> None:
    answers = [running.start(FAKE).ask({"kind": "fine"}) for _ in range(3)]
    assert len({answer["pid"] for answer in answers}) == 1
    assert answers[0]["pid"] != os.getpid()


def test_what_a_library_raises_is_its_last_word_and_it_goes_on(running: Programs) -> None:
    program = running.start(FAKE)
    with pytest.raises(AskError, match="ValueError: no such layer"):
        program.ask({"kind": "raise"})
    with pytest.raises(NotHereError, match="no_such_library_anywhere"):
        program.ask({"kind": "missing"})
    assert program.ask({"kind": "fine"})


def test_a_library_that_dies_is_an_error_and_is_started_anew(running: Programs) -> None:
    first = running.start(FAKE).ask({"kind": "fine"})
    with pytest.raises(AskError, match="Segmentation fault"):
        running.start(FAKE).ask({"kind": "exit"})
    assert running.start(FAKE).ask({"kind": "fine"}) != first


def test_one_that_takes_too_long_is_ended(
    running: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = running.start(FAKE)
    monkeypatch.setattr(programs, "LIMIT_SECONDS", 0.05)
    with pytest.raises(AskError, match="took over"):
        program.ask({"kind": "sleep"})


def test_programs_end_with_whoever_started_them_first(running: Programs) -> None:
    with running_programs() as inner:
        pid = inner.start(FAKE).ask({"kind": "fine"})["pid"]
    os.kill(pid, 0)  # it runs on for those around
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
