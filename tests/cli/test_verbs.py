"""The command line as a user meets it: help, exit codes, one JSON document."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.cli import VERBS, main

KEYS = {"mien", "verb", "seconds", "rejects"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mien", *arguments], capture_output=True, text=True, check=False
    )


def test_help_lists_every_verb() -> None:
    done = run("--help")
    assert done.returncode == 0
    for verb, (_, line) in VERBS.items():
        assert verb in done.stdout
        assert line.split()[0] in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


def test_importing_mien_loads_nothing_heavy() -> None:
    code = "import sys, mien; print(*(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"jax", "onnxruntime", "numpy", "sklearn", "cv2", "scipy"}


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from mien.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"jax", "onnxruntime", "numpy", "sklearn", "cv2", "scipy"}


def test_a_wrong_verb_suggests_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["train", "audit", "split"])
def test_a_missing_folder_is_one_line_and_exit_code_1(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([verb, "nowhere"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nowhere" in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_a_wrong_setting_is_exit_code_1_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path), "--epochs", "many"]) == 1
    assert "epochs" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["10", "x", "0by3", "10x"])
def test_a_wrong_cross_validation_is_wrong_usage(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "photos", "--cross-validate", text]) == 2
    assert "REPEATSxFOLDS" in capsys.readouterr().err


def test_a_set_without_a_value_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "photos", "--set", "epochs"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_the_demo_prints_one_json_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.workflows import demo

    # A smaller one: `make demo` draws it whole.
    monkeypatch.setattr(demo, "PHOTOS_PER_CLASS", 8)
    monkeypatch.setattr(demo, "TEST_PHOTOS_PER_CLASS", 3)
    monkeypatch.setattr(demo, "SEEDS", 2)
    began = time.monotonic()
    assert main(["demo", "--out", str(tmp_path / "demo"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) > KEYS | {"train", "next"}
    assert document["train"]["exam"]["n"] == 15
    assert document["seconds"] <= time.monotonic() - began
    assert main(["predict", document["train"]["run"], document["test_photos"], "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["photos"]) == 15


def test_the_demo_does_not_overwrite_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "no demo of mien" in capsys.readouterr().err
