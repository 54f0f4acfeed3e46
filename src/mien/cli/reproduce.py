"""`mien reproduce PAPER`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say
from mien.cli.options import lang_option
from mien.cli.train import TimesType


@click.command()
@click.argument("paper", type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    default=20,
    show_default=True,
    type=click.IntRange(2, 10_000),
    help="Random starts for each setting.",
)
@click.option(
    "--cross-validate",
    default="10x10",
    show_default=True,
    type=TimesType(),
    help="Repeats x folds on the training photos.",
)
@click.option("--recipe", default="expression", show_default=True, help="Ours, beside its own.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for finished runs, so that an interrupted one goes on; default under studies/.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Where to write the page; default in the folder.",
)
@lang_option("the page")
@json_option
def command(
    paper: Path,
    seeds: int,
    cross_validate: tuple[int, int],
    recipe: str,
    out: Path | None,
    html: Path | None,
    lang: str,
    as_json: bool,
) -> None:
    """Do the study in the folder PAPER again: its tables, its models, its recipe over many seeds.

    The folder holds published.json, train/, test/ and models/.
    """
    from mien.files import write_text
    from mien.reports.page import reproduce_page
    from mien.workflows.reproduce import reproduce

    began = time.monotonic()
    with progress_bar() as progress:
        record = reproduce(
            paper,
            seeds=seeds,
            cross_validate=cross_validate,
            recipe=recipe,
            out=out,
            progress=progress,
            say=say,
        )
    page = html or Path(record.folder) / "reproduce.html"
    write_text(page, reproduce_page(record, language=lang))
    say(f"Page {page}")
    if as_json:
        print_json(document("reproduce", record, began=began))
        return
    from mien.reports.tables import print_reproduce

    print_reproduce(record)
