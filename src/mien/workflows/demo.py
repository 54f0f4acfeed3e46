"""`mien demo`: the main job on photos that are drawn here, so that anyone can see it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.dataset.drawn import draw_dataset
from mien.errors import UserError
from mien.records import Progress, Say, no_progress, say_nothing
from mien.workflows.train import train
from mien.workflows.train_record import TrainRecord

# Enough for an interval that says something, few enough for seconds.
PHOTOS_PER_CLASS = 30
TEST_PHOTOS_PER_CLASS = 12
SEEDS = 5


@dataclass(frozen=True, kw_only=True)
class DemoRecord:
    """What `mien demo --json` prints.

    Attributes:
        photos: The folder of drawn training photos.
        test_photos: The folder of drawn test photos.
        train: The record of the training on them.
        next: Commands to try next.
    """

    photos: str
    test_photos: str
    train: TrainRecord
    next: tuple[str, ...]


def demo(
    out: Path | str = "mien-demo",
    *,
    seed: int = 0,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> DemoRecord:
    """Draw photos, train, test, and write a run folder.

    Args:
        out: The folder for the photos and the run; a demo that is there is drawn anew.
        seed: Of the drawings and the training.
        progress: Told drawings, embeddings and trainings.
        say: Told sentences for the user.

    Raises:
        UserError: `out` holds something that is no demo, or cannot be written.
    """
    folder = Path(out)
    photos, test_photos, run = folder / "train", folder / "test", folder / "run"
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not photos.is_dir()):
        raise UserError(
            f"'{folder}' is there and is no demo of mien", "Choose another folder with --out."
        )
    draw_dataset(
        folder,
        n_per_class=PHOTOS_PER_CLASS,
        seed=seed,
        test_per_class=TEST_PHOTOS_PER_CLASS,
        progress=progress,
    )
    record = train(
        photos, test=test_photos, seeds=SEEDS, first_seed=seed, out=run, progress=progress, say=say
    )
    return DemoRecord(
        photos=str(photos),
        test_photos=str(test_photos),
        train=record,
        next=(
            f"mien predict {run} {test_photos}",
            f"mien train {photos} --test {test_photos} --recipe teachable-machine",
            "mien train YOUR-PHOTOS --test YOUR-TEST-PHOTOS",
        ),
    )
