"""The two sets of grey faces as one array, and the split that training may look at.

`Faces.images` is uint8 `(n, 96, 96)`; FER-2013's 48 px pictures are enlarged once, here.
`Faces.sources` says which file a face came from, because the two sets are framed
differently: FER-2013 is tight, the other holds 1.5 times the face box. The validation
split is a function of a picture's bytes alone, so equal pictures never stand on both
sides and no seed changes it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE_PX = 96
SOURCES = ("fer2013", "facial_expressions")
CLASSES = ("surprise", "expressionless", "angry", "happy", "sad", "disgust", "fear")
VALIDATION_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class Faces:
    """Grey face crops.

    Attributes:
        images: uint8 `(n, 96, 96)`.
        labels: int64 `(n,)`, index into `CLASSES`.
        sources: int64 `(n,)`, index into `SOURCES`.
    """

    images: np.ndarray
    labels: np.ndarray
    sources: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: np.ndarray) -> "Faces":
        return Faces(
            images=self.images[which], labels=self.labels[which], sources=self.sources[which]
        )


def fingerprint(folder: Path) -> dict[str, str]:
    """The sha256 of each source file, as it goes into the record of a training."""
    return {
        name: hashlib.sha256((folder / f"{name}.npz").read_bytes()).hexdigest() for name in SOURCES
    }


def is_validation(image: np.ndarray) -> bool:
    first = int.from_bytes(hashlib.sha256(b"mien" + image.tobytes()).digest()[:8], "big")
    return first < VALIDATION_SHARE * 2**64


def enlarge(image: np.ndarray) -> np.ndarray:
    if image.shape == (SIDE_PX, SIDE_PX):
        return image
    return np.asarray(Image.fromarray(image).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))


def load(folder: Path) -> tuple[Faces, Faces]:
    """Reads both sets and returns `(training, validation)`.

    Raises:
        ValueError: a file's class names are not `CLASSES`, in that order.
    """
    images, labels, sources, validation = [], [], [], []
    for source, name in enumerate(SOURCES):
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            if tuple(file["names"]) != CLASSES:
                raise ValueError(f"{name}.npz: classes {list(file['names'])}, expected {CLASSES}")
            pictures, its_labels = file["images"], file["labels"]
        validation.append(np.array([is_validation(picture) for picture in pictures]))
        images.append(np.stack([enlarge(picture) for picture in pictures]))
        labels.append(its_labels.astype(np.int64))
        sources.append(np.full(len(pictures), source))
    faces = Faces(
        images=np.concatenate(images),
        labels=np.concatenate(labels),
        sources=np.concatenate(sources),
    )
    held_out = np.concatenate(validation)
    return faces.take(~held_out), faces.take(held_out)
