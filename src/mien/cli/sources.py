"""`mien sources PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--credits", "as_credits", is_flag=True, help="Print the credits as text.")
@json_option
def command(photos: Path, as_credits: bool, as_json: bool) -> None:
    """Say where each photo is from: licence, creator, when and by which query.

    PHOTOS is a folder of photos, or a run: then the photos that it was trained on.
    """
    from mien.reports.collecting import print_sources
    from mien.workflows.sources import sources

    began = time.monotonic()
    record = sources(photos)
    if as_json:
        print_json(document("sources", record, began=began))
    elif as_credits:
        click.echo(record.credits, nl=False)
    else:
        print_sources(document("sources", record, began=began))
