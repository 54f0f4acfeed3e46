"""Pictures are looked over in processes as in threads, and by threads where no process is left."""

from __future__ import annotations

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
from mien.collecting.looking import Looker, look_over
from mien.collecting.records import Unusable


@pytest.fixture
def looker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looker]:
    monkeypatch.setattr(looking, "_EXPECTED", 1)
    looker = Looker(Settings(processes=1))
    looker.expect(1)
    for ready in looker._ready:
        ready.result(timeout=60)
    yield looker
    looker.close()


def test_a_process_tells_the_same_as_a_thread_and_a_dead_one_is_no_loss(
    looker: Looker, drawn: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = [look_over(one, keep="original", find_faces=None, near_copies=True) for one in drawn]
    with monkeypatch.context() as patched:
        patched.setattr(looking, "look_over", None)  # a thread would call it
        there = [looker(one) for one in drawn]
        with pytest.raises(Unusable) as refused:
            looker(drawn[0][:500])
    assert refused.value.reason == "broken picture"
    for one, other in zip(there, apart, strict=True):
        assert (one.data, one.ending, one.edits) == (other.data, other.ending, other.edits)
        assert one.look is not None
        assert other.look is not None
        assert (one.look.hashes == other.look.hashes).all()
        assert (one.look.thumb == other.look.thumb).all()
        assert np.allclose(one.look.parts, other.look.parts, atol=1e-3)

    assert looker._pool is not None
    for process in list(looker._pool._processes.values()):
        process.kill()
    assert looker(drawn[1]).data == apart[1].data
    assert looker(drawn[2]).data == apart[2].data


def test_few_pictures_start_no_process(drawn: list[bytes]) -> None:
    looker = Looker(Settings(processes=2))
    looker.expect(120)
    assert looker(drawn[0]).ending == ".jpg"
    assert looker._pool is None


PROGRAM = """
import sys, time
from mien.collecting import Settings, looking
from mien.collecting.looking import Looker
if __name__ == "__main__":
    looking._EXPECTED = 1
    looker = Looker(Settings(processes=1))
    looker.expect(1)
    looker._ready[0].result()
    print(*looker._pool._processes, flush=True)
    time.sleep(60)
"""


def test_no_process_outlives_a_killed_collector(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    parent = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)  # it is there
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
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
    assert looker._pool is None
    with pytest.raises(Unusable, match="no face"):
        looker(drawn[0])
