"""`mien studio [PHOTOS]`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, say


@click.command()
@click.argument("photos", type=click.Path(path_type=Path), default=Path("photos"))
@click.option(
    "--port",
    default=0,
    show_default="the last one, or any that is free",
    type=click.IntRange(0, 65535),
)
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@json_option
def command(photos: Path, port: int, no_browser: bool, as_json: bool) -> None:
    """Collect, train, try, audit and examine in the browser, on this machine alone.

    PHOTOS is a folder with one folder of photos a class, the same that the other verbs take; it is
    made when it is missing. The link that is printed opens the studio once; Enter prints another.
    """
    from mien.serve import Access
    from mien.serve.run import HOST, serve
    from mien.studio.app import create_studio
    from mien.studio.port import bind_again, remember

    began = time.monotonic()
    listener = bind_again(photos, port)
    port = listener.getsockname()[1]
    access = Access(port=port)
    app = create_studio(photos, port=port, access=access)
    remember(photos, listener)

    def new_link() -> str:
        return f"http://{HOST}:{port}/enter?token={access.new_token()}"

    link = new_link()
    say(f"The studio for '{photos}' is at")
    if as_json:
        print_json(document("studio", {"url": link, "photos": str(photos)}, began=began))
    else:
        click.echo(link)
    say("The link works once; press Enter for another, Ctrl-C to end.")
    if not no_browser:
        threading.Thread(target=_open_soon, args=(link,), daemon=True).start()
    if sys.stdin and sys.stdin.isatty():
        threading.Thread(target=_links_on_enter, args=(new_link,), daemon=True).start()
    serve(app, listener)


def _open_soon(link: str) -> None:
    import webbrowser

    time.sleep(0.3)
    webbrowser.open(link)


def _links_on_enter(new_link: Callable[[], str]) -> None:
    for _ in sys.stdin:
        click.echo(new_link())
