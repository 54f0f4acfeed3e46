"""Long work in processes of its own, with a record on disk that outlives tabs and servers.

::

    .mien/jobs/ID.json     what was asked, its state, its answer; replaced as a whole
    .mien/jobs/ID.jsonl    what happened meanwhile, one event a line, read from an offset

Knows nothing of what the work is: `worker.VERBS` does. Laws: a job runs in a process, so that it
can be stopped and cannot take the server with it; one at a time, because a second would only slow
the first; a job whose process is gone without an answer is ``lost``, never ``running``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mien.files import read_json, write_json
from mien.studio.errors import DISK_FULL, DISK_FULL_EXIT, StudioError
from mien.studio.journal import new_id

RUNNING: Final = "running"
_KEEP: Final = 50


class Jobs:
    """The jobs of one project.

    Args:
        folder: Where their records lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Start work; returns its record.

        Args:
            verb: A key of `worker.VERBS`.
            arguments: What it gets, plain JSON.

        Raises:
            StudioError: Another job is running.
        """
        with self._lock:
            if any(job["state"] == RUNNING for job in self.all()):
                raise StudioError("busy")
            number = new_id()
            record = {
                "id": number, "verb": verb, "arguments": dict(arguments),
                "state": RUNNING, "began": time.time(), "pid": None,
            }  # fmt: skip
            path = self._folder / f"{number}.json"
            write_json(path, record)
            process = subprocess.Popen(
                [sys.executable, "-m", "mien.studio.worker", str(path)],
                stdin=subprocess.DEVNULL,
                # Ctrl-C in the terminal ends the server; what is being trained may finish.
                start_new_session=True,
            )
            self._processes[number] = process
        return {**record, "pid": process.pid}

    def get(self, number: str) -> dict[str, Any]:
        """A job's record, its state checked against the living.

        Raises:
            StudioError: There is none of this number.
        """
        if not number.replace("-", "").isalnum() or not (self._folder / f"{number}.json").is_file():
            raise StudioError("job_gone")
        record: dict[str, Any] = read_json(self._folder / f"{number}.json", what="job record")
        if record["state"] == RUNNING and not self._is_alive(record):
            # It may have ended between the two looks.
            record = read_json(self._folder / f"{number}.json", what="job record")
            if record["state"] == RUNNING:
                record |= self._how_it_went(number)
        elif record["state"] != RUNNING and (process := self._processes.pop(number, None)):
            # A process that has told its end is about to go; nobody else waits for it.
            process.wait(timeout=30)
        return record

    def all(self) -> list[dict[str, Any]]:
        """All records, the latest first."""
        if not self._folder.is_dir():
            return []
        names = sorted((path.stem for path in self._folder.glob("*.json")), reverse=True)
        return [self.get(name) for name in names[:_KEEP]]

    def is_busy(self) -> bool:
        """Whether a job that this server started is running."""
        return any(process.poll() is None for process in list(self._processes.values()))

    def latest(self, verb: str) -> dict[str, Any] | None:
        """The latest job of a verb."""
        return next((job for job in self.all() if job["verb"] == verb), None)

    def events(self, number: str, *, offset: int = 0) -> tuple[list[Any], int]:
        """What happened from a byte offset on, and the offset for the next look."""
        path = self._folder / f"{self.get(number)['id']}.jsonl"
        if not path.is_file():
            return [], offset
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()], offset + len(whole)

    def cancel(self, number: str) -> None:
        """Stop a job; what it had written stays whole, because files are renamed into place."""
        record = self.get(number)
        if record["state"] != RUNNING:
            return
        process = self._processes.get(number)
        pid = process.pid if process else record["pid"]
        try:
            write_json(
                self._folder / f"{number}.json",
                {**record, "state": "cancelled", "ended": time.time()},
            )
        finally:
            # On a full disk, too: stopping may be what frees it.
            if pid:
                _stop(pid)
            if process:
                process.wait(timeout=10)

    def _how_it_went(self, number: str) -> dict[str, Any]:
        """The end of a job that could not write its own."""
        process = self._processes.get(number)
        if process is not None and process.returncode == DISK_FULL_EXIT:
            return {"state": "failed", "error": DISK_FULL}
        return {"state": "lost"}

    def _is_alive(self, record: Mapping[str, Any]) -> bool:
        process = self._processes.get(record["id"])
        if process is not None:
            return process.poll() is None
        pid: int | None = record["pid"]
        if pid is None:
            # Begun by a server that was killed before the process wrote its number down.
            return bool(time.time() - record["began"] < 10)
        return _is_worker(pid)


def _is_worker(pid: int) -> bool:
    """Whether the process is there and, where the system tells, is a worker of ours."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    command = Path(f"/proc/{pid}/cmdline")
    try:
        return bool(b"mien.studio.worker" in command.read_bytes())
    except OSError:
        return not Path("/proc/self").exists()


def _stop(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
