"""`mien test MODEL… --photos TESTPHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say
from mien.cli.options import chosen_splits, splits_options


@click.command()
@click.argument("models", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder with one folder of test photos a class.",
)
@splits_options
@click.option("--groups-from-name", metavar="REGEX", help="Named groups of file names.")
@click.option(
    "--preprocessing",
    help="Another preprocessing than each model's own: a name such as tm-browser, or all.",
)
@json_option
def command(
    models: tuple[Path, ...],
    photos: Path,
    splits: Path | None,
    no_splits: bool,
    groups_from_name: str | None,
    preprocessing: str | None,
    as_json: bool,
) -> None:
    """Score MODELS on test photos, with intervals.

    Where 'mien split' froze a part of the photos, models are judged on that part alone.
    A MODEL is a run folder, a model.onnx of mien, or what Teachable Machine exports: a
    keras_model.h5, SavedModel, TensorFlow.js folder, .tflite, or the zip of one.
    """
    from mien.workflows.test import test

    began = time.monotonic()
    with progress_bar() as progress:
        record = test(
            models,
            photos=photos,
            splits=chosen_splits(splits, no_splits=no_splits),
            groups_from_name=groups_from_name,
            preprocessing=preprocessing,
            progress=progress,
            say=say,
        )
    if as_json:
        print_json(document("test", record, began=began))
        return
    from mien.reports.tables import print_test

    print_test(record)
