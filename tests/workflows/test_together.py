"""Copies and photos of one person stay on one side of a fold, from the folder to the verdict."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.backbone.weights import Backbone
from mien.dataset.folder import read_dataset
from mien.dataset.groups import persons
from mien.errors import DatasetError
from mien.head import recipe as recipes
from mien.records import Dataset
from mien.workflows import together
from mien.workflows.embedder import embedder_for
from mien.workflows.measuring import measure_dataset
from mien.workflows.study import study
from mien.workflows.together import clusters_of, people_of, units_of
from mien.workflows.train import train


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    """The drawn faces without their persons; two are copied, one re-encoded, one byte by byte."""
    folder = tmp_path / "photos"
    shutil.copytree(drawn / "train", folder, ignore=shutil.ignore_patterns("groups.csv", ".mien"))
    first, second = sorted((folder / "happy").glob("*.*"))[:2]
    Image.open(first).convert("RGB").save(folder / "happy" / "again.jpg", quality=70)
    shutil.copy(second, folder / "happy" / f"same{second.suffix}")
    return folder


def test_near_copies_and_equal_bytes_are_one_unit(photos: Path, small_backbone: Backbone) -> None:
    dataset = read_dataset(photos)
    embedder = embedder_for(recipes.RECIPES["small"])
    units = units_of(dataset, embedder=embedder)
    sizes = Counter(units.tolist())
    assert sorted(sizes.values())[-3:] == [1, 2, 2]
    together = {
        frozenset(
            Path(p.name).stem for p, one in zip(dataset.photos, units, strict=True) if one == u
        )
        for u, n in sizes.items()
        if n > 1
    }
    assert any("again" in names for names in together)
    assert any("same" in names for names in together)
    # Bytes and persons alone tell of one pair.
    assert sorted(Counter(people_of(dataset).tolist()).values())[-2:] == [1, 2]


def test_copies_are_looked_for_once_for_the_same_photos_and_anew_for_others(
    photos: Path, small_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = embedder_for(recipes.RECIPES["small"])
    looked: list[Dataset] = []

    def measured(dataset: Dataset, **more: Any) -> Any:
        looked.append(dataset)
        return measure_dataset(dataset, **more)

    monkeypatch.setattr(together, "measure_dataset", measured)
    first = units_of(read_dataset(photos), embedder=embedder)
    assert units_of(read_dataset(photos), embedder=embedder).tolist() == first.tolist()
    # Persons are no part of what is kept: they may be written down at any time.
    named = [f"happy/{path.name},p1" for path in sorted((photos / "happy").iterdir())]
    (photos / "groups.csv").write_text("path,person\n" + "\n".join(named), encoding="utf-8")
    dataset = read_dataset(photos)
    units = units_of(dataset, embedder=embedder)
    assert len({u for p, u in zip(dataset.photos, units, strict=True) if p.label == "happy"}) == 1
    assert len(looked) == 1
    (photos / "happy" / "again.jpg").unlink()
    units_of(read_dataset(photos), embedder=embedder)
    assert len(looked) == 2
    monkeypatch.setattr(together, "_rules", lambda: "other thresholds")
    units_of(read_dataset(photos), embedder=embedder)
    assert len(looked) == 3


def test_a_class_of_one_person_cannot_be_scored_out_of_fold(
    photos: Path, small_backbone: Backbone, tmp_path: Path
) -> None:
    rows = [f"happy/{path.name},p1" for path in sorted((photos / "happy").iterdir())]
    (photos / "groups.csv").write_text("path,person\n" + "\n".join(rows), encoding="utf-8")
    with pytest.raises(DatasetError, match="class 'happy' has 1 persons or photos"):
        study(
            photos, recipe="small-logistic", vary=["inner_folds=2,3"], folds=3, out=tmp_path / "s"
        )
    with pytest.raises(DatasetError, match="class 'happy' has 1 persons or photos"):
        train(photos, recipe="small-logistic", cross_validate=(1, 3), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_photos_without_a_person_stand_alone() -> None:
    assert persons([{"person": "a"}, {}, {"person": "a"}, {}]) is not None
    assert persons([{"person": "a"}, {}, {}]) is None
    assert clusters_of(np.array([0, 1, 2])) is None
    assert clusters_of(np.array([0, 1, 0])) == ["0", "1", "0"]
