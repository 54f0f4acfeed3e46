"""`mien serve MODEL`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mien.cli.console import document, json_option, print_json, say


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--port", default=8650, show_default=True, type=click.IntRange(0, 65535))
@json_option
def command(model: Path, port: int, as_json: bool) -> None:
    """Answer pictures with MODEL over HTTP, on this machine alone.

    MODEL is a run folder, a model file or a Teachable Machine export. A picture in the body of
    POST /api/predict is answered with JSON; GET /api/model says what can be answered.
    """
    from mien.serve.predict import create_server
    from mien.serve.run import HOST, bind, serve
    from mien.workflows.models import open_model

    began = time.monotonic()
    opened = open_model(model)
    listener = bind(port)
    port = listener.getsockname()[1]
    app = create_server(opened, port=port)
    address = f"http://{HOST}:{port}"
    say(f"'{model}' answers at")
    if as_json:
        record = {"url": address, "model": str(model), "labels": opened.labels}
        print_json(document("serve", record, began=began))
    else:
        click.echo(address)
    say(f"Try: curl --data-binary @photo.jpg {address}/api/predict    Ctrl-C to end.")
    serve(app, listener)
