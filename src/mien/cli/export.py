"""`mien export MODEL --to FORMAT --out FOLDER`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, progress_bar
from mien.cli.options import lang_option
from mien.formats.checks import CHECKS


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "formats",
    type=click.Choice(list(CHECKS)),
    multiple=True,
    required=True,
    help="Format; may be given several times.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    help="Training photos, to calibrate litert-int8 on.",
)
@lang_option("a second README and card, beside the English ones")
@json_option
def command(
    model: Path, formats: tuple[str, ...], out: Path, photos: Path | None, lang: str, as_json: bool
) -> None:
    """Write MODEL in other programs' formats, and prove that it answers the same.

    MODEL is a run folder, a model.onnx of mien, or a Teachable Machine export.
    """
    from mien.formats.programs import running_programs, start_programs

    began = time.monotonic()
    with running_programs(), progress_bar() as progress:
        # They import for a second, as we do: side by side.
        start_programs(check for name in formats for check in CHECKS[name])
        from mien.workflows.export import export

        record = export(model, to=formats, out=out, photos=photos, language=lang, progress=progress)
    if as_json:
        print_json(document("export", record, began=began))
        return
    from mien.reports.exporting import print_export

    print_export(record)
