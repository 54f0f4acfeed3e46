"""`mien export` and `mien import` at the command line: one document, clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture
def things(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people hand over, beside the model."""
    monkeypatch.chdir(model.parent)
    Path("text.tflite").write_text("hello, world")
    Path("empty.tm").write_bytes(b"")
    Path("a.json").write_text('{"a": 1}')
    Path("photos/sad").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save("photos/sad/1.png")


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
    assert [line.split()[:2] for line in lines if line.endswith("100 % of 20 ")] == [
        ["keras_model.h5", "mien"]
    ]
    assert "Not checked: model.keras in keras: left to tests/consumers" in lines
    assert lines[-1] == f"  {tmp_path / 'out' / 'README.md'}"


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["export", "model.onnx", "--to", "coreml", "--out", "x"], 2, "coreml"),
        (["export", "absent.onnx", "--to", "keras", "--out", "x"], 1, "absent.onnx"),
        (["export", "model.onnx", "--to", "litert-int8", "--out", "x"], 1, "--photos"),
        (["import", "absent.tm", "--out", "x"], 1, "absent.tm"),
        (["import", "model.onnx", "--out", "x"], 1, "a model of mien's already: calm, sad"),
        (["import", "photos", "--out", "x"], 1, "Train on it: mien train"),
        (["import", "text.tflite", "--out", "x"], 1, "begins with b'hello, w'"),
        (["import", "empty.tm", "--out", "x"], 1, "is empty: it has 0 bytes"),
        (["import", "a.json", "--out", "x"], 1, "'a.json' holds no model"),
        (["import", "model.onnx", "--out", "empty.tm/x"], 1, "already"),
        (
            ["export", "model.onnx", "--to", "keras", "--out", "empty.tm"],
            1,
            "is a file, not a folder",
        ),
        (
            ["export", "model.onnx", "--to", "keras", "--out", "empty.tm/x"],
            1,
            "is a file, not a folder",
        ),
        (["export", "photos", "--to", "keras", "--out", "x"], 1, "holds no model"),
        (["test", "empty.tm", "--photos", "photos"], 1, "is empty, 0 bytes"),
        (
            ["test", "model.onnx", "--photos", "photos", "--preprocessing", "tm-bowser"],
            1,
            "no preprocessing 'tm-bowser'; expected all, teachable-machine",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(
    arguments: list[str], code: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    assert word in capsys.readouterr().err
    assert not Path("x").exists()


@pytest.mark.parametrize(
    ("to", "code", "word"), [("keras", 0, "a model of"), ("onnx", 1, "already")]
)
def test_the_folder_of_an_export_is_no_folder_of_photos(
    to: str, code: int, word: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, back = model.parent / "out", model.parent / "back.onnx"
    assert main(["export", str(model), "--to", to, "--out", str(out)]) == 0
    assert main(["import", str(out), "--out", str(back)]) == code
    assert word in "".join(capsys.readouterr())


def test_classes_without_names_are_said_and_how_to_name_them(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(model), "--to", "keras", "--out", "out"]) == 0
    Path("out/labels.txt").unlink()
    capsys.readouterr()
    assert main(["import", "out/keras_model.h5", "--out", "model.h5"]) == 1
    assert "--out model.onnx" in capsys.readouterr().err
    assert main(["import", "out/keras_model.h5", "--out", "back.onnx"]) == 0
    assert "Put labels.txt" in capsys.readouterr().err
    Path("out/labels.txt").write_text("0 calm\n")
    assert main(["import", "out/keras_model.h5", "--out", "other.onnx"]) == 1
    told = capsys.readouterr().err
    assert "'out/keras_model.h5': 1 labels for a model of 2 classes: calm" in told


def test_a_model_json_that_the_browser_renamed_is_read(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(model), "--to", "tfjs", "--out", "out"]) == 0
    Path("out/model.json").rename("out/model (1).json")
    assert main(["import", "out/model (1).json", "--out", "back.onnx"]) == 0
    assert "a model of calm, sad" in capsys.readouterr().out
