"""`mien export` and `mien import` at the command line: one document, clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.cli import main
from mien.formats import parity, programs
from mien.formats.asking import Said
from mien.formats.programs import NotHereError
from mien.model import Model, write_model
from mien.records import Dense, Head


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def absent(*_: object) -> Said:
        raise NotHereError("left to tests/consumers")

    held = {k: v if k == "mien" else absent for k, v in parity.CONSUMERS.items()}
    monkeypatch.setattr(parity, "CONSUMERS", held)
    monkeypatch.setattr(programs, "LIBRARIES", {})
    backbone = random_backbone(seed=0, size_px=32)
    kernel = np.random.default_rng(0).normal(0, 0.1, (1280, 2)).astype(np.float32)
    path = tmp_path / "model.onnx"
    write_model(
        path,
        Model(
            labels=("calm", "sad"),
            preprocessing="orient | crop:centre | resize:32:lanczos | scale:-1:1",
            backbone=fold(backbone.weights),
            backbone_name="random",
            backbone_sha256=backbone.weights.sha256,
            head=Head(layers=(Dense(kernel=kernel, bias=None, activation="softmax"),)),
        ),
    )
    return path


def test_export_and_import_print_one_document_each(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(model), "--to", "keras", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verb"] == "export"
    assert {"file", "consumer", "checked", "max_abs_diff", "same_top", "n"} <= set(
        told["parity"][0]
    )
    source = str(out / "keras_model.h5")
    assert main(["import", source, "--out", str(tmp_path / "back.onnx"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verb"] == "import"
    assert told["classes"] == {"calm": None, "sad": None}


def test_in_words_export_names_what_was_checked_and_what_was_not(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(model), "--to", "keras", "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.endswith("100% of 20 ")] == [
        ["keras_model.h5", "mien"]
    ]
    assert "Not checked: model.keras in keras: left to tests/consumers" in lines
    assert lines[-1] == f"  {tmp_path / 'out' / 'README.md'}"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["export", "MODEL", "--to", "coreml", "--out", "x"], 2, "coreml"),
        (["export", "absent.onnx", "--to", "keras", "--out", "x"], 1, "absent.onnx"),
        (["export", "MODEL", "--to", "litert-int8", "--out", "x"], 1, "--photos"),
        (["import", "absent.tm", "--out", "x"], 1, "absent.tm"),
        (["import", "MODEL", "--out", "x"], 1, "no model that mien knows"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(
    arguments: list[str], code: int, word: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(model) if one == "MODEL" else one for one in arguments]
    assert main(given) == code
    assert word in capsys.readouterr().err
