"""Small pictures for report pages, and the training photos nearest to a test photo.

Law: a picture is decoded and encoded anew by us, so that nothing of its EXIF reaches a page; what
cannot be read is left out, never an error of the report.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mien.dataset.folder import read_dataset
from mien.errors import PhotoError, UserError
from mien.head.recipe import from_plain
from mien.image.decode import decode, read_photo_bytes
from mien.image.geometry import upright
from mien.records import Photo, Progress, Say
from mien.workflows.embedder import embedder_for

SIDE_PX = 168
# A page with more thumbnails is slow to open; some 5 kB each.
MOST_PICTURES = 400
N_NEIGHBOURS = 3


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A training photo near to a test photo.

    Attributes:
        name: Of the training photo.
        label: Its class.
        similarity: Cosine of the embeddings, −1 to 1.
    """

    name: str
    label: str
    similarity: float


def thumbnails(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Pictures as ``data:`` addresses, by name; those that cannot be read are left out.

    Args:
        root: The dataset's folder.
        names: Of photos, relative to it.
    """
    found: dict[str, str] = {}
    for name in list(dict.fromkeys(names))[:MOST_PICTURES]:
        path = root / name
        # Names come from a record that anyone may have written: nothing outside is shown.
        if not path.resolve().is_relative_to(root.resolve()):
            continue
        try:
            found[name] = _thumbnail(path)
        except PhotoError:
            continue
    return found


def neighbours(
    recipe: Mapping[str, object],
    *,
    train: Path,
    test: Path,
    names: Sequence[str],
    progress: Progress,
    say: Say,
) -> dict[str, tuple[Neighbour, ...]]:
    """The training photos nearest to some test photos, as the recipe sees them.

    Empty, with a sentence, where the photos or the backbone are no longer there.

    Args:
        recipe: As it stands in a run's record.
        train: Folder of training photos.
        test: Folder of test photos.
        names: Of the test photos asked for.
        progress: Told photos.
        say: Told why there are none.
    """
    if not names:
        return {}
    try:
        embedder = embedder_for(from_plain(recipe))
        train_set, known = embedder.embed_dataset(
            read_dataset(train, progress=progress), progress=progress
        )
        test_set, asked = embedder.embed_dataset(
            read_dataset(test, progress=progress), progress=progress
        )
    except UserError as error:
        say(f"Nearest training photos are left out: {error}")
        return {}
    similarity = _unit(asked.values) @ _unit(known.values).T
    row = {photo.name: number for number, photo in enumerate(test_set.photos)}
    return {
        name: tuple(_nearest(similarity[row[name]], train_set.photos))
        for name in names
        if name in row
    }


def _nearest(similarity: Float32[np.ndarray, " n"], photos: Sequence[Photo]) -> list[Neighbour]:
    order = np.argsort(-similarity, kind="stable")[:N_NEIGHBOURS]
    return [
        Neighbour(name=photos[i].name, label=photos[i].label or "", similarity=float(similarity[i]))
        for i in order
    ]


def _unit(values: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(length, 1e-12))


def _thumbnail(path: Path) -> str:
    from PIL import Image

    decoded = decode(read_photo_bytes(path))
    picture = Image.fromarray(upright(decoded.pixels, orientation=decoded.orientation))
    picture.thumbnail((2 * SIDE_PX, 2 * SIDE_PX))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
