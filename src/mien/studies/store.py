"""A study's folder: what was asked, and every finished run, each a file of its own.

```
STUDY/
  plan.json              photos, cells and seeds: what was asked, and of what
  runs/CELL-SEED.json    one finished run each
  study.json             the record; written when the study ends, whole or interrupted
```

Knows files and runs, not how a run is computed. Law: a file that is there is whole; a run belongs
to the photos of the plan; the order in which runs were finished leaves no trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mien.errors import UserError
from mien.files import read_json, write_json, write_text
from mien.head.fitted import History
from mien.records import plain
from mien.studies.jobs import Job, Run

PLAN: Final = "plan.json"
RECORD: Final = "study.json"
# Bump when runs mean something else than before: old folders are then refused, not mixed in.
VERSION: Final = 1


class Store:
    """The folder of one study; made by `Store.open`."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder

    @classmethod
    def open(cls, folder: Path, *, material: str, plan: Mapping[str, Any]) -> Store:
        """Open a study's folder, making it where it is missing.

        Args:
            folder: New, empty, or of a study of the same photos, whose runs then count here too.
            material: Digest of the photos and of how they are used.
            plan: What is asked, for people who look into the folder.

        Raises:
            UserError: The folder holds something else, or a study of other photos.
        """
        path = folder / PLAN
        if path.is_file():
            known = read_json(path, what="plan of a study")
            if not isinstance(known, dict) or known.get("version") != VERSION:
                raise UserError(
                    f"'{path}' is not a plan that this version of mien can go on with",
                    "Choose another folder with --out.",
                )
            if known.get("material") != material:
                raise UserError(
                    f"'{folder}' holds a study of other photos, or of photos used otherwise",
                    "Choose another folder with --out, or remove it.",
                )
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(
                f"'{folder}' is not empty and holds no study",
                "Choose an empty or new folder with --out.",
            )
        write_json(path, {"version": VERSION, "material": material, **plan})
        return cls(folder)

    def keep(self, run: Run) -> None:
        """Write a finished run."""
        write_text(self._path(run.cell, run.seed), json.dumps(plain(run), ensure_ascii=False))

    def known(self, jobs: Iterable[Job]) -> dict[tuple[str, int], Run]:
        """The finished runs of some jobs, by cell and seed."""
        wanted = [(cell.key, job.seed) for job in jobs for cell in job.cells]
        return {key: self._read(*key) for key in wanted if self._path(*key).is_file()}

    def finish(self, record: object) -> Path:
        """Write the study's record."""
        path = self.folder / RECORD
        write_json(path, plain(record))
        return path

    def _path(self, cell: str, seed: int) -> Path:
        return self.folder / "runs" / f"{cell}-{seed}.json"

    def _read(self, cell: str, seed: int) -> Run:
        path = self._path(cell, seed)
        value = read_json(path, what="run of a study")
        try:
            history = value.pop("history")
            run = Run(
                **{**value, "predicted": tuple(map(int, value["predicted"]))},
                history=None if history is None else _history(history),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"'{path}' is not a run of a study: {error!r}", "Remove the file: it is run again."
            ) from error
        if (run.cell, run.seed) != (cell, seed):
            raise UserError(f"'{path}' holds another run than its name says", "Remove the file.")
        return run


def _history(value: Mapping[str, Any]) -> History:
    # A loss that was not a number stands as null in JSON.
    def column(name: str) -> tuple[float, ...]:
        return tuple(float("nan") if one is None else float(one) for one in value[name])

    return History(
        train_loss=column("train_loss"),
        train_accuracy=column("train_accuracy"),
        validation_loss=column("validation_loss"),
        validation_accuracy=column("validation_accuracy"),
    )
