"""The contract of every exporter in the catalogue, on a small model."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.korean import english_markdown

from mien.errors import ModelError, UserError
from mien.formats import asking, parity, programs
from mien.formats.asking import Said
from mien.formats.catalogue import EXPORTERS, exporter
from mien.formats.checks import CHECKS
from mien.formats.golden import golden_pictures, scaled
from mien.formats.keras_config import keras_config, walk_layers
from mien.formats.programs import NotHereError
from mien.formats.snippet import snippet
from mien.formats.tensorflow_files import litert_bytes
from mien.model import Model, model_from_bytes, write_model
from mien.reports.readme import export_readme
from mien.workflows.export import export

# Programs and files, called so in any language.
FAMILIAR = (
    *EXPORTERS, "ONNX Keras TensorFlow TensorFlow.js Lite LiteRT SavedModel Edge TPU uint int zip",
    "keras_model.h5 model.keras model.json weights.bin metadata.json model_unquant.tflite",
    "python ms model.savedmodel onnxruntime card.md README English",
)  # fmt: skip
LIGHT = [name for name, one in EXPORTERS.items() if one.extra is None]


@pytest.fixture(autouse=True)
def only_what_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the consumers that need seconds to start to tests/consumers."""

    def absent(*_: object) -> Said:
        raise NotHereError("left to tests/consumers")

    quick = ("mien", "onnxruntime")
    held = {k: v if k in quick else absent for k, v in parity.CONSUMERS.items()}
    monkeypatch.setattr(parity, "CONSUMERS", held)
    monkeypatch.setattr(programs, "LIBRARIES", {})  # nor is one started


def test_every_exporter_has_its_checks() -> None:
    assert {name: one.checks for name, one in EXPORTERS.items()} == CHECKS


def test_the_tables_that_programs_are_started_by_import_nothing_heavy() -> None:
    code = "import sys, mien.formats.programs; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_every_check_names_a_consumer_that_exists() -> None:
    assert {c.consumer for one in EXPORTERS.values() for c in one.checks} <= set(parity.CONSUMERS)


@pytest.mark.parametrize("name", LIGHT)
def test_the_same_model_gives_the_same_bytes(name: str, model: Model) -> None:
    first, second = (EXPORTERS[name].files(model, None) for _ in range(2))
    assert {k: v for k, v in first.items() if "int8" not in k} == {
        k: v for k, v in second.items() if "int8" not in k
    }


@pytest.mark.parametrize("which", ["model", "mirrored"])
@pytest.mark.parametrize("name", LIGHT)
def test_an_export_answers_like_the_model_and_says_what_was_not_checked(
    name: str, which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model: Model = request.getfixturevalue(which)
    write_model(tmp_path / "model.onnx", model)
    record = export(tmp_path / "model.onnx", to=name, out=tmp_path / "out")
    told = record.plain()
    assert set(told["files"]) == {
        p.relative_to(tmp_path / "out").as_posix()
        for p in (tmp_path / "out").rglob("*")
        if p.is_file()
    }
    assert any(one["checked"] for one in told["parity"])
    for one in told["parity"]:
        if not one["checked"]:
            assert one["reason"]
        elif one["tolerance"] is not None:
            assert one["max_abs_diff"] <= one["tolerance"] + one["edge_diff"]
            assert one["tolerance"] <= 1e-4
            browser = one["file"] in ("model.json", "tm-my-image-model.zip")
            assert bool(one["edge_diff"]) == browser
        else:
            assert one["same_top"] >= 0.95
    golden = json.loads((tmp_path / "out" / "golden.json").read_text())
    assert golden["labels"] == list(model.labels)
    assert golden["parity"] == told["parity"]


def test_golden_json_holds_the_models_own_answers_for_the_pictures_beside_it(
    model: Model, tmp_path: Path
) -> None:
    write_model(tmp_path / "model.onnx", model)
    export(tmp_path / "model.onnx", to="keras", out=tmp_path / "out")
    golden = json.loads((tmp_path / "out" / "golden.json").read_text())
    for one in golden["pictures"]:
        image = np.asarray(Image.open(tmp_path / "out" / one["file"]))
        probs = model.probs(scaled(image[None], preprocessing=model.preprocessing))[0]
        np.testing.assert_allclose(one["probs"], probs, atol=1e-6)


def test_several_formats_get_a_folder_each(model: Model, tmp_path: Path) -> None:
    write_model(tmp_path / "model.onnx", model)
    export(tmp_path / "model.onnx", to=["keras", "tfjs"], out=tmp_path / "out")
    assert (tmp_path / "out" / "keras" / "keras_model.h5").is_file()
    assert (tmp_path / "out" / "tfjs" / "model.json").is_file()


def test_the_onnx_export_is_the_model_file_itself(model: Model) -> None:
    files = EXPORTERS["onnx"].files(model, None)
    assert model_from_bytes(files["model.onnx"], name="x").labels == model.labels


def test_an_export_that_parts_from_the_model_is_not_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_: Path, images: np.ndarray) -> Said:
        probs = np.zeros((len(images), 3), np.float32)
        probs[:, 0] = 1
        return Said(probs=probs, version="0", ms=0)

    monkeypatch.setitem(parity.CONSUMERS, "mien", wrong)  # type: ignore[arg-type]
    write_model(tmp_path / "model.onnx", model)
    with pytest.raises(ModelError, match="parts from the model by"):
        export(tmp_path / "model.onnx", to="keras", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setitem(parity.CONSUMERS, "onnxruntime", wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        export(tmp_path / "model.onnx", to="onnx", out=tmp_path / "out")


def test_a_small_variant_that_parts_is_left_out_and_the_rest_is_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "model.onnx", model)
    real = parity.CONSUMERS["onnxruntime"]

    def wrong(path: Path, images: np.ndarray) -> Said:
        said = real(path, images)
        if path.name != "model-int8.onnx":
            return said
        return Said(probs=said.probs[:, ::-1], version=said.version, ms=said.ms)

    monkeypatch.setitem(parity.CONSUMERS, "onnxruntime", wrong)  # type: ignore[arg-type]
    told = export(tmp_path / "model.onnx", to="onnx", out=tmp_path / "out", language="ko").plain()
    assert {one["file"] for one in told["parity"] if one["left_out"]} == {"model-int8.onnx"}
    assert "model-uint8.onnx" in told["files"]
    assert "model-int8.onnx" not in told["files"]
    assert not (tmp_path / "out" / "model-int8.onnx").exists()
    assert "left out" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "README.ko.md" in told["files"]
    korean = (tmp_path / "out" / "README.ko.md").read_text(encoding="utf-8")
    assert english_markdown(korean, names=[*FAMILIAR, *model.labels]) == []
    assert snippet(model, "onnx") in korean
    export(tmp_path / "model.onnx", to="onnx", out=tmp_path / "out")
    assert not (tmp_path / "out" / "README.ko.md").exists()


def test_an_unknown_format_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ModelError, match=r"'coreml'.*onnx, keras"):
        exporter("coreml")


def test_calibration_without_photos_says_what_to_add(model: Model, tmp_path: Path) -> None:
    write_model(tmp_path / "model.onnx", model)
    with pytest.raises(ModelError, match="--photos"):
        export(tmp_path / "model.onnx", to="litert-int8", out=tmp_path / "out")


def test_without_tensorflow_the_error_names_the_extra(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A Python that has nothing: this one without its site-packages.
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv("MIEN_TENSORFLOW_PYTHON", str(bare))
    with pytest.raises(ModelError, match=r"mien\[tensorflow\]"):
        litert_bytes(model)
    monkeypatch.setenv("MIEN_TENSORFLOW_PYTHON", str(tmp_path / "absent"))
    with pytest.raises(ModelError, match="which is not there"):
        litert_bytes(model)


def test_a_python_that_is_not_there_is_a_consumer_that_is_not_there(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda _: None)
    monkeypatch.setenv("MIEN_TENSORFLOW_PYTHON", str(tmp_path / "absent"))
    with pytest.raises(NotHereError, match="absent"):
        asking.CONSUMERS["tf_keras"](
            tmp_path / "keras_model.h5", np.zeros((1, 32, 32, 3), np.float32)
        )


def test_the_keras_description_holds_nothing_that_only_one_keras_knows(model: Model) -> None:
    for layer in walk_layers(keras_config(model)):
        assert "groups" not in layer["config"]
    functional = keras_config(model)["config"]["layers"][1]["config"]["layers"][1]
    # A list of one output is what keeps Keras 3 from opening Teachable Machine's own files.
    assert functional["config"]["output_layers"] == ["out_relu", 0, 0]


def test_the_teachable_machine_zips_hold_what_people_know(model: Model) -> None:
    files = EXPORTERS["teachable-machine"].files(model, None)
    names = {k: set(zipfile.ZipFile(io.BytesIO(v)).namelist()) for k, v in files.items()}
    assert names["tm-my-image-model.zip"] == {"model.json", "weights.bin", "metadata.json"}
    assert names["converted_keras.zip"] == {"keras_model.h5", "labels.txt"}


@pytest.mark.parametrize(
    "preprocessing",
    [
        "orient | crop:centre | resize:32:lanczos | scale:-1:1",
        "resize:32:area | grey | mirror | scale:-1:1",
        "orient | resize:32:bilinear | bgr | divide:127:minus:1",
    ],
)
def test_the_readmes_program_answers_as_the_model_does(
    preprocessing: str, model: Model, tmp_path: Path
) -> None:
    import dataclasses

    from mien.image.decode import decode
    from mien.image.preprocessing import Preprocessing

    other = dataclasses.replace(model, preprocessing=preprocessing)
    write_model(tmp_path / "model.onnx", other)
    (tmp_path / "predict.py").write_text(snippet(other, "onnx"))
    assert snippet(other, "onnx") in export_readme(other, format="onnx", parities=())
    picture = np.random.default_rng(3).integers(0, 256, (70, 50, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    done = subprocess.run(
        [sys.executable, "predict.py", "photo.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line.split("\t") for line in done.stdout.splitlines()]
    x = Preprocessing.parse(preprocessing).apply(decode((tmp_path / "photo.png").read_bytes()))
    assert [label for label, _ in told] == list(model.labels)
    np.testing.assert_allclose([float(p) for _, p in told], other.probs(x[None])[0], atol=2e-6)


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_readme_in_korean_says_all_of_it_in_korean(name: str, model: Model) -> None:
    import dataclasses

    face = "orient | crop:face(0.8,yunet) | resize:32:area | grey | scale:-1:1"
    faced = dataclasses.replace(model, preprocessing=face, card="# Model card")
    checks = EXPORTERS[name].checks
    parities = [
        parity.Parity(file=one.file, consumer=one.consumer, checked=False, reason=reason)
        for one in checks
        for reason in ("keras is not installed in 'python3'", "'python3' is not there")
    ]
    text = export_readme(faced, format=name, parities=parities, language="ko")
    names = [*FAMILIAR, *model.labels, *(f"{one.file} {one.consumer}" for one in checks)]
    assert english_markdown(text, names=names) == []
    assert "[card.md](card.md)" in text
    with pytest.raises(UserError, match="language is 'fr', expected one of en, ko"):
        export_readme(model, format=name, parities=(), language="fr")


def test_the_readme_of_a_face_model_says_how_the_face_is_cropped(model: Model) -> None:
    import dataclasses

    face = "orient | crop:face(0.8,yunet) | resize:32:area | grey | scale:-1:1"
    faced = dataclasses.replace(model, preprocessing=face)
    text = export_readme(faced, format="keras", parities=())
    assert "0.8 times the longer side" in " ".join(text.split())
    compile(snippet(dataclasses.replace(model, preprocessing=face), "keras"), "predict.py", "exec")


@pytest.mark.parametrize("name", [n for n in EXPORTERS if n not in ("tfjs", "teachable-machine")])
def test_every_program_in_a_readme_compiles(name: str, model: Model) -> None:
    compile(snippet(model, name), "predict.py", "exec")


def test_golden_pictures_are_the_same_every_time(refused: Callable[..., str]) -> None:
    first = {k: v.copy() for k, v in golden_pictures(32).items()}
    golden_pictures.cache_clear()
    second = golden_pictures(32)
    assert list(first) == list(second)
    assert all((first[name] == second[name]).all() for name in first)
