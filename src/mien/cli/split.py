"""`mien split PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--test", default=0.2, show_default=True, help="Share of each class to test on.")
@click.option("--groups", metavar="COLUMN", help="Photos with one value here stay together.")
@click.option("--groups-from-name", metavar="REGEX", help="Named groups of file names.")
@click.option("--out", type=click.Path(path_type=Path), help="The table. [PHOTOS/splits.csv]")
@click.option("--seed", default=0, show_default=True, help="Of the choice among equal divisions.")
@json_option
def command(
    photos: Path,
    test: float,
    groups: str | None,
    groups_from_name: str | None,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Freeze a part of PHOTOS for testing, so that no copy and no person is on both sides."""
    from mien.workflows.split import split

    began = time.monotonic()
    with progress_bar() as progress:
        record = split(
            photos,
            test=test,
            groups=groups,
            out=out,
            groups_from_name=groups_from_name,
            seed=seed,
            progress=progress,
            say=say,
        )
    if as_json:
        print_json(document("split", record, began=began))
        return
    from mien.reports.auditing import print_split

    print_split(record)
