"""Options that several verbs share, so that they are spelt and explained the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

groups_option = click.option(
    "--groups-from-name", metavar="REGEX", help="Named groups, matched against file names."
)
leak_option = click.option(
    "--allow-leak", is_flag=True, help="Go on although test photos are among the training photos."
)
settings_option = click.option(
    "--set", "more", multiple=True, metavar="NAME=VALUE", help="Any setting of the recipe."
)


def lang_option(whose: str) -> Callable[[Command], Command]:
    """Add ``--lang en|ko``.

    Args:
        whose: What is written in it, for ``--help``.
    """
    # As `mien.reports.words.LANGUAGES`, so that --help is quick; a test holds the two together.
    return click.option(
        "--lang",
        type=click.Choice(["en", "ko"]),
        default="en",
        show_default=True,
        help=f"Language of {whose}.",
    )


def many_trainings_options(command: Command) -> Command:
    """Add what verbs that train many times share: where they score, and on what they run."""
    options = (
        click.option(
            "--test",
            "test_photos",
            type=click.Path(path_type=Path),
            help="Folder of test photos; without it, trainings are scored out of fold on PHOTOS.",
        ),
        click.option(
            "--folds",
            default=5,
            show_default=True,
            type=click.IntRange(2, 1000),
            help="Into which PHOTOS are dealt without --test.",
        ),
        click.option(
            "--executor",
            default="threads",
            show_default=True,
            help="threads, serial, processes or ray.",
        ),
        click.option(
            "--workers", type=click.IntRange(1, 4096), help="How many at once; default all cores."
        ),
        groups_option,
        leak_option,
        settings_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def splits_options(command: Command) -> Command:
    """Add ``--splits FILE`` and ``--no-splits``; `chosen_splits` makes one of what they give."""
    named = click.option(
        "--splits",
        type=click.Path(path_type=Path),
        help="A table of 'mien split' to go by. [PHOTOS/splits.csv, where there is one]",
    )
    none = click.option(
        "--no-splits", is_flag=True, help="Go by no such table: take the folder whole."
    )
    return named(none(command))


def chosen_splits(splits: Path | None, *, no_splits: bool) -> Path | bool | None:
    """Which table to go by: the one named, False for none, None for the folder's own.

    Raises:
        click.UsageError: Both options were given.
    """
    if splits is not None and no_splits:
        raise click.UsageError(f"--splits '{splits}' and --no-splits exclude each other")
    return False if no_splits else splits
