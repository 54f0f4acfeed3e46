"""The run folder: one execution of a recipe and its record.

```
RUN/
  model.onnx     the model of the run's first sound seed
  history.json   loss and accuracy of every epoch and seed
  answers.json   the exam of the model, and every seed's answers, where there were test photos
  card.md        the model card
  sources.csv    where the training photos are from, for those that were collected
  run.json       the record; written last, so that a folder with it is whole
```

Knows names and places, not how anything is computed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from mien.errors import UserError
from mien.files import nfc, read_json

MODEL: Final = "model.onnx"
HISTORY: Final = "history.json"
ANSWERS: Final = "answers.json"
CARD: Final = "card.md"
RECORD: Final = "run.json"


def new_run_folder(out: Path | None, *, dataset: str, recipe: str) -> Path:
    """Choose and make the folder of a new run.

    Args:
        out: The user's choice; None for the next free ``runs/DATASET-RECIPE-N`` here.
        dataset: Name of the dataset.
        recipe: Name of the recipe.

    Raises:
        UserError: `out` is a file, holds something that is no run, or cannot be made.
    """
    folder = out or next_run_folder(Path("runs"), dataset=dataset, recipe=recipe)
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).is_file():
            raise UserError(
                f"'{folder}' is not empty and is no run of mien",
                "Choose an empty or new folder with --out.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        # A run that is written anew is not whole until its record is there again.
        (folder / RECORD).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the run folder '{folder}': {error.strerror or error}",
            "Choose another with --out.",
        ) from error
    return folder


def read_run(folder: Path) -> dict[str, Any]:
    """Read a run's record.

    Raises:
        UserError: The folder holds no whole run.
    """
    if not (folder / RECORD).is_file():
        raise UserError(
            f"'{folder}' holds no {RECORD}: it is no run, or the run was not finished",
            "Give a folder that 'mien train' wrote.",
        )
    record = read_json(folder / RECORD, what="run record")
    if not isinstance(record, dict):
        raise UserError(f"'{folder / RECORD}' is not a run record", "")
    return record


def next_run_folder(runs: Path, *, dataset: str, recipe: str) -> Path:
    """The next free ``runs/DATASET-RECIPE-N``; it is not made."""
    return _next_free(runs, f"{_safe(dataset)}-{recipe}")


def _next_free(parent: Path, stem: str) -> Path:
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", nfc(name)).strip("-.") or "photos"
