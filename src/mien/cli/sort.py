"""`mien sort PHOTOS/.inbox`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, say


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--port", default=0, show_default="any free one", type=click.IntRange(0, 65535))
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@json_option
def command(photos: Path, port: int, no_browser: bool, as_json: bool) -> None:
    """Decide on what was fetched, one key a photo, in a page on this machine alone.

    PHOTOS is the folder of photos or its '.inbox'. With --json, what is undecided is printed and no
    page is served.
    """
    from mien.workflows.sort import dataset_folder, look

    began = time.monotonic()
    folder = dataset_folder(photos)
    if as_json:
        print_json(document("sort", look(folder), began=began))
        return
    from mien.serve import Access
    from mien.serve.run import HOST, bind, serve
    from mien.serve.sorting import create_sorter

    listener = bind(port)
    port = listener.getsockname()[1]
    access = Access(port=port)
    app = create_sorter(folder, port=port, access=access)
    link = f"http://{HOST}:{port}/enter?token={access.new_token()}"
    say(f"The inbox of '{folder}' is at")
    click.echo(link)
    say("The link works once; Ctrl-C to end.")
    if not no_browser:
        import webbrowser

        webbrowser.open(link)
    serve(app, listener)
