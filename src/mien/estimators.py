"""mien inside other people's scikit-learn pipelines: a transformer and a classifier.

`PhotoEmbedder` takes photos and gives embeddings, through the cache; `HeadClassifier` takes
embeddings of any kind and fits one of mien's heads. Both follow scikit-learn's conventions, so
that ``make_pipeline(PhotoEmbedder(), LogisticRegression())`` and `cross_val_score` just work.

Knows how to speak scikit-learn and nothing of how anything is computed. Law: constructor
arguments are plain settings, kept as given and checked in `fit`; what was learned ends in ``_``.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Float32, Int
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from mien.cache import Cache
from mien.dataset.folder import read_photos
from mien.digest import digest_bytes
from mien.errors import PhotoError, UserError
from mien.files import nfc
from mien.head.fit import as_seen, fit
from mien.head.fitted import Fitted, predict_probs
from mien.head.recipe import Recipe, Setting, change, recipe_from
from mien.places import user_cache
from mien.records import Head, Photo, Pixels
from mien.workflows.embedder import Embedder, embedder_for, with_detector_at_hand


class HeadClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One of mien's heads as a scikit-learn classifier of embeddings, or of any numbers.

    Args:
        head: ``logistic``: multinomial logistic regression whose L2 strength inner
            cross-validation chooses. ``mlp``: Teachable Machine's, one hidden layer by Adam.
        hidden_units: Of the mlp, as are the next five.
        epochs: See `mien.head.recipe.Recipe`.
        batch_size: The same.
        learning_rate: The same.
        weight_decay: The same.
        validation_fraction: The same.
        l2_strengths: What the logistic head chooses from, rising; 1/C in scikit-learn's words.
        inner_folds: Of the cross-validation that chooses.
        calibrate: Whether a temperature is fitted on photos not trained on.
        random_state: Seed of split, order, start and inner folds.

    Attributes:
        classes_: Labels, sorted.
        n_features_in_: Width of the embeddings.
        head_: The trained layers, a `mien.records.Head`.
        fitted_: The record of the training, a `mien.head.fitted.Fitted`.

    Example:
        >>> x = np.eye(4)[[0, 1] * 10]
        >>> HeadClassifier(random_state=0).fit(x, ["cat", "dog"] * 10).predict(np.eye(4)[:2])
        array(['cat', 'dog'], dtype='<U3')
    """

    def __init__(
        self,
        *,
        head: str = "logistic",
        hidden_units: int = 100,
        epochs: int = 50,
        batch_size: int = 16,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        validation_fraction: float = 0.15,
        l2_strengths: Sequence[float] = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
        inner_folds: int = 5,
        calibrate: bool = True,
        random_state: Any = 0,
    ) -> None:
        self.head = head
        self.hidden_units = hidden_units
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.l2_strengths = l2_strengths
        self.inner_folds = inner_folds
        self.calibrate = calibrate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train the head.

        Args:
            X: Embeddings ``(n, d)``, finite.
            y: Labels ``(n,)``, at least two classes of at least two rows each.

        Raises:
            ValueError: A setting or the data cannot be used.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has 1 class, at least 2 classes are needed")
        try:
            (fitted,) = self._train(_single(X), numbers)
        except UserError as error:
            # scikit-learn's callers know ValueError only; the words stay.
            raise ValueError(str(error)) from error
        self.fitted_: Fitted = fitted
        self.head_: Head = fitted.head
        return self

    def predict_proba(self, X: Any) -> Float32[np.ndarray, "n c"]:
        """Probabilities ``(n, c)`` in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return predict_probs(self.head_, _single(X))

    def predict(self, X: Any) -> Any:
        """The most probable label of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _train(self, X: Float32[np.ndarray, "n d"], y: Int[np.ndarray, " n"]) -> list[Fitted]:
        settings = {k: v for k, v in self.get_params(deep=False).items() if k != "random_state"}
        settings["l2_strengths"] = tuple(map(float, self.l2_strengths))
        recipe = recipe_from("teachable-machine", **settings)
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31)
        n_classes = len(self.classes_)
        return fit(X, mirrored=None, y=y, recipe=recipe, seeds=[int(seed)], n_classes=n_classes)


class PhotoEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Photos in, embeddings out, each photo's bytes once in the life of the cache.

    Args:
        recipe: Names backbone, preprocessing and whether mirror images are averaged in.
        backbone: Another backbone than the recipe's, by name.
        preprocessing: Another preprocessing than the recipe's.
        average_mirror: Another choice than the recipe's.
        cache: Folder to keep embeddings in (in ``.mien/``); the user's cache folder when None.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> pipeline = make_pipeline(PhotoEmbedder(), LogisticRegression())
    """

    def __init__(
        self,
        recipe: str = "expression",
        *,
        backbone: str | None = None,
        preprocessing: str | None = None,
        average_mirror: bool | None = None,
        cache: str | Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.backbone = backbone
        self.preprocessing = preprocessing
        self.average_mirror = average_mirror
        self.cache = cache

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Load the backbone; nothing is learned from photos.

        Raises:
            UserError: The backbone or the detector is unknown or not on this machine.
        """
        self._load()
        return self

    def transform(self, X: Sequence[str | Path | Pixels]) -> Float32[np.ndarray, "n d"]:
        """Embed photos.

        Args:
            X: Paths, or upright RGB images as uint8 arrays ``(h, w, 3)``; an array
                ``(n, h, w, 3)`` is n images.

        Raises:
            PhotoError: A photo cannot be used: each row must have its embedding.
            UserError: As `fit`.
        """
        embedder, recipe = self._load()
        with tempfile.TemporaryDirectory(prefix="mien-") as folder:
            photos = [_photo(one, number, Path(folder)) for number, one in enumerate(X)]
            with Cache.open(self._folder(), say=_warn) as cache:
                found = embedder.embed(photos, cache=cache)
        if found.rejects:
            first = found.rejects[0]
            raise PhotoError(
                f"{len(found.rejects)} of {len(photos)} photos cannot be embedded: "
                f"'{first.path}': {first.reason}",
                "Take them out before the pipeline.",
            )
        return as_seen(found.values, mirrored=found.mirrored, recipe=recipe)

    def _folder(self) -> Path:
        folder = user_cache() / "embedder" if self.cache is None else Path(self.cache)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _load(self) -> tuple[Embedder, Recipe]:
        changes: dict[str, Setting] = {
            name: value
            for name in ("backbone", "preprocessing", "average_mirror")
            if (value := getattr(self, name)) is not None
        }
        recipe = change(recipe_from(self.recipe), **changes)
        if self.preprocessing is None:
            recipe = with_detector_at_hand(recipe, say=_warn)
        return embedder_for(recipe), recipe

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _single(X: np.ndarray) -> Float32[np.ndarray, "n d"]:
    """To float32; what does not fit becomes infinite, and `fit` says so."""
    with np.errstate(over="ignore"):
        return np.asarray(X, dtype=np.float32)


def _photo(one: str | Path | Pixels, number: int, folder: Path) -> Photo:
    if isinstance(one, str | Path):
        (photos, rejects) = read_photos([Path(one)])
        if len(photos) != 1:
            reason = rejects[0].reason if rejects else "is a folder, not a photo"
            raise PhotoError(f"photo number {number}, '{one}', cannot be used: {reason}", "")
        return photos[0]
    image = np.asarray(one)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PhotoError(
            f"image number {number} is {image.dtype} {image.shape}, expected uint8 (h, w, 3)", ""
        )
    # Through a lossless file, so that arrays and photos share one way in and one cache.
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    path = folder / f"{number}.png"
    path.write_bytes(buffer.getvalue())
    return Photo(path=path, name=nfc(path.name), sha256=digest_bytes(buffer.getvalue()))


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=2)
