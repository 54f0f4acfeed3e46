"""Whether test photos are among the training photos, in any form: what a training asks first.

The evidence is the audit's own: the same bytes by digest, near copies by hashes, faces and the
neighbours of embeddings, all of it cached, so that an audit of the folder is done afterwards for
the price of its checks. Law: a leak is named with both photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mien.audits.findings import some
from mien.audits.view import View
from mien.errors import DatasetError
from mien.records import Dataset, Progress, Say, no_progress, say_nothing
from mien.workflows.embedder import Embedder
from mien.workflows.measuring import measure_dataset, tools_with


@dataclass(frozen=True, kw_only=True)
class LeakedPhoto:
    """A test photo and the training photo that it is.

    Attributes:
        test: Name of the test photo.
        train: Name of the training photo.
        how: ``same bytes``, or how a near copy was changed, such as ``mirrored``.
    """

    test: str
    train: str
    how: str


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """What a search for leaks found.

    Attributes:
        photos: Each leaked test photo once, in order of their names.
        n_embedded: Test photos that were not in the cache of embeddings.
    """

    photos: tuple[LeakedPhoto, ...]
    n_embedded: int


def find_leaks(
    train: Dataset,
    *,
    test: Dataset,
    embedder: Embedder,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> Leaks:
    """Find test photos that are training photos, in any form.

    Args:
        train: Training photos.
        test: Test photos; they may lie in the same folder.
        embedder: Whose embeddings help to find copies.
        progress: Told photos.
        say: Told where the cache went.
    """
    found = {leak.test: leak for leak in same_bytes(train, test=test)}
    tools = tools_with(embedder)
    train_part, _ = measure_dataset(train, tools=tools, progress=progress, say=say)
    test_part, n_embedded = measure_dataset(test, tools=tools, progress=progress, say=say)
    view = View(train=train_part, test=test_part)
    for twin in sorted(view.twins, key=lambda twin: twin.distance):
        (side_a, a), (side_b, b) = view.photos[twin.first], view.photos[twin.second]
        if side_a != side_b:
            found.setdefault(b.name, LeakedPhoto(test=b.name, train=a.name, how=twin.how))
    return Leaks(photos=tuple(found[name] for name in sorted(found)), n_embedded=n_embedded)


def same_bytes(train: Dataset, *, test: Dataset) -> tuple[LeakedPhoto, ...]:
    """Test photos whose very bytes are among the training photos: no picture is opened."""
    trained = {photo.sha256: photo.name for photo in train.photos}
    return tuple(
        LeakedPhoto(test=photo.name, train=trained[photo.sha256], how="same bytes")
        for photo in test.photos
        if photo.sha256 in trained
    )


def refuse_leaks(leaks: Sequence[LeakedPhoto], *, n_test: int) -> None:
    """Stop where there is any.

    Raises:
        DatasetError: There is; pairs are named.
    """
    if not leaks:
        return
    pairs = some([f"{leak.test} = {leak.train} ({leak.how})" for leak in leaks])
    raise DatasetError(
        f"{len(leaks)} of {n_test} test photos are training photos too ({pairs}): a score on them "
        "says nothing",
        "Remove them from one side, or go on with --allow-leak, which stamps the result.",
    )
