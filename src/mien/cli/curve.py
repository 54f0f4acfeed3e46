"""`mien curve PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, pairs, print_json, progress_bar, say
from mien.cli.options import many_trainings_options


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--recipe", default="expression", show_default=True, help="What is trained.")
@click.option(
    "--seeds",
    default=10,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Trainings at each size.",
)
@many_trainings_options
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
