"""A trained model in memory: backbone, head, and all that is known of how they came about.

Law: `Model.probs` of an image depends on that image alone; what stands in a `Model` is all that an
export needs. Knows nothing of files and of foreign formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from mien.backbone.network import Folded
from mien.backbone.session import Session
from mien.errors import ModelError
from mien.records import Head

MAX_LAYERS: Final = 8
MAX_HEAD_WIDTH: Final = 8192
MAX_LABEL_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """An image classifier.

    Attributes:
        labels: The classes, in the order of the probabilities.
        preprocessing: How a photo becomes the image that the model takes.
        backbone: The frozen network, batch normalisations folded.
        backbone_name: Its name in the catalogue, or where it was taken from.
        backbone_sha256: Of its weights before folding, as the file that it came from claims: never
            the key of a cached embedding, which only a `Weights` in hand may give.
        head: What was trained.
        mirror_average: Whether the embedding is the mean of the image's and its mirror image's.
        recipe: The settings of the training; empty where they are not known.
        seed: Of the training; None where it is not known.
        fingerprints: SHA-256 of each training photo's bytes, sorted.
        exams: Results with intervals, as `mien test --json` gives them.
        card: What the model is for and what it is not, in Markdown.
        provenance: Where and with what it was made.

    Raises:
        ModelError: Labels, backbone and head do not fit each other.
    """

    labels: tuple[str, ...]
    preprocessing: str
    backbone: Folded
    backbone_name: str
    backbone_sha256: str
    head: Head
    mirror_average: bool = False
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    fingerprints: tuple[str, ...] = ()
    exams: tuple[Mapping[str, Any], ...] = ()
    card: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_classes = check_head(self.head, width=self.backbone.spec.width)
        check_labels(self.labels, n_classes=n_classes)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open session behind when the model goes to another process."""
        return {key: value for key, value in self.__dict__.items() if key != "_session"}

    @property
    def size_px(self) -> int:
        """Side of the square image that the model takes."""
        return self.backbone.spec.size_px

    def probs(self, images: Float32[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n c"]:
        """Give the probability of each class for each image.

        Args:
            images: As `preprocessing` makes them, range included.

        Returns:
            One row an image, one column a label, each row summing to 1. Each image runs alone on
            one thread: its row is the same bytes whatever else is in `images`.

        Raises:
            ModelError: The images have another size than the model takes, or an answer is not a
                number, as damaged weights give.
        """
        probs = self._session.embed(images)
        if not np.isfinite(probs).all():
            raise ModelError("the model answers NaN for an image: its weights are damaged")
        return probs

    @cached_property
    def _session(self) -> Session:
        from mien.model.graph import build_model_graph

        return Session(build_model_graph(self))


def check_head(head: Head, *, width: int) -> int:
    """Check that a head's layers fit an embedding of `width` and each other.

    Returns:
        The number of classes.

    Raises:
        ModelError: They do not, the last one is not softmax, or a weight is not finite.
    """
    if not 1 <= len(head.layers) <= MAX_LAYERS:
        raise ModelError(f"a head of {len(head.layers)} layers; expected 1 to {MAX_LAYERS}")
    n_in = width
    for i, layer in enumerate(head.layers):
        shape = layer.kernel.shape
        if len(shape) != 2 or shape[0] != n_in or not 1 <= shape[1] <= MAX_HEAD_WIDTH:
            raise ModelError(f"dense layer {i} has a kernel of shape {shape}; expected ({n_in}, …)")
        if layer.bias is not None and layer.bias.shape != shape[1:]:
            raise ModelError(
                f"dense layer {i} has a bias of shape {layer.bias.shape}; expected {shape[1:]}"
            )
        for array in (layer.kernel, layer.bias):
            if array is not None and (array.dtype != np.float32 or not np.isfinite(array).all()):
                raise ModelError(f"dense layer {i} holds something that is not a finite float32")
        last = i == len(head.layers) - 1
        if last != (layer.activation == "softmax"):
            raise ModelError(
                f"dense layer {i} has activation '{layer.activation}'; "
                "expected softmax on the last one and on no other"
            )
        n_in = shape[1]
    return n_in


def check_labels(labels: tuple[str, ...], *, n_classes: int) -> None:
    """Check that there is one proper, distinct label for each class.

    Raises:
        ModelError: There is not.
    """
    if len(labels) != n_classes:
        raise ModelError(
            f"{len(labels)} labels for a model of {n_classes} classes: {', '.join(labels):.60}",
            "The labels file must have one line for each class of the model.",
        )
    for label in labels:
        if not label.strip() or len(label) > MAX_LABEL_CHARACTERS or not label.isprintable():
            raise ModelError(f"label {label!r:.80} is empty, too long or not printable text")
        if labels.count(label) > 1:
            raise ModelError(f"label {label!r} stands for two classes")
