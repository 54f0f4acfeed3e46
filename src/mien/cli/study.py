"""`mien study PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, pairs, print_json, progress_bar, say
from mien.cli.options import chosen_splits, many_trainings_options, splits_options


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@splits_options
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=VALUE,…",
    help="A setting and its values, such as epochs=20,50,100; may be given several times.",
)
@click.option("--preset", help="A named grid instead of --vary: paper.")
@click.option("--recipe", help="What the grid starts from; default expression.")
@click.option(
    "--seeds",
    default=20,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Runs of each recipe.",
)
@click.option(
    "--nested", is_flag=True, help="Also measure what choosing by this grid is worth (slow)."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The study's folder; default one under studies/ that the same command finds again.",
)
@many_trainings_options
@json_option
def command(
    photos: Path,
    test_photos: Path | None,
    splits: Path | None,
    no_splits: bool,
    vary: tuple[str, ...],
    preset: str | None,
    recipe: str | None,
    seeds: int,
    folds: int,
    nested: bool,
    executor: str,
    workers: int | None,
    groups_from_name: str | None,
    allow_leak: bool,
    out: Path | None,
    more: tuple[str, ...],
    as_json: bool,
) -> None:
    """Try many recipes on PHOTOS, each with many seeds, and say what can be said.

    Interrupted at any moment, the same command goes on where it was.
    """
    from mien.workflows.study import study

    began = time.monotonic()
    with progress_bar() as progress:
        record = study(
            photos,
            test=test_photos,
            splits=chosen_splits(splits, no_splits=no_splits),
            vary=vary,
            preset=preset,
            recipe=recipe,
            seeds=seeds,
            folds=folds,
            nested=nested,
            executor=executor,
            workers=workers,
            groups_from_name=groups_from_name,
            allow_leak=allow_leak,
            out=out,
            progress=progress,
            say=say,
            **pairs(more),
        )
    if as_json:
        print_json(document("study", record, began=began))
        return
    from mien.reports.study_tables import print_study

    print_study(record)
