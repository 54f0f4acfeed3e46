"""`mien train PHOTOS`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click

from mien.cli.console import document, json_option, pairs, print_json, progress_bar, say
from mien.cli.options import (
    chosen_splits,
    groups_option,
    leak_option,
    settings_option,
    splits_options,
)


class TimesType(click.ParamType[tuple[int, int]]):
    """Repeats and folds, such as ``10x10``."""

    name = "REPEATSxFOLDS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read ``10x10`` as ten repeats of ten folds."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,3})[x×](\d{1,3})", str(value))
        if not match:
            self.fail(f"'{value}' is not REPEATSxFOLDS, such as 10x10", param, ctx)
        return int(match[1]), int(match[2])


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option(
    "--recipe", default="expression", show_default=True, help="expression or teachable-machine."
)
@click.option(
    "--test", "test_photos", type=click.Path(path_type=Path), help="Folder of test photos."
)
@splits_options
@click.option(
    "--seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many trainings, each from its own random start and split.",
)
@click.option(
    "--first-seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**31 - 1),
    help="The first of the seeds.",
)
@click.option(
    "--cross-validate",
    type=TimesType(),
    help="Repeats x folds on the training photos, such as 10x10.",
)
@groups_option
@leak_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run folder; default runs/PHOTOS-RECIPE-N."
)
@click.option("--epochs", help="Setting of the recipe.")
@click.option("--batch-size", help="Setting of the recipe.")
@click.option("--learning-rate", help="Setting of the recipe.")
@click.option("--hidden-units", help="Setting of the recipe.")
@click.option("--weight-decay", help="Setting of the recipe.")
@click.option("--backbone", help="Setting of the recipe; 'mien backbones' lists them.")
@click.option("--crop", help="Setting of the recipe, such as centre or face(1.1,haar).")
@click.option(
    "--mirror/--no-mirror", default=None, help="Mirrored copies as extra training photos."
)
@settings_option
@json_option
def command(
    photos: Path,
    recipe: str,
    test_photos: Path | None,
    splits: Path | None,
    no_splits: bool,
    seeds: int,
    first_seed: int,
    cross_validate: tuple[int, int] | None,
    groups_from_name: str | None,
    allow_leak: bool,
    out: Path | None,
    more: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a classifier from PHOTOS, a folder with one folder of photos a class.

    With --test, or where 'mien split' froze a part of PHOTOS, every seed is judged on the test
    photos, which are never trained on; with --cross-validate, the recipe is
    judged on the training photos alone.
    """
    from mien.workflows.train import train

    began = time.monotonic()
    chosen = {name: value for name, value in settings.items() if value is not None}
    with progress_bar() as progress:
        record = train(
            photos,
            recipe=recipe,
            test=test_photos,
            splits=chosen_splits(splits, no_splits=no_splits),
            seeds=seeds,
            first_seed=first_seed,
            cross_validate=cross_validate,
            groups_from_name=groups_from_name,
            allow_leak=allow_leak,
            out=out,
            progress=progress,
            say=say,
            **chosen,
            **pairs(more),
        )
    if as_json:
        print_json(document("train", record, began=began))
        return
    from mien.reports.tables import print_train

    print_train(record)
