"""`mien demo`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("mien-demo"),
    show_default=True,
    help="Where the drawn photos and the run go.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1))
@json_option
def command(out: Path, seed: int, as_json: bool) -> None:
    """Draw a sample dataset of faces, train on it, test, and say what to do next."""
    from mien.workflows.demo import demo

    began = time.monotonic()
    with progress_bar() as progress:
        record = demo(out, seed=seed, progress=progress, say=say)
    if as_json:
        print_json(document("demo", record, began=began))
        return
    from mien.reports.tables import print_train

    print_train(record.train)
    click.echo("\nNext:")
    for line in record.next:
        click.echo(f"  {line}")
