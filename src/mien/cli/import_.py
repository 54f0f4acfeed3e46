"""`mien import THING --out PHOTOS|MODEL`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say


@click.command("import")
@click.argument("thing", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder for photos, or file for a model.",
)
@click.option("--label", help="Class of photos that carry none; the zip's name otherwise.")
@json_option
def command(thing: Path, out: Path, label: str | None, as_json: bool) -> None:
    """Bring in a Teachable Machine project, a zip of samples, or an exported model."""
    from mien.workflows.import_ import import_

    began = time.monotonic()
    with progress_bar() as progress:
        record = import_(thing, out=out, label=label, progress=progress)
    if as_json:
        print_json(document("import", record, began=began))
        return
    for reject in record.rejects:
        say(f"left out {reject.path}: {reject.reason}")
    if record.kind == "photos":
        told = ", ".join(f"{name} {n}" for name, n in record.classes.items())
        click.echo(f"{sum(n or 0 for n in record.classes.values())} photos in {record.out}: {told}")
    else:
        click.echo(f"{record.out}: a model of {', '.join(record.classes)}")
    for sentence in record.sentences:
        say(sentence)
    click.echo(f"Next: {record.next_step}")
