"""`mien predict MODEL PHOTO|FOLDER…`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("photos", type=click.Path(path_type=Path), nargs=-1, required=True)
@json_option
def command(model: Path, photos: tuple[Path, ...], as_json: bool) -> None:
    """Name the class of PHOTOS (files or folders), one line a photo."""
    from mien.workflows.predict import predict

    began = time.monotonic()
    with progress_bar() as progress:
        record = predict(model, photos, progress=progress)
    if as_json:
        print_json(document("predict", record, began=began))
        return
    from mien.reports.tables import print_predict

    print_predict(record)
