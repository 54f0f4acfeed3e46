from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from mien.backbone import catalogue
from mien.backbone.catalogue import BACKBONES
from mien.backbone.weights import load_backbone, random_backbone
from mien.cli import main
from mien.digest import digest_bytes
from mien.errors import FetchError, ModelError
from mien.face import DETECTORS
from mien.workflows import backbones as workflow

TM = "mobilenet-v2-0.35"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


@pytest.fixture
def yunet_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the file of the detector, which the catalogue then names."""
    path = tmp_path / "downloaded-elsewhere.onnx"
    path.write_bytes(b"a detector")
    entry = DETECTORS["yunet"]
    assert entry.source
    source = dataclasses.replace(
        entry.source, sha256=digest_bytes(b"a detector"), size_bytes=len(b"a detector")
    )
    monkeypatch.setitem(DETECTORS, "yunet", dataclasses.replace(entry, source=source))
    return path


def test_the_list_names_every_backbone_and_detector(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verb"] == "backbones"
    assert document["fetched"] is None
    listed = {entry["name"]: entry for entry in document["backbones"]}
    assert list(listed) == [*BACKBONES, *DETECTORS]
    assert listed[TM]["where"] == "not here"
    assert listed[TM]["path"] is None
    assert listed[TM]["licence"] == "Apache-2.0"
    assert listed["haar"]["where"] == "built in"
    assert listed["yunet"]["kind"] == "face detector"


def test_the_list_says_in_words_how_to_have_what_is_not_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["backbones"]) == 0
    said = capsys.readouterr().out
    assert f"mien backbones fetch {TM}" in said
    assert "gives 1280 numbers" in said


def test_an_unknown_name_is_one_line_that_names_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["backbones", "fetch", "resnet"]) == 1
    said = capsys.readouterr().err
    assert f"'resnet' is unknown, expected one of: {', '.join([*BACKBONES, *DETECTORS])}" in said
    assert said.count("\n") == 1


def test_what_is_built_in_needs_no_fetching(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "fetch", "haar"]) == 1
    assert "'haar' is built in · There is nothing to fetch." in capsys.readouterr().err


def test_a_detectors_file_is_kept_from_a_file(
    yunet_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backbones", "fetch", "yunet", "--from", str(yunet_file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["fetched"] == "yunet"
    assert main(["backbones", "fetch", "yunet", "--from", str(yunet_file)]) == 0
    assert "'yunet' is here" in capsys.readouterr().err
    (entry,) = (e for e in workflow.backbones().backbones if e.name == "yunet")
    assert entry.where == "here"


def test_another_file_is_not_taken_for_a_detectors(yunet_file: Path) -> None:
    yunet_file.write_bytes(b"something")
    with pytest.raises(FetchError, match="is not the file of 'yunet', expected sha256"):
        workflow.fetch_backbone("yunet", source=yunet_file)


def test_a_file_that_is_not_there_is_worded(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"cannot read '.*none\.h5'"):
        workflow.fetch_backbone(TM, source=tmp_path / "none.h5")


def test_a_text_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("not a model")
    with pytest.raises(ModelError, match="not a readable HDF5 file"):
        workflow.fetch_backbone(TM, source=tmp_path / "text.h5")


def test_fetching_what_the_network_cannot_give_names_the_ways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = BACKBONES[TM]
    assert entry.source
    nowhere = dataclasses.replace(entry.source, url="http://127.0.0.1:9/model.zip")
    monkeypatch.setitem(catalogue.BACKBONES, TM, dataclasses.replace(entry, source=nowhere))
    assert main(["backbones", "fetch", TM]) == 1
    said = capsys.readouterr().err
    assert "127.0.0.1:9/model.zip cannot be downloaded" in said
    assert "MIEN_MIRROR" in said
    assert "--from" in said


def test_the_built_in_backbone_needs_no_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = dataclasses.replace(
        BACKBONES[TM], name="inside", kind="builtin", source=None, file_name="inside.npz"
    )
    monkeypatch.setitem(catalogue.BACKBONES, "inside", entry)
    with pytest.raises(FetchError, match="'inside' is built in"):
        workflow.fetch_backbone("inside")


@pytest.mark.study
def test_the_backbone_is_taken_out_of_any_teachable_machine_export(shared: Path) -> None:
    export = sorted((shared / "paper" / "models").glob("*/keras_model.h5"))[0]
    record = workflow.fetch_backbone(TM, source=export)
    (entry,) = (e for e in record.backbones if e.name == TM)
    assert entry.where == "here"
    assert load_backbone(TM).sha256 == BACKBONES[TM].sha256


@pytest.mark.study
def test_the_catalogues_own_zip_is_kept_as_it_is(shared: Path) -> None:
    workflow.fetch_backbone(TM, source=shared / "models" / "teachablemachine-image-model.zip")
    assert load_backbone(TM).sha256 == BACKBONES[TM].sha256


def test_another_network_is_not_taken_for_the_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = random_backbone(0, size_px=32).weights
    monkeypatch.setattr(workflow, "read_tfjs_backbone", lambda _: other)
    (tmp_path / "export.zip").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"holds MobileNetV2 with alpha 0\.35 for 32 px"):
        workflow.fetch_backbone(TM, source=tmp_path / "export.zip")
