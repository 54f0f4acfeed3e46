from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from mien.backbone import catalogue
from mien.backbone.catalogue import BACKBONES, backbone_entry
from mien.backbone.network import Weights
from mien.backbone.weights import (
    Backbone,
    find_backbone,
    keep_backbone,
    load_backbone,
    random_backbone,
    read_npz,
    to_npz,
)
from mien.errors import FetchError, ModelError, RecipeError
from mien.image.preprocessing import Preprocessing

TM = "mobilenet-v2-0.35"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """A catalogue entry whose weights are at hand: random ones, made here."""
    backbone = random_backbone(3, size_px=32)
    entry = dataclasses.replace(BACKBONES[TM], name="small", size_px=32, sha256=backbone.sha256)
    monkeypatch.setitem(catalogue.BACKBONES, "small", entry)
    return backbone


@pytest.mark.parametrize("name", BACKBONES)
def test_every_entry_of_the_catalogue_is_whole(name: str) -> None:
    entry = BACKBONES[name]
    assert entry.name == name
    assert Preprocessing.parse(entry.preprocessing).size_px == entry.size_px
    assert str(Preprocessing.parse(entry.preprocessing)) == entry.preprocessing
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.about.endswith(".")
    if entry.kind == "builtin":
        assert entry.file_name
        backbone = load_backbone(name)
        assert (backbone.sha256, backbone.width) == (entry.sha256, entry.width)
        assert find_backbone(name)[0] == "built in"
    else:
        assert entry.source
        assert entry.source.url.startswith("https://")
        assert re.fullmatch("[0-9a-f]{64}", entry.source.sha256)


def test_an_unknown_backbone_is_named_with_those_that_are_known() -> None:
    with pytest.raises(RecipeError, match=f"'resnet' is unknown, expected one of: .*{TM}"):
        backbone_entry("resnet")


def test_a_backbone_that_is_nowhere_is_an_error_that_names_all_three_ways() -> None:
    assert find_backbone(TM) == ("not here", None)
    with pytest.raises(FetchError) as caught:
        load_backbone(TM)
    assert f"mien backbones fetch {TM}`" in caught.value.hint
    assert "MIEN_MIRROR" in caught.value.hint
    assert f"mien backbones fetch {TM} --from keras_model.h5" in caught.value.hint


@pytest.mark.study
def test_teachable_machines_backbone_is_found_in_the_mirror(mirror: Path) -> None:
    assert find_backbone(TM)[0] == "mirror"
    backbone = load_backbone(TM)
    assert backbone.sha256 == BACKBONES[TM].sha256
    assert (backbone.width, backbone.spec.size_px) == (1280, 224)


def test_kept_weights_are_loaded_from_here(known: Backbone) -> None:
    path = keep_backbone("small", known.weights, where="keras_model.h5")
    assert find_backbone("small") == ("here", path)
    again = load_backbone("small")
    assert again.sha256 == known.sha256
    assert again.name == "small"


def test_weights_of_the_same_network_trained_otherwise_are_refused(known: Backbone) -> None:
    other = random_backbone(4, size_px=32)
    with pytest.raises(ModelError, match=f"sha256 {other.sha256}, expected {known.sha256}"):
        keep_backbone("small", other.weights, where="mine.h5")
    assert find_backbone("small") == ("not here", None)


def test_weights_of_another_network_are_refused(known: Backbone) -> None:
    other = random_backbone(4, size_px=64)
    with pytest.raises(ModelError, match=r"'mine.h5' holds MobileNetV2 with alpha 0.35 for 64 px"):
        keep_backbone("small", other.weights, where="mine.h5")


def test_kept_weights_that_were_changed_on_the_disk_are_refused(known: Backbone) -> None:
    path = keep_backbone("small", known.weights, where="keras_model.h5")
    path.write_bytes(to_npz(random_backbone(4, size_px=32).weights))
    with pytest.raises(ModelError, match=r"expected .* for 'small'"):
        load_backbone("small")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"\x93NUMPY"])
def test_a_damaged_file_of_weights_is_worded(known: Backbone, content: bytes) -> None:
    path = keep_backbone("small", known.weights, where="keras_model.h5")
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_backbone("small")


def test_a_file_of_weights_is_never_unpickled(known: Backbone, tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = dict(known.weights.arrays)
    arrays["Conv1/kernel"] = np.array([{"a": 1}], dtype=object)
    path = tmp_path / "pickle.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="allow_pickle"):
        read_npz(path, backbone_entry("small"))


def test_a_file_that_inflates_to_too_much_is_refused(known: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, a=np.zeros(20 << 20, np.float32))
    with pytest.raises(ModelError, match="holds more than 67,108,864 bytes"):
        read_npz(path, backbone_entry("small"))


def test_the_same_weights_give_the_same_file(known: Backbone) -> None:
    reversed_order = dict(reversed(list(known.weights.arrays.items())))
    again = Weights(spec=known.spec, arrays=reversed_order)
    assert to_npz(again) == to_npz(known.weights)


def test_what_is_built_in_cannot_be_fetched(
    known: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = dataclasses.replace(backbone_entry("small"), source=None, file_name="small.npz")
    monkeypatch.setitem(catalogue.BACKBONES, "small", entry)
    with pytest.raises(FetchError, match="'small' is built in"):
        keep_backbone("small", known.weights, where="mine.h5")


def test_a_random_backbone_is_the_same_for_a_seed_and_neither_dies_nor_grows() -> None:
    from mien.backbone.session import open_session

    one, same, other = (random_backbone(seed, size_px=32) for seed in (1, 1, 2))
    assert one.sha256 == same.sha256 != other.sha256
    images = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    values = open_session(one).embed(images)
    assert 0.01 < values.std() < 10
    assert not np.allclose(values[0], values[1])
