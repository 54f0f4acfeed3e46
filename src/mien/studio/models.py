"""The models that a project has: its runs, the latest first, and one of them kept open.

Law: a run is whole when its record is there; what a page names is looked up in this list, so that
no address can point anywhere else on the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.errors import UserError
from mien.model.file import read_model
from mien.studio.errors import StudioError
from mien.workflows.live import Looker
from mien.workflows.runs import MODEL, RECORD, read_run

# A model with its detector is some 30 MB; the pages use one, a comparison two.
_MOST_OPEN: Final = 2


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run of a project.

    Attributes:
        id: Its folder's name.
        folder: Where it lies.
        made: When, in ISO 8601, UTC.
        version: Changes when the run is written anew.
        record: What `mien train` wrote.
    """

    id: str
    folder: Path
    made: str
    version: str
    record: Mapping[str, Any]

    @property
    def model(self) -> Path:
        """Its model file."""
        return self.folder / MODEL

    def summary(self) -> dict[str, Any]:
        """What a list of models shows."""
        record = self.record
        saved: Mapping[str, Any] = next(
            (seed for seed in record["seeds"] if seed["seed"] == record["saved_seed"]), {}
        )
        return {
            "id": self.id,
            "made": self.made,
            "recipe": record["recipe"]["name"],
            "labels": list(record["classes"]),
            "n_photos": record["n_photos"],
            "fingerprint": record["fingerprint"],
            "validation": {
                "accuracy": saved.get("validation_accuracy"),
                "n": saved.get("n_validation"),
            },
        }


class Models:
    """The runs of the project in `root`.

    Args:
        root: The project's folder: only runs that were trained on it count.
        runs: The folder of run folders.
    """

    def __init__(self, root: Path, runs: Path) -> None:
        self._root = root
        self._runs = runs
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], Looker] = {}

    def all(self) -> list[Run]:
        """Every whole run, the latest first."""
        found = []
        for path in self._runs.glob(f"*/{RECORD}"):
            try:
                stamp = path.stat().st_mtime_ns
                record = read_run(path.parent)
            except (OSError, UserError):
                continue  # being written, or not ours: a list shows what can be used
            if Path(record.get("photos", "")).absolute() == self._root:
                found.append((stamp, path.parent, record))
        found.sort(key=lambda one: (one[0], one[1].name), reverse=True)
        return [_run(folder, stamp, record) for stamp, folder, record in found]

    def get(self, run_id: str | None) -> Run:
        """The run of this id, or the latest one.

        Raises:
            StudioError: There is none.
        """
        for run in self.all():
            if run_id in (None, "", run.id):
                return run
        raise StudioError("no_model")

    def looker(self, run: Run) -> Looker:
        """The run's model, open; the latest ones used stay open.

        Raises:
            UserError: The model or its face detector cannot be used.
        """
        key = (run.id, run.version)
        with self._lock:
            looker = self._open.pop(key, None) or Looker(read_model(run.model))
            self._open[key] = looker
            while len(self._open) > _MOST_OPEN:
                self._open.pop(next(iter(self._open)))
        return looker


def _run(folder: Path, stamp: int, record: Mapping[str, Any]) -> Run:
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp / 1e9))
    return Run(id=folder.name, folder=folder, made=made, version=f"{stamp:x}", record=record)
