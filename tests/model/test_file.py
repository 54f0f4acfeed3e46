"""The model file: written, read, refused, and opened by plain ONNX Runtime."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from mien.backbone.network import fold
from mien.backbone.session import open_session
from mien.backbone.weights import random_backbone
from mien.errors import ModelError
from mien.model import Model, model_bytes, model_from_bytes, read_model, write_model
from mien.model.file import MAX_FILE_BYTES, VERSION
from mien.records import Dense, Head

BACKBONE = random_backbone(seed=0, size_px=32)


def make_model(**changes: Any) -> Model:
    rng = np.random.default_rng(0)
    hidden = Dense(
        kernel=rng.normal(0, 0.05, (1280, 20)).astype(np.float32),
        bias=rng.normal(0, 0.1, 20).astype(np.float32),
        activation="relu",
    )
    last = Dense(
        kernel=rng.normal(0, 0.5, (20, 3)).astype(np.float32), bias=None, activation="softmax"
    )
    settings: dict[str, Any] = {
        "labels": ("calm", "놀란", "sad"),
        "preprocessing": "orient | crop:centre | resize:32:lanczos | scale:-1:1",
        "backbone": fold(BACKBONE.weights),
        "backbone_name": "random",
        "backbone_sha256": BACKBONE.weights.sha256,
        "head": Head(layers=(hidden, last), calibrated=True),
        "recipe": {"name": "teachable-machine", "epochs": 50},
        "seed": 7,
        "fingerprints": ("a" * 64, "b" * 64),
        "exams": ({"n": 30, "correct": 15},),
        "card": "# Card\n",
        "provenance": {"mien": "0.1.0"},
    }
    return Model(**(settings | changes))


MODEL = make_model()
IMAGES = np.random.default_rng(1).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)


def test_a_model_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_model(tmp_path / "model.onnx", MODEL)
    back = read_model(tmp_path / "model.onnx")
    for field in dataclasses.fields(Model):
        if field.name not in ("backbone", "head"):
            assert getattr(back, field.name) == getattr(MODEL, field.name), field.name
    assert back.head.calibrated
    assert back.backbone.sha256 == MODEL.backbone.sha256
    assert (back.probs(IMAGES) == MODEL.probs(IMAGES)).all()
    assert model_bytes(back) == model_bytes(MODEL)


def test_plain_onnx_runtime_opens_the_file_and_answers_the_same(tmp_path: Path) -> None:
    import onnxruntime

    write_model(tmp_path / "model.onnx", MODEL)
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    theirs = session.run(["probs"], {"image": IMAGES})[0]
    np.testing.assert_allclose(theirs, MODEL.probs(IMAGES), atol=1e-5)
    assert json.loads(session.get_modelmeta().custom_metadata_map["mien.labels"])[1] == "놀란"


def test_an_answer_does_not_depend_on_what_else_is_asked() -> None:
    together = MODEL.probs(IMAGES)
    alone = np.concatenate([MODEL.probs(IMAGES[i : i + 1]) for i in range(len(IMAGES))])
    assert (together == alone).all()
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_the_model_is_the_backbone_and_then_the_head() -> None:
    embeddings = open_session(BACKBONE).embed(IMAGES)
    first, last = MODEL.head.layers
    assert first.bias is not None
    hidden = np.maximum(embeddings @ first.kernel + first.bias, 0)
    logits = (hidden @ last.kernel).astype(np.float64)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(MODEL.probs(IMAGES), probs, atol=1e-6)


def test_the_mirror_average_is_the_mean_of_both_embeddings() -> None:
    linear = Head(
        layers=(
            Dense(
                kernel=np.random.default_rng(2).normal(0, 0.1, (1280, 3)).astype(np.float32),
                bias=None,
                activation="softmax",
            ),
        )
    )
    mirrored = make_model(mirror_average=True, head=linear)
    session = open_session(BACKBONE)
    embeddings = (session.embed(IMAGES) + session.embed(IMAGES[:, :, ::-1])) / 2
    logits = (embeddings @ linear.layers[0].kernel).astype(np.float64)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mirrored.probs(IMAGES), probs, atol=1e-6)
    np.testing.assert_allclose(
        mirrored.probs(IMAGES), mirrored.probs(IMAGES[:, :, ::-1].copy()), atol=1e-6
    )
    assert model_from_bytes(model_bytes(mirrored), name="x").mirror_average


def test_a_model_travels_to_another_process_without_its_session() -> None:
    MODEL.probs(IMAGES[:1])
    again = pickle.loads(pickle.dumps(MODEL))
    assert (again.probs(IMAGES) == MODEL.probs(IMAGES)).all()


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ModelError, match="the backbone takes"):
        MODEL.probs(np.zeros((1, 33, 33, 3), np.float32))


def test_weights_that_overflow_are_named_and_not_passed_on() -> None:
    kernel = np.full((1280, 3), 3e38, np.float32)
    kernel[:, 1] *= -1
    loud = Dense(kernel=kernel, bias=None, activation="softmax")
    with pytest.raises(ModelError, match="answers NaN"):
        make_model(head=Head(layers=(loud,))).probs(IMAGES)


def dense(*shape: int, activation: Any = "softmax", bias: int | None = None) -> Dense:
    return Dense(
        kernel=np.zeros(shape, np.float32),
        bias=None if bias is None else np.zeros(bias, np.float32),
        activation=activation,
    )


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"labels": ("a", "b")}, "2 labels for a model of 3"),
        ({"labels": ("a", "a", "b")}, "two classes"),
        ({"labels": ("a", "", "b")}, "empty, too long or not printable"),
        ({"labels": ("a", "b\n", "c")}, "empty, too long or not printable"),
        ({"head": Head(layers=())}, "a head of 0 layers"),
        ({"head": Head(layers=(dense(7, 3),))}, "expected \\(1280"),
        ({"head": Head(layers=(dense(1280, 3, bias=2),))}, "bias of shape"),
        ({"head": Head(layers=(dense(1280, 3, activation="relu"),))}, "expected softmax"),
        (
            {"head": Head(layers=(dense(1280, 3), dense(3, 3)))},
            "expected softmax on the last one",
        ),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ModelError, match=word):
        make_model(**changes)


def changed(change: Callable[[onnx.ModelProto], object]) -> bytes:
    proto = onnx.ModelProto()
    proto.ParseFromString(model_bytes(MODEL))
    change(proto)
    return proto.SerializeToString()


def meta(key: str, value: str) -> Callable[[onnx.ModelProto], None]:
    def change(proto: onnx.ModelProto) -> None:
        for prop in proto.metadata_props:
            if prop.key == f"mien.{key}":
                prop.value = value

    return change


def without(key: str) -> Callable[[onnx.ModelProto], None]:
    def change(proto: onnx.ModelProto) -> None:
        kept = [p for p in proto.metadata_props if p.key != f"mien.{key}"]
        del proto.metadata_props[:]
        proto.metadata_props.extend(kept)

    return change


def external(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def raw(number: int, value: bytes) -> Callable[[onnx.ModelProto], None]:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.initializer[number].raw_data = value

    return change


def nan(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[1]
    tensor.raw_data = np.full(16, np.nan, "<f4").tobytes()


HOSTILE: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "another file's graph": (lambda p: p.metadata_props.__delitem__(slice(None)), "none of mien's"),
    "a newer format": (meta("format", str(VERSION + 1)), "Upgrade mien"),
    "format 0": (meta("format", "0"), "expected 1"),
    "a format of words": (meta("format", '"1"'), "mien.format"),
    "external data": (external, "no external data"),
    "NaN": (nan, "NaN or infinity"),
    "cut arrays": (raw(0, b"1234"), "not those of"),
    "no array": (lambda p: p.graph.initializer.__delitem__(0), "is missing"),
    "an array twice": (lambda p: p.graph.initializer.add(name="Conv1/kernel"), "one name"),
    "another array": (lambda p: p.graph.initializer.add(name="x"), "not the one that mien writes"),
    "another operator": (
        lambda p: setattr(p.graph.node[3], "op_type", "Loop"),
        "'Loop'",
    ),
    "a node more": (lambda p: p.graph.node.add(op_type="If"), "not the one that mien writes"),
    "a function": (lambda p: p.functions.add(name="f"), "not the one that mien writes"),
    "another opset": (
        lambda p: p.opset_import.add(domain="com.microsoft", version=1),
        "not the one that mien writes",
    ),
    "another six": (raw(105, np.float32(7).tobytes()), "not the one that mien writes"),
    "labels that are no list": (meta("labels", "{}"), "mien.labels"),
    "labels that are numbers": (meta("labels", "[1, 2, 3]"), "unexpected"),
    "labels too few": (meta("labels", '["a"]'), "1 labels for a model of 3"),
    "no labels": (without("labels"), "no 'mien.labels'"),
    "metadata that is no JSON": (meta("recipe", "{"), "not JSON"),
    "metadata nested deep": (meta("recipe", "[" * 100000), "not JSON"),
    "a key twice": (lambda p: p.metadata_props.add(key="mien.card"), "twice"),
    "an unknown network": (meta("network", '{"name": "resnet"}'), "'resnet'"),
    "an odd alpha": (
        meta("network", '{"name": "mobilenet-v2", "alpha": 9, "size_px": 32}'),
        "alpha 9",
    ),
    "a true alpha": (
        meta("network", '{"name": "mobilenet-v2", "alpha": true, "size_px": 32}'),
        "alpha is True",
    ),
    "a huge picture": (
        meta("network", '{"name": "mobilenet-v2", "alpha": 0.35, "size_px": 1000000}'),
        "1000000 px",
    ),
    "another picture": (
        meta("network", '{"name": "mobilenet-v2", "alpha": 0.35, "size_px": 64}'),
        "not the",
    ),
    "no head": (meta("head", '{"layers": [], "calibrated": false}'), "0 layers"),
    "a huge head": (
        meta("head", '{"layers": [{"width": 99999, "bias": false}], "calibrated": false}'),
        "width 99999",
    ),
    "a head of another activation": (
        meta(
            "head",
            '{"layers": [{"width": 9, "bias": false, "activation": "x"}], "calibrated": true}',
        ),
        "activation 'x'",
    ),
    "a backbone without a name": (meta("backbone", "{}"), "name = None"),
    "a mirror of words": (meta("mirror_average", '"yes"'), "mirror_average"),
    "a mirror that is none": (meta("mirror_average", "true"), "not the"),
    "exams of words": (meta("exams", '["good"]'), "unexpected"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_with_anything_unexpected_is_refused_and_it_is_named(name: str) -> None:
    change, word = HOSTILE[name]
    with pytest.raises(ModelError) as caught:
        model_from_bytes(changed(change), name="model.onnx")
    assert word in str(caught.value)
    assert "model.onnx" in str(caught.value)


def test_metadata_that_is_no_text_is_refused() -> None:
    data = model_bytes(MODEL)
    at = data.index(b"mien.card")
    with pytest.raises(ModelError, match="not UTF-8"):
        model_from_bytes(data[:at] + b"\xff" + data[at + 1 :], name="x")


def test_what_is_no_onnx_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_model(tmp_path / "x.onnx")
    with pytest.raises(ModelError, match="cannot read model"):
        read_model(tmp_path / "absent.onnx")
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ModelError, match="larger than"):
        read_model(tmp_path / "large.onnx")


def test_an_array_whose_name_is_no_text_is_refused() -> None:
    data = model_bytes(MODEL)
    assert data.count(b"head/0/kernel") > 1
    with pytest.raises(ModelError, match="the name of an array is not UTF-8"):
        model_from_bytes(data.replace(b"head/0/kernel", b"head/0/kerne\xff"), name="x")
