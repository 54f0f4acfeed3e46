"""`mien serve MODEL`."""

from __future__ import annotations

from pathlib import Path

import click

from mien.cli.console import say


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--port", default=8650, show_default=True, type=click.IntRange(0, 65535))
def command(model: Path, port: int) -> None:
    """Answer pictures with MODEL over HTTP, on this machine alone.

    MODEL is a run folder, a model file or a Teachable Machine export. A picture in the body of
    POST /api/predict is answered with JSON; GET /api/model says what can be answered.
    """
    from mien.serve.predict import create_server
    from mien.serve.run import HOST, bind, serve
    from mien.workflows.models import open_model

    opened = open_model(model)
    listener = bind(port)
    port = listener.getsockname()[1]
    app = create_server(opened, port=port)
    address = f"http://{HOST}:{port}"
    say(f"'{model}' answers at")
    click.echo(address)
    say(f"Try: curl --data-binary @photo.jpg {address}/api/predict    Ctrl-C to end.")
    serve(app, listener)
