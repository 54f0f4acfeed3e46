"""`mien audit PHOTOS`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar, say
from mien.cli.options import lang_option


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), help="Folder of test photos.")
@click.option(
    "--splits",
    type=click.Path(path_type=Path),
    help="A table of 'mien split': audit its training part against its test part.",
)
@click.option(
    "--model", type=click.Path(path_type=Path), help="Model or run: what it was trained on."
)
@click.option("--recipe", default="expression", show_default=True, help="Whose backbone looks.")
@click.option("--groups-from-name", metavar="REGEX", help="Named groups of file names.")
@click.option("--skin-tone", is_flag=True, help="Measure apparent skin tone from pixels.")
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    help="A printed class by group table (JSON): say which cells differ.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Write the report as one page.")
@lang_option("the page")
@click.option("--seed", default=0, show_default=True, help="Of the checks that deal at random.")
@json_option
def command(
    photos: Path,
    test: Path | None,
    splits: Path | None,
    model: Path | None,
    recipe: str,
    groups_from_name: str | None,
    skin_tone: bool,
    expect: Path | None,
    html: Path | None,
    lang: str,
    seed: int,
    as_json: bool,
) -> None:
    """Look at PHOTOS before trusting any number: balance, twins, leaks, doubtful labels."""
    from mien.workflows.audit import audit

    if lang != "en" and html is None:
        raise click.UsageError(f"--lang {lang} is the language of a page: add --html FILE")
    began = time.monotonic()
    with progress_bar() as progress:
        record = audit(
            photos,
            test=test,
            splits=splits,
            model=model,
            recipe=recipe,
            groups_from_name=groups_from_name,
            skin_tone=skin_tone,
            expect=expect,
            html=html,
            language=lang,
            seed=seed,
            progress=progress,
            say=say,
        )
    if as_json:
        print_json(document("audit", record, began=began))
        return
    from mien.reports.auditing import print_audit

    print_audit(record)
    if html is not None:
        say(f"The report with the photos is '{html}'. It shows people: do not publish it.")
