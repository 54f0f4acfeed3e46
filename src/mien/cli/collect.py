"""`mien collect QUERY --into PHOTOS`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say

# Each holds 150 MB; fetching cannot feed more.
_MOST_PROCESSES = 4


@click.command()
@click.argument("query", required=False)
@click.option(
    "--into", required=True, type=click.Path(path_type=Path), help="The folder of photos."
)
@click.option("--class", "label", help="The class that the photos are meant for.")
@click.option(
    "--group", "groups", multiple=True, metavar="NAME=VALUE", help="A group they are meant for."
)
@click.option(
    "--source",
    default="openverse",
    show_default=True,
    type=click.Choice(["openverse", "commons", "bing", "urls", "folder", "camera"]),
    help="Where to look; for urls, folder and camera QUERY is a path.",
)
@click.option("--limit", default=120, show_default=True, help="Pictures to ask for at most.")
@click.option("--quota", type=click.Path(path_type=Path), help="A TOML file with the wanted table.")
@click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="WORD",
    help="public-domain, commercial, modification, any, or a code such as by-sa.",
)
@click.option(
    "--keep",
    default="original",
    show_default=True,
    type=click.Choice(["original", "clean"]),
    help="The bytes without metadata, or encoded anew.",
)
@click.option("--accept", is_flag=True, help="Into the class at once, without your look.")
@click.option("--no-triage", is_flag=True, help="Keep everything that can be read.")
@click.option("--detector", type=click.Choice(["yunet", "haar"]), help="Finds the faces.")
@click.option("--contact", default="", help="Your mail address, told to the servers.")
@click.option(
    "--per-second", default=8.0, show_default=True, help="Requests to one server a second; 0: any."
)
@click.option(
    "--allow-local", is_flag=True, hidden=True, help="Allow addresses of this machine, for tests."
)
@click.option(
    "--api", "apis", multiple=True, hidden=True, metavar="SOURCE=URL", help="A mirror's address."
)
@json_option
def command(
    query: str | None,
    into: Path,
    label: str | None,
    groups: tuple[str, ...],
    source: str,
    limit: int,
    quota: Path | None,
    licences: tuple[str, ...],
    keep: str,
    accept: bool,
    no_triage: bool,
    detector: str | None,
    contact: str,
    per_second: float,
    allow_local: bool,
    apis: tuple[str, ...],
    as_json: bool,
) -> None:
    """Collect photos from the web or the disk, sorted into usable and not.

    Usable photos go to the inbox of the folder; 'mien sort' is where you decide. The same command
    again goes on where it stopped.
    """
    from mien.collecting import Manners
    from mien.reports.collecting import print_collect
    from mien.workflows.collect import collect

    began = time.monotonic()
    with progress_bar() as progress:
        record = collect(
            into,
            query=query,
            label=label,
            groups=_pairs(groups, "--group"),
            source=source,
            limit=limit,
            quota=quota,
            licences=licences,
            keep="clean" if keep == "clean" else "original",
            accept=accept,
            triage=not no_triage,
            detector=detector,
            processes=min(_MOST_PROCESSES, (os.cpu_count() or 1) - 1),
            contact=contact,
            manners=Manners(per_second=per_second or None),
            allow_local=allow_local,
            base_urls=_pairs(apis, "--api"),
            progress=progress,
            say=say,
        )
    if as_json:
        print_json(document("collect", record, began=began))
        return
    print_collect(record.plain())


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.UsageError(f"{option} {one}: expected NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs
