"""A published study as a folder: its photos, its exported models, the tables it printed.

```
PAPER/
  published.json           the printed tables, in percent
  train/  test/            class folders
  models/epochs-E_lr-L/    its exported models
```

Knows how such a folder is laid out and nothing of what the numbers mean. The folder comes from
elsewhere: every value is checked before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mien.errors import UserError
from mien.files import read_json

Printed: TypeAlias = Mapping[str, Mapping[float, float]]
"""Setting -> value -> printed accuracy, a share."""

_MODEL_NAME = re.compile(r"epochs-(\d+)_lr-(0?\.\d+|\d+)")
_HINT = "Give the folder of the study: published.json, train/, test/ and models/."


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One of the study's own exported models."""

    path: Path
    epochs: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What the study published.

    Attributes:
        root: The folder.
        epochs: Epochs -> printed accuracy, a share.
        learning_rate: Learning rate -> printed accuracy, a share.
        hidden_split: Class -> printed accuracy on the photos Teachable Machine held out.
        n_hidden_split: Photos of each class in it.
        table_columns: Headings of the printed table of photos.
        table: Class -> printed number of photos a heading.
        models: Its exported models, by epochs and learning rate.
    """

    root: Path
    epochs: Mapping[int, float]
    learning_rate: Mapping[float, float]
    hidden_split: Mapping[str, float]
    n_hidden_split: int
    table_columns: tuple[str, ...]
    table: Mapping[str, tuple[int, ...]]
    models: tuple[PublishedModel, ...]

    @property
    def train(self) -> Path:
        """The folder of training photos."""
        return self.root / "train"

    @property
    def test(self) -> Path:
        """The folder of test photos."""
        return self.root / "test"


def read_paper(root: Path) -> Paper:
    """Read a study's folder.

    Raises:
        UserError: The folder, a table or the photos are not there, or not as expected.
    """
    for part in ("train", "test"):
        if not (root / part).is_dir():
            raise UserError(f"'{root}' holds no folder '{part}'", _HINT)
    printed = read_json(root / "published.json", what="table of published results")
    try:
        hidden, table = printed["hidden_split_per_class"], dict(printed["dataset_table"])
        columns = tuple(map(str, table.pop("columns")))
        return Paper(
            root=root,
            epochs={int(k): v for k, v in _shares(printed["epochs"]).items()},
            learning_rate={float(k): v for k, v in _shares(printed["learning_rate"]).items()},
            hidden_split={str(k): _share(v) for k, v in hidden["accuracy"].items()},
            n_hidden_split=int(hidden["n_each"]),
            table_columns=columns,
            table={str(label): tuple(map(int, row)) for label, row in table.items()},
            models=_models(root / "models"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"'{root / 'published.json'}' is not a table of published results: {error!r}", _HINT
        ) from error


def read_printed(path: Path) -> Printed:
    """Read the printed accuracies of a study alone.

    Raises:
        UserError: The file holds none.
    """
    printed = read_json(path, what="table of published results")
    try:
        return {
            setting: {float(k): v for k, v in _shares(printed[setting]).items()}
            for setting in ("epochs", "learning_rate")
            if setting in printed
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"'{path}' is not a table of published results: {error!r}",
            'Such as {"epochs": {"accuracy_percent": {"20": 45}}}.',
        ) from error


def _shares(table: Mapping[str, Any]) -> dict[str, float]:
    return {key: _share(value / 100) for key, value in table["accuracy_percent"].items()}


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is no share")
    return float(value)


def _models(folder: Path) -> tuple[PublishedModel, ...]:
    found = []
    for path in sorted(folder.glob("*/keras_model.h5")):
        match = _MODEL_NAME.fullmatch(path.parent.name)
        if match:
            found.append(
                PublishedModel(path=path, epochs=int(match[1]), learning_rate=float(match[2]))
            )
    return tuple(sorted(found, key=lambda model: (model.epochs, model.learning_rate)))
