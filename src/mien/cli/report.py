"""`mien report RUN|STUDY`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say
from mien.cli.options import lang_option


@click.command()
@click.argument("source", metavar="RUN|STUDY", type=click.Path(path_type=Path))
@click.option(
    "--html", type=click.Path(path_type=Path), help="The page's file; default report.html in it."
)
@click.option(
    "--photos/--no-photos", default=True, show_default=True, help="Thumbnails, which show people."
)
@click.option(
    "--audit",
    type=click.Path(path_type=Path),
    help="What 'mien audit --json' printed of the training photos, for a run's advice.",
)
@click.option(
    "--published",
    type=click.Path(path_type=Path),
    help="A published.json, whose points are drawn over a study's.",
)
@click.option(
    "--card", type=click.Path(path_type=Path), help="Write a run's model card, too (Markdown)."
)
@lang_option("page and card")
@json_option
def command(
    source: Path,
    html: Path | None,
    photos: bool,
    audit: Path | None,
    published: Path | None,
    card: Path | None,
    lang: str,
    as_json: bool,
) -> None:
    """Write one self-contained HTML page of a run, a study or a reproduction.

    Also of a file with what 'mien curve --json' printed.
    """
    from mien.workflows.report import report

    began = time.monotonic()
    with progress_bar() as progress:
        record = report(
            source,
            html=html,
            card=card,
            photos=photos,
            audit=audit,
            published=published,
            language=lang,
            progress=progress,
            say=say,
        )
    if as_json:
        print_json(document("report", record, began=began))
        return
    for sentence in record.advice:
        click.echo(sentence)
    click.echo(f"Page {record.page}")
    if record.card is not None:
        click.echo(f"Card {record.card}")
