"""What an audit looks at is measured in passing, and the same as if it were measured on its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.audits.facts import to_bytes
from mien.dataset.drawn import draw_dataset
from mien.dataset.folder import read_dataset
from mien.head.recipe import recipe_from
from mien.records import no_progress, say_nothing
from mien.workflows import measuring
from mien.workflows.embedder import embedder_for, with_detector_at_hand
from mien.workflows.measuring import gleaner, measure_dataset, tools_with


def test_photos_that_were_embedded_need_not_be_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    draw_dataset(one, n_per_class=1, classes=("happy", "sad"), size_px=128, seed=1)
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(one / "sad" / "no face.png")
    shutil.copytree(one, other)
    embedder = embedder_for(with_detector_at_hand(recipe_from("expression"), say=say_nothing))

    def parts(root: Path) -> list[bytes]:
        measured, _ = measure_dataset(
            read_dataset(root), tools=tools_with(embedder), progress=no_progress, say=say_nothing
        )
        return [to_bytes(facts) for facts in measured.facts]

    embedder.embed_dataset(read_dataset(other))
    monkeypatch.setattr(measuring, "gleaner", lambda _embedder: None)
    apart = parts(other)
    monkeypatch.undo()

    embedder.embed_dataset(read_dataset(one), glean=gleaner(embedder))
    monkeypatch.setattr(measuring, "decode", None)  # it would be called to open a photo
    assert parts(one) == apart
    assert len(apart) == 3
