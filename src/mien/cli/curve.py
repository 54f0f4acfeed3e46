"""`mien curve PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, pairs, print_json, progress_bar, say


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option(
    "--test",
    "test_photos",
    type=click.Path(path_type=Path),
    help="Folder of test photos; without it, trainings are scored out of fold on PHOTOS.",
)
@click.option("--recipe", default="expression", show_default=True, help="What is trained.")
@click.option(
    "--seeds",
    default=10,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Trainings at each size.",
)
@click.option(
    "--folds",
    default=5,
    show_default=True,
    type=click.IntRange(2, 1000),
    help="Into which PHOTOS are dealt without --test.",
)
@click.option(
    "--executor",
    default="threads",
    show_default=True,
    help="threads, serial, processes or ray.",
)
@click.option(
    "--workers", type=click.IntRange(1, 4096), help="How many at once; default all cores."
)
@click.option(
    "--groups-from-name", metavar="REGEX", help="Named groups, matched against file names."
)
@click.option(
    "--allow-leak", is_flag=True, help="Go on although test photos are among the training photos."
)
@click.option(
    "--set", "more", multiple=True, metavar="NAME=VALUE", help="Any setting of the recipe."
)
@json_option
def command(
    photos: Path,
    test_photos: Path | None,
    recipe: str,
    seeds: int,
    folds: int,
    executor: str,
    workers: int | None,
    groups_from_name: str | None,
    allow_leak: bool,
    more: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say whether more photos like PHOTOS are worth collecting, and of which class.

    Trains on ever smaller parts of the photos and scores each training on photos it has not seen.
    """
    from mien.workflows.curve import curve

    began = time.monotonic()
    with progress_bar() as progress:
        record = curve(
            photos,
            test=test_photos,
            recipe=recipe,
            seeds=seeds,
            folds=folds,
            executor=executor,
            workers=workers,
            groups_from_name=groups_from_name,
            allow_leak=allow_leak,
            progress=progress,
            say=say,
            **pairs(more),
        )
    if as_json:
        print_json(document("curve", record, began=began))
        return
    from mien.reports.study_tables import print_curve

    print_curve(record)
