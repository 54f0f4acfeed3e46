"""`mien compare A B --photos TESTPHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder with one folder of test photos a class.",
)
@click.option("--groups-from-name", metavar="REGEX", help="Named groups of file names.")
@json_option
def command(a: Path, b: Path, photos: Path, groups_from_name: str | None, as_json: bool) -> None:
    """Say whether models A and B differ by more than chance, on the same test photos.

    A model is a run folder, a model.onnx of mien, or a Teachable Machine keras_model.h5.
    """
    from mien.workflows.compare import compare

    began = time.monotonic()
    with progress_bar() as progress:
        record = compare(a, b, photos=photos, groups_from_name=groups_from_name, progress=progress)
    if as_json:
        print_json(document("compare", record, began=began))
        return
    from mien.reports.tables import print_compare

    print_compare(record)
