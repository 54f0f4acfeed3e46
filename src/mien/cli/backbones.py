"""`mien backbones [fetch NAME] [--from FILE]`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from mien.workflows.backbones import Available


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what can be used, where it comes from, its licence and whether it is here.

    'mien backbones fetch NAME' brings one of them to this machine.
    """
    if context.invoked_subcommand is not None:
        context.obj = as_json
        return
    from mien.workflows.backbones import backbones

    began = time.monotonic()
    record = backbones()
    if as_json:
        print_json(document("backbones", record, began=began))
        return
    for entry in record.backbones:
        click.echo(_paragraph(entry))


def _paragraph(entry: Available) -> str:
    place = f"{entry.where}: {entry.path}" if entry.path else entry.where
    facts = [
        (entry.kind, entry.about),
        ("where", place),
        ("from", f"{entry.home or 'this package'} ({entry.licence})"),
        ("sha256", entry.sha256 or "no file of its own"),
    ]
    if entry.preprocessing:
        facts.append(("takes", f"{entry.preprocessing}, gives {entry.width} numbers"))
    if entry.where == "not here":
        facts.append(("fetch it", f"mien backbones fetch {entry.name}"))
    title = click.style(entry.name, bold=True)
    return "\n".join([title, *(f"  {key + ':':<15}{value}" for key, value in facts), ""])


@command.command()
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take it out of this file instead of downloading it: a Teachable Machine export, "
    "or the file itself.",
)
@json_option
@click.pass_obj
def fetch(outer_as_json: bool, name: str, source: Path | None, as_json: bool) -> None:
    """Bring NAME to this machine, and verify it."""
    from mien.workflows.backbones import fetch_backbone

    began = time.monotonic()
    with progress_bar() as progress:
        record = fetch_backbone(name, source=source, progress=progress)
    if as_json or outer_as_json:
        print_json(document("backbones", record, began=began))
        return
    fetched = next(entry for entry in record.backbones if entry.name == record.fetched)
    say(f"'{name}' is here: {fetched.path}")
