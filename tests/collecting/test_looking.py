"""Pictures are looked over in processes as in threads, and by threads where no process is left."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mien.collecting import Settings, looking
from mien.collecting.cleaning import Cleaned
from mien.collecting.copies import Look, Sketch, look_at_all
from mien.collecting.looking import Looked, Looker, look_over
from mien.collecting.records import Unusable
from mien.records import Face


@pytest.fixture
def looker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looker]:
    monkeypatch.setattr(looking, "_EXPECTED", 1)
    looker = Looker(Settings(processes=1))
    looker.expect(1)
    looker._processes[0].ready.result(timeout=60)
    yield looker
    looker.close()


def test_a_process_tells_the_same_as_a_thread_and_a_dead_one_is_no_loss(
    looker: Looker, drawn: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = look_over(drawn, keep="original", find_faces=None, near_copies=True)
    with monkeypatch.context() as patched:
        patched.setattr(looking, "look_over", None)  # a thread would call it
        *there, refused = looker([*drawn, drawn[0][:500]])
    assert isinstance(refused, Unusable)
    assert refused.reason == "broken picture"
    for one, other in zip(there, apart, strict=True):
        assert isinstance(one, Looked)
        assert isinstance(other, Looked)
        assert (one.data, one.ending, one.edits) == (other.data, other.ending, other.edits)
        assert one.look is not None
        assert other.look is not None
        assert (one.look.hashes == other.look.hashes).all()
        assert (one.look.thumb == other.look.thumb).all()
        assert np.allclose(one.look.parts, other.look.parts, atol=1e-3)

    os.kill(looker._processes[0].pid, signal.SIGKILL)
    for one, other in zip(looker(drawn[1:3]), apart[1:3], strict=True):
        assert isinstance(one, Looked)
        assert isinstance(other, Looked)
        assert one.data == other.data


def test_of_a_busy_process_the_looks_are_finished_here_and_are_the_same(
    looker: Looker, drawn: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = look_over(drawn[:3], keep="original", find_faces=None, near_copies=True)
    finished: list[int] = []

    def counted(sketches: list[Sketch]) -> list[Look]:
        finished.append(len(sketches))
        return look_at_all(sketches)

    monkeypatch.setattr(looking, "look_at_all", counted)
    looker(drawn[:3])
    assert finished == [0]  # an idle process did it all
    busy = looker._processes[0].ask((drawn * 9, True))
    *there, refused = looker([*drawn[:3], b"GIF89a"])
    assert finished == [0, 3]
    assert isinstance(refused, Unusable)
    for one, other in zip(there, apart, strict=True):
        assert isinstance(one, Looked)
        assert isinstance(other, Looked)
        assert one.look is not None
        assert other.look is not None
        assert one.data == other.data
        assert (one.look.hashes == other.look.hashes).all()
        assert np.allclose(one.look.parts, other.look.parts, atol=1e-3)
    assert len(busy.result(timeout=60)) == 9 * len(drawn)


def test_large_pictures_are_looked_over_one_by_one(
    drawn: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now: list[int] = []

    def face(_: object) -> list[Face]:
        open_now.append(sum(isinstance(one, Cleaned) for one in gc.get_objects()))
        return [Face(xyxy_px=(60, 60, 190, 190), confidence=1.0)]

    for most, n in ((10**9, 4), (1000, 1)):
        monkeypatch.setattr(looking, "_LARGE_BYTES", most)
        open_now.clear()
        answers = look_over(drawn[:4], keep="clean", find_faces=face, near_copies=False)
        assert [isinstance(one, Looked) for one in answers] == [True] * 4
        assert max(open_now) == n


def test_few_pictures_start_no_process(drawn: list[bytes]) -> None:
    looker = Looker(Settings(processes=2))
    looker.expect(120)
    (looked,) = looker(drawn[:1])
    assert isinstance(looked, Looked)
    assert looked.ending == ".jpg"
    assert not looker._processes


PROGRAM = """
import time
from mien.collecting import Settings, looking
looking._EXPECTED = 1
looker = looking.Looker(Settings(processes=1))
looker.expect(1)
looker._processes[0].ready.result()
print(looker._processes[0].pid, flush=True)
time.sleep(60)
"""


def test_no_process_outlives_a_killed_collector(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    parent = subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)  # it is there
    parent.send_signal(signal.SIGKILL)
    with parent.stdout, parent.stderr:
        assert parent.stderr.read() == ""  # nothing is left to be cleaned up, nor said
    parent.wait()
    until = time.monotonic() + 10
    while _is_there(child):
        assert time.monotonic() < until, "the process outlived its parent"
        time.sleep(0.05)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody waits for yet has ended as well.
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_a_detector_without_a_name_keeps_all_work_in_threads(drawn: list[bytes]) -> None:
    looker = Looker(Settings(processes=1, find_faces=lambda _pixels: []))
    looker.expect(10**6)
    assert not looker._processes
    (refused,) = looker(drawn[:1])
    assert isinstance(refused, Unusable)
    assert refused.reason == "no face"
