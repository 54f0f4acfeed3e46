from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import mien
from mien.backbone.weights import random_backbone
from mien.errors import PhotoError
from mien.estimators import HeadClassifier, PhotoEmbedder

PREPROCESSING = "orient | crop:centre | resize:32:area | scale:-1:1"


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PhotoEmbedder:
    monkeypatch.setattr(
        "mien.workflows.embedder.load_backbone", lambda _: random_backbone(0, size_px=32)
    )
    return PhotoEmbedder(
        "teachable-machine", preprocessing=PREPROCESSING, cache=tmp_path / "embeddings"
    )


def images(n: int = 12) -> tuple[list[np.ndarray], list[str]]:
    """Stripes, upright or lying, in noise."""
    rng = np.random.default_rng(0)
    wave = np.broadcast_to(128 + 100 * np.sin(np.arange(64) * 0.8), (64, 64))
    drawn = []
    for i in range(n):
        grey = (wave if i % 2 else wave.T) + rng.normal(0, 10, (64, 64))
        drawn.append(np.repeat(grey.clip(0, 255)[..., None], 3, axis=2).astype(np.uint8))
    return drawn, ["upright" if i % 2 else "lying" for i in range(n)]


@parametrize_with_checks([HeadClassifier()])
def test_the_classifier_passes_scikit_learns_own_checks(estimator: object, check: Any) -> None:
    if check.func.__name__ == "check_array_api_input":
        # For arrays of other libraries, which are not claimed: scikit-learn itself passes it over.
        with pytest.raises(SkipTest, match="SCIPY_ARRAY_API"):
            check(estimator)
    else:
        check(estimator)


def test_an_mlp_learns_behind_the_same_face() -> None:
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    x = 4 * np.eye(3, 10)[np.arange(60) % 3] + rng.normal(size=(60, 10))
    mlp = HeadClassifier(head="mlp", epochs=60, hidden_units=16, random_state=1)
    assert mlp.fit(x, y).score(x, y) > 0.9
    np.testing.assert_array_equal(clone(mlp).fit(x, y).predict_proba(x), mlp.predict_proba(x))
    assert mlp.fitted_.epochs == 60


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": "forest"}, "setting head is 'forest', expected mlp or logistic"),
        ({"head": "mlp", "epochs": 0}, "setting epochs is 0"),
        ({"l2_strengths": (3, 1)}, "setting l2_strengths"),
    ],
)
def test_a_bad_setting_is_a_value_error_with_our_words(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        HeadClassifier(**settings).fit(np.eye(4), [0, 0, 1, 1])  # type: ignore[arg-type]


def test_one_row_in_a_class_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="class number 1 has 1 photos"):
        HeadClassifier().fit(np.eye(3), [0, 0, 1])


def test_photos_go_through_a_pipeline_and_cross_validation(embedder: PhotoEmbedder) -> None:
    x, y = images()
    pipeline = make_pipeline(embedder, LogisticRegression())
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.8
    assert pipeline.fit(x, y).predict(x[:2]).tolist() == ["lying", "upright"]


def test_paths_and_arrays_of_the_same_pixels_have_the_same_embedding(
    embedder: PhotoEmbedder, tmp_path: Path
) -> None:
    x, _ = images(2)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path, image in zip(paths, x, strict=True):
        Image.fromarray(image).save(path)
    from_paths = embedder.fit_transform([str(paths[0]), paths[1]])
    np.testing.assert_array_equal(from_paths, embedder.transform(np.stack(x)))
    assert from_paths.dtype == np.float32


def test_a_known_photo_is_not_embedded_again(
    embedder: PhotoEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, _ = images(3)
    first = embedder.transform(x)

    def fail(*_: object, **__: object) -> None:
        pytest.fail("the backbone was opened for photos in the cache")

    monkeypatch.setattr("mien.backbone.embed.open_session", fail)
    np.testing.assert_array_equal(embedder.transform(x), first)


def test_without_a_folder_the_users_cache_is_used(embedder: PhotoEmbedder) -> None:
    from mien.places import user_cache

    embedder.set_params(cache=None).transform(images(1)[0])
    assert (user_cache() / "embedder" / ".mien").is_dir()


def test_averaging_is_the_mean_of_a_photo_and_its_mirror(embedder: PhotoEmbedder) -> None:
    x, _ = images(2)
    both = embedder.transform(x) + embedder.transform([np.ascontiguousarray(i[:, ::-1]) for i in x])
    averaged = clone(embedder).set_params(average_mirror=True).transform(x)
    np.testing.assert_allclose(averaged, both / 2, atol=1e-5)


def test_a_photo_that_cannot_be_used_is_named(embedder: PhotoEmbedder, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    Image.fromarray(images(1)[0][0]).save(broken)
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(PhotoError, match=r"1 of 1 photos cannot be embedded: .*broken\.png"):
        embedder.transform([broken])
    with pytest.raises(PhotoError, match=r"photo number 0, '.*none\.png', cannot be used"):
        embedder.transform([tmp_path / "none.png"])
    with pytest.raises(PhotoError, match="image number 0 is float64"):
        embedder.transform([np.zeros((4, 4, 3))])


def test_importing_mien_does_not_import_scikit_learn_or_jax() -> None:
    code = "import mien, sys; print(sorted({'sklearn', 'jax', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
    assert mien.HeadClassifier is HeadClassifier
    assert mien.PhotoEmbedder is PhotoEmbedder
