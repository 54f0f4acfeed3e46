"""What checks may look at: a dataset, perhaps test photos, and what was measured of each photo.

Everything dear (pixels, embeddings, pairs, out-of-fold probabilities) is computed before or, once,
when the first check asks. Knows nothing of files or caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Int

from mien.audits.chips import landmarks_in
from mien.audits.doubt import Doubt, Seen, doubt, see
from mien.audits.facts import Facts
from mien.audits.findings import Side
from mien.audits.gradients import gradients
from mien.audits.neighbours import Neighbour, nearest
from mien.audits.trust import chances
from mien.audits.twins import Found, Sights, Twin, search
from mien.dataset.splits import join_units
from mien.records import Dataset, Face, Photo


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Photos of one folder with what was measured of them.

    Attributes:
        dataset: Its photos are those that could be measured.
        facts: In the order of the photos.
        faces: In the order of the photos; None where there is no face.
        embedded: Rows of the photos that have an embedding.
        embeddings: float32 ``(m, d)`` in the order of `embedded`.
        mirrored: The same of the mirror images; None where the recipe asks for none.
    """

    dataset: Dataset
    facts: tuple[Facts, ...]
    faces: tuple[Face | None, ...]
    embedded: Int[np.ndarray, " m"]
    embeddings: Float32[np.ndarray, "m d"]
    mirrored: Float32[np.ndarray, "m d"] | None = None

    @property
    def averaged(self) -> Float32[np.ndarray, "m d"]:
        """Embeddings averaged with the mirror images': as a head sees them, and with less noise."""
        if self.mirrored is None:
            return self.embeddings
        mean: Float32[np.ndarray, "m d"] = self.embeddings + self.mirrored
        mean /= np.float32(2)
        return mean

    @property
    def gradients(self) -> Float32[np.ndarray, "m g"] | None:
        """Edges of the faces of the photos with an embedding; None where one shows no face."""
        chips = [self.facts[i].chip for i in self.embedded]
        faces = [chip for chip in chips if chip is not None]
        return gradients(np.stack(faces)) if faces and len(faces) == len(chips) else None

    @property
    def names(self) -> list[str]:
        """Names of the photos."""
        return [photo.name for photo in self.dataset.photos]

    @cached_property
    def y(self) -> Int[np.ndarray, " n"]:
        """Number of each photo's class."""
        number = {label: i for i, label in enumerate(self.dataset.classes)}
        return np.array([number[photo.label or ""] for photo in self.dataset.photos], dtype=int)


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How often a test set was looked at, and by whom it was judged best.

    Attributes:
        n_exams: Exams taken.
        n_models: Different models judged.
        n: Photos in the test set.
        best_correct: The most any of them got right.
        mean_share: Mean accuracy of the models.
    """

    n_exams: int
    n_models: int
    n: int
    best_correct: int
    mean_share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """All that checks may look at.

    Attributes:
        train: The audited photos.
        test: Test photos, where they were given.
        no_embeddings: Why there are none; empty where there are.
        trained_on: SHA-256 of the photos that a model was trained on, where one was given.
        looks: Of the test set, where a record of exams was found.
        skin_tone: Whether apparent skin tone was asked for.
        seed: Of everything random.
    """

    train: Part
    test: Part | None = None
    no_embeddings: str = ""
    trained_on: frozenset[str] = frozenset()
    looks: Looks | None = None
    skin_tone: bool = False
    seed: int = 0

    @property
    def parts(self) -> tuple[tuple[Side, Part], ...]:
        """Training photos, and test photos where there are any."""
        return (
            (("train", self.train), ("test", self.test)) if self.test else (("train", self.train),)
        )

    @cached_property
    def photos(self) -> list[tuple[Side, Photo]]:
        """All photos, training first; twins and neighbours count rows here."""
        return [(side, photo) for side, part in self.parts for photo in part.dataset.photos]

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """Each photo's nearest in embedding space, over both folders."""
        offsets = np.cumsum([0, *(len(part.facts) for _, part in self.parts)])
        rows = [part.embedded + offsets[i] for i, (_, part) in enumerate(self.parts)]
        values = [part.embeddings for _, part in self.parts]
        return nearest(np.concatenate(values), rows=np.concatenate(rows))

    @cached_property
    def likeness(self) -> Found:
        """Near copies and look-alikes over both folders."""
        facts = [fact for _, part in self.parts for fact in part.facts]
        if not facts:
            return Found(copies=(), alike=())
        near = {(n.first, n.second): n.similarity for n in self.neighbours}
        return search(
            np.stack([fact.hashes for fact in facts]),
            thumbnails=np.stack([fact.thumbnail for fact in facts]),
            extra=sorted(near),
            sights=Sights(
                pictures=[fact.picture for fact in facts],
                points=np.stack(
                    [
                        landmarks_in(face, width_px=fact.width_px, height_px=fact.height_px)
                        for _, part in self.parts
                        for fact, face in zip(part.facts, part.faces, strict=True)
                    ]
                ),
                chips=[fact.chip for fact in facts],
                near=near,
            ),
        )

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Near copies over both folders, equal bytes included."""
        return self.likeness.copies

    @cached_property
    def units(self) -> Int[np.ndarray, " n"]:
        """Units of training photos that must not be divided: near copies, persons."""
        n = len(self.train.facts)
        inside = [[t.first, t.second] for t in self.twins if t.second < n]
        return join_units(self.train.dataset.photos, clusters=inside)

    @cached_property
    def doubt(self) -> Doubt | None:
        """Out-of-fold probabilities of the training photos; None without embeddings."""
        part = self.train
        y = part.y[part.embedded]
        if self.no_embeddings or len(np.unique(y)) < 2 or np.bincount(y)[np.unique(y)].min() < 4:
            return None
        return doubt(
            self._seen,
            y=y,
            units=self.units[part.embedded],
            n_classes=len(part.dataset.classes),
            rng=np.random.default_rng((self.seed, 402)),
        )

    @cached_property
    def _seen(self) -> Seen:
        return see(
            self.train.averaged,
            faces=self.train.gradients,
            rng=np.random.default_rng((self.seed, 4020)),
        )

    @property
    def why_no_doubt(self) -> str:
        """Why labels cannot be doubted although there are embeddings."""
        if 2 * len(self.train.embedded) < len(self.train.facts):
            return (
                "most photos show no face to embed; --recipe teachable-machine looks at whole "
                "pictures"
            )
        return "a class has fewer than 4 photos with an embedding"

    @cached_property
    def wrong_label_chances(self) -> Float[np.ndarray, " m"]:
        """Of each doubted label, the chance that it is wrong; see `trust`. Asks `doubt` first."""
        part, found = self.train, self.doubt
        if found is None:
            return np.zeros(0)
        return chances(
            self._seen,
            y=found.y,
            units=self.units[part.embedded],
            n_classes=len(part.dataset.classes),
            scores=found.rank_score,
            rng=np.random.default_rng((self.seed, 4021)),
        )


def group_values(photos: Sequence[Photo], column: str) -> list[str]:
    """Each photo's value in a group column, empty where it has none."""
    return [photo.groups.get(column, "") for photo in photos]


# A column with more values than this names persons or cameras, not groups to be balanced.
MOST_VALUES = 12


def balance_columns(dataset: Dataset) -> list[str]:
    """Group columns with few enough values for a table of classes and groups."""
    return [
        column
        for column in dataset.group_columns
        if 1 <= len(set(group_values(dataset.photos, column)) - {""}) <= MOST_VALUES
    ]


# A table with more columns than this is not read by anybody.
MOST_CELLS_A_ROW = 40


def table_columns(dataset: Dataset) -> list[str]:
    """The group columns of the class by group table: the first ones whose values it can hold."""
    chosen: list[str] = []
    width = 1
    for column in balance_columns(dataset):
        width *= len(set(group_values(dataset.photos, column)))
        if width > MOST_CELLS_A_ROW:
            break
        chosen.append(column)
    return chosen
