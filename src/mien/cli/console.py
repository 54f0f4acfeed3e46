"""What every verb shares: the ``--json`` option, progress on standard error, one document out.

Knows nothing of any verb.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from mien.files import to_json
from mien.records import Progress, Say, plain
from mien.version import VERSION

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Give a verb ``--json`` as the argument `as_json`."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document to standard output, words to standard error.",
    )(function)


def pairs(texts: Sequence[str]) -> dict[str, Any]:
    """Read what follows ``--set``: names and values joined by ``=``.

    Raises:
        click.UsageError: A text has no ``=``.
    """
    parted = [one.partition("=") for one in texts]
    for name, equals, _ in parted:
        if not equals:
            raise click.UsageError(f"--set {name}: expected NAME=VALUE")
    return {name.strip().replace("-", "_"): value.strip() for name, _, value in parted}


def say(sentence: str) -> None:
    """Tell the user a sentence on standard error."""
    click.echo(sentence, err=True)


def document(verb: str, record: Any, *, began: float) -> dict[str, Any]:
    """The JSON document of a verb: the keys that all verbs share, then the record's own.

    Args:
        verb: The verb.
        record: A record or mapping; its ``rejects`` are kept, an empty list where it has none.
        began: ``time.monotonic()`` at the verb's start.
    """
    body = record.plain() if hasattr(record, "plain") else plain(record)
    rejects = body.pop("rejects", [])
    shared = {"mien": VERSION, "verb": verb, "seconds": round(time.monotonic() - began, 3)}
    return {**shared, "rejects": rejects, **body}


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    click.echo(to_json(value))


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A `Progress` that draws a bar with rate and time left on standard error.

    Where standard error is no terminal, each stage is one line when it is finished.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
    )
    with Bars(*columns, console=Console(stderr=True, emoji=False), transient=True) as bars:
        tasks: dict[str, tuple[Any, float]] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = (
                    bars.add_task(stage, total=total or None, rate=""),
                    time.monotonic(),
                )
            task, began = tasks[stage]
            elapsed = time.monotonic() - began
            rate = f"{done / elapsed:.0f}/s" if done and elapsed > 0.2 else ""
            bars.update(task, completed=done, total=total or None, rate=rate)

        yield progress


def _lines() -> Progress:
    finished: set[str] = set()

    def progress(stage: str, done: int, total: int) -> None:
        if total and done >= total and stage not in finished:
            finished.add(stage)
            say(f"{stage}: {done}")

    return progress


__all__ = [
    "Progress",
    "Say",
    "document",
    "json_option",
    "pairs",
    "print_json",
    "progress_bar",
    "say",
]
