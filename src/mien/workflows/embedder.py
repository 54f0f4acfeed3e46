"""From a recipe to embeddings: backbone, preprocessing and face detector, brought together once.

Law: the detector is chosen before the first photo is read and stands in the recipe's
preprocessing string from then on; it is never changed afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mien.backbone.embed import Embedded, Glean, embed, embed_in_passing
from mien.backbone.weights import Backbone, load_backbone
from mien.cache import Cache
from mien.dataset.folder import require_enough, without
from mien.errors import DatasetError, RecipeError
from mien.face import default_detector, load_face_finder
from mien.head.recipe import Recipe
from mien.image.decode import Look
from mien.image.preprocessing import NO_FACE, Preprocessing
from mien.records import Dataset, FaceFinder, Photo, Progress, Say, no_progress, say_nothing


@dataclass(frozen=True, kw_only=True)
class Embedder:
    """What turns photos into embeddings, all of it named by the recipe.

    Attributes:
        backbone: The frozen network.
        preprocessing: The parsed string.
        find_face: The detector the string names, None where it names none.
        mirrored: Whether the mirror image's embedding is wanted too.
    """

    backbone: Backbone
    preprocessing: Preprocessing
    find_face: FaceFinder | None
    mirrored: bool

    def embed(
        self,
        photos: Sequence[Photo],
        *,
        cache: Cache,
        glean: Glean | None = None,
        progress: Progress = no_progress,
    ) -> Embedded:
        """Embed photos through `cache`; those that cannot be are in the result's rejects."""
        return embed(
            photos,
            backbone=self.backbone,
            preprocessing=self.preprocessing,
            find_face=self.find_face,
            mirrored=self.mirrored,
            cache=cache,
            glean=glean,
            progress=progress,
        )

    @contextmanager
    def in_passing(
        self, sha256s: Sequence[str], *, cache: Cache, glean: Glean | None = None
    ) -> Iterator[Look]:
        """Embed photos that somebody else has open, for `cache` alone."""
        with embed_in_passing(
            sha256s,
            backbone=self.backbone,
            preprocessing=self.preprocessing,
            find_face=self.find_face,
            mirrored=self.mirrored,
            cache=cache,
            glean=glean,
        ) as look:
            yield look

    def embed_dataset(
        self,
        dataset: Dataset,
        *,
        glean: Glean | None = None,
        progress: Progress = no_progress,
        say: Say = say_nothing,
    ) -> tuple[Dataset, Embedded]:
        """Embed a dataset through the cache beside it; its unusable photos become rejects."""
        with Cache.open(dataset.root, say=say) as cache:
            embedded = self.embed(dataset.photos, cache=cache, glean=glean, progress=progress)
        return without(dataset, embedded.rejects), embedded


def embedder_for(recipe: Recipe) -> Embedder:
    """Load what a recipe names.

    Raises:
        RecipeError: The backbone or detector is unknown, or they do not fit each other.
        FetchError: One of them is not on this machine; the hint names the ways to have it.
    """
    preprocessing = Preprocessing.parse(recipe.preprocessing)
    backbone = load_backbone(recipe.backbone)
    if preprocessing.size_px != backbone.spec.size_px:
        raise RecipeError(
            f"preprocessing '{recipe.preprocessing}' gives {preprocessing.size_px} px, "
            f"backbone '{recipe.backbone}' takes {backbone.spec.size_px} px",
            f"Write resize:{backbone.spec.size_px}:… in the preprocessing.",
        )
    return Embedder(
        backbone=backbone,
        preprocessing=preprocessing,
        find_face=face_finder_for(preprocessing),
        mirrored=recipe.average_mirror or recipe.mirror_photos,
    )


def face_finder_for(preprocessing: Preprocessing) -> FaceFinder | None:
    """Load the detector that a preprocessing names, None where it crops no face."""
    return load_face_finder(preprocessing.detector) if preprocessing.detector else None


def with_detector_at_hand(recipe: Recipe, *, say: Say) -> Recipe:
    """Replace YuNet by the cascades where YuNet's file is not on this machine, and say so.

    Only for a recipe whose detector the user did not choose.
    """
    detector = Preprocessing.parse(recipe.preprocessing).detector
    at_hand = default_detector()
    if detector is None or detector == at_hand:
        return recipe
    say(
        f"Faces are found with '{at_hand}': the file of '{detector}' is not on this machine "
        f"('mien backbones fetch {detector}' brings it). The model will name '{at_hand}'."
    )
    text = recipe.preprocessing.replace(f",{detector}", f",{at_hand}")
    return dataclasses.replace(recipe, preprocessing=text)


def require_usable(dataset: Dataset, *, minimum: int) -> None:
    """As `require_enough` after embedding, with what to do where most photos show no face.

    Raises:
        DatasetError: A class has fewer than `minimum` photos that the recipe can use.
    """
    n_faceless = sum(reject.reason == NO_FACE for reject in dataset.rejects)
    n = len(dataset.photos) + n_faceless
    try:
        require_enough(dataset, minimum=minimum)
    except DatasetError as error:
        if 2 * n_faceless <= n:
            raise
        raise DatasetError(
            error.message,
            f"The recipe crops to the face, and {n_faceless} of {n} photos show none that can be "
            "found. For pictures of other things, take --recipe teachable-machine.",
        ) from error


def dataset_name(root: Path) -> str:
    """What a dataset is called in file names: its folder's name."""
    return root.resolve().name or "photos"
