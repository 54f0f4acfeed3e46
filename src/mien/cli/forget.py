"""`mien forget PHOTOS --photo SHA|--person NAME|--source NAME`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, say


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--photo", help="SHA-256 of a photo or its beginning, or its path in the folder.")
@click.option("--person", help="Value of the group 'person'.")
@click.option("--source", help="A source's name, a host, or a creator.")
@click.option(
    "--runs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where else to look for models; 'runs' here and beside PHOTOS are looked at.",
)
@json_option
def command(
    photos: Path,
    photo: str | None,
    person: str | None,
    source: str | None,
    runs: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Delete photos everywhere, for good, and name the models trained on them.

    A tombstone of digests stays, so that the photos are not collected again.
    """
    from mien.reports.collecting import print_forget
    from mien.workflows.forget import forget

    began = time.monotonic()
    record = forget(photos, photo=photo, person=person, source=source, runs=runs, say=say)
    answer = document("forget", record, began=began)
    if as_json:
        print_json(answer)
    else:
        print_forget(answer)
