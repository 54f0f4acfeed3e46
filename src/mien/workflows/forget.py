"""`mien forget`: delete photos for good, and name the runs and models that were trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.collecting.forgetting import forget as erase
from mien.collecting.forgetting import tainted_by
from mien.collecting.locking import alone
from mien.collecting.purging import Traces, clear_tables, leftovers
from mien.errors import DatasetError, ModelError
from mien.model.file import SUFFIX, read_model
from mien.model.record import Model
from mien.records import Say, say_nothing
from mien.workflows import runs as run_folders


@dataclass(frozen=True, kw_only=True)
class Tainted:
    """A model that was trained on forgotten photos.

    Attributes:
        model: The file.
        run: The run folder that it lies in; None where it lies elsewhere.
        n_photos: How many forgotten photos it was trained on.
    """

    model: str
    run: str | None
    n_photos: int


@dataclass(frozen=True, kw_only=True)
class ForgetRecord:
    """What `mien forget --json` prints.

    Attributes:
        photos: Names that the photos had.
        tombstones: Digests that stay, so that the photos are not collected again.
        tables: Tables of the folder from which lines were taken out.
        cache: Whether a cache was thrown away; it is filled again when next needed.
        tainted: Models that were trained on them.
        left: Files of the folder and of runs that still are or name one of the photos: reports or
            notes of the user's own. Models that were trained on them are under `tainted`.
    """

    photos: tuple[str, ...]
    tombstones: tuple[str, ...]
    tables: tuple[str, ...]
    cache: bool
    tainted: tuple[Tainted, ...]
    left: tuple[str, ...]


def forget(
    photos: Path | str,
    *,
    photo: str | None = None,
    person: str | None = None,
    source: str | None = None,
    runs: Sequence[Path | str] = (),
    say: Say = say_nothing,
) -> ForgetRecord:
    """Forget photos of a dataset's folder, everywhere.

    Args:
        photos: The dataset's folder.
        photo: SHA-256 of a photo or its beginning, or its path in the folder.
        person: Value of the group ``person``.
        source: Name of a source, host of addresses, or creator.
        runs: Further folders to look for models in; ``runs`` here and beside the photos are
            always looked at.
        say: Told sentences for the user.

    Raises:
        DatasetError: It is not clear which photos are meant, or none is.
    """
    folder = Path(photos)
    if not folder.is_dir():
        raise DatasetError(f"folder '{folder}' does not exist", "Give a folder of class folders.")
    with alone(folder):
        erased = erase(folder, photo=photo, person=person, source=source)
    digests = {stone.sha256 for stone in erased.tombstones}
    places = [Path("runs"), folder.resolve().parent / "runs", *map(Path, runs)]
    tainted = _tainted(places, digests)
    for one in tainted:
        say(f"'{one.model}' was trained on {one.n_photos} of them: train it anew or delete it.")
    # Run folders lie outside the folder that names are relative to: only bytes tell there.
    bare = Traces(names=(), digests=erased.traces.digests)
    run_places = {place.resolve() for place in places if place.is_dir()}
    tables = [str(place / name) for place in run_places for name in clear_tables(place, bare)]
    left = [str(p / name) for p in run_places for name in leftovers(p, bare, but=(SUFFIX,))]
    return ForgetRecord(
        photos=erased.photos,
        tombstones=tuple(sorted(digests)),
        tables=(*erased.tables, *sorted(tables)),
        cache=erased.cache,
        tainted=tainted,
        left=(*leftovers(folder, erased.traces), *sorted(left)),
    )


def forgotten_photos(model: Model, *, photos: Path | None = None) -> tuple[str, ...]:
    """Digests of the forgotten photos that a model was trained on; empty for a clean one.

    Args:
        model: As read from its file.
        photos: The folder it was trained on, where that is known and here.
    """
    folders = [photos] if photos is not None and photos.is_dir() else []
    return tainted_by(model.fingerprints, folders=folders)


def taint_sentence(digests: Sequence[str]) -> str:
    """What `mien test` says of a tainted model."""
    photos = "photo that was" if len(digests) == 1 else "photos that were"
    return (
        f"Tainted: trained on {len(digests)} {photos} forgotten since. "
        "Train it anew without them, or delete it."
    )


def _tainted(places: Sequence[Path], digests: set[str]) -> tuple[Tainted, ...]:
    files = {file.resolve() for place in places for file in place.rglob(f"*{SUFFIX}")}
    found = []
    for file in sorted(files):
        try:
            n = len(digests.intersection(read_model(file).fingerprints))
        except ModelError:
            continue  # no model of ours
        if n:
            in_run = (file.parent / run_folders.RECORD).is_file()
            run = str(file.parent) if in_run else None
            found.append(Tainted(model=str(file), run=run, n_photos=n))
    return tuple(found)
