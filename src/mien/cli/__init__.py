"""The command line: `mien VERB …`.

One file a verb, loaded only when that verb is called, so that `mien --help` is quick. A verb
parses, calls one workflow and prints; it knows nothing else. Law: with ``--json``, one JSON
document on standard output and nothing else there; words and progress go to standard error.
Exit codes: 0 done, 1 the user's input or data, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from mien.errors import UserError
from mien.version import VERSION

# Verb → (module under mien.cli, one line for the help), in the order in which people need them.
# The module holds a click command named `command`.
VERBS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("demo", "Draw a sample dataset, train, test, and say what to do next."),
    "audit": ("audit", "Look at the photos before trusting any number."),
    "split": ("split", "Freeze a test part that cannot leak."),
    "plan": ("plan", "Say how many test photos a claim needs."),
    "train": ("train", "Train a classifier from a folder of class folders."),
    "test": ("test", "Score models on test photos, with intervals."),
    "predict": ("predict", "Name the class of photos."),
    "study": ("study", "Try many recipes with many seeds, and say what can be said."),
    "curve": ("curve", "Say whether more photos are worth it, and of which class."),
    "report": ("report", "Write the page of a run or a study."),
    "reproduce": ("reproduce", "Do a published study again, over seeds and by folds."),
    "compare": ("compare", "Say whether two models differ by more than chance."),
    "export": ("export", "Write a model in other programs' formats, with proof."),
    "import": ("import_", "Bring in a Teachable Machine project, samples or model."),
    "serve": ("serve", "Answer pictures with a model over HTTP, on this machine."),
    "studio": ("studio", "Collect, train, try and examine in the browser."),
    "collect": ("collect", "Collect photos with their licences, sorted into usable and not."),
    "sort": ("sort", "Decide on what was collected, one key a photo."),
    "sources": ("sources", "Where each photo is from; credits as text."),
    "forget": ("forget", "Delete photos for good and name the models trained on them."),
    "backbones": ("backbones", "What can be used, where it comes from, whether it is here."),
}


class Verbs(click.Group):
    """A click group that loads a verb's module when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one verb."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"mien.cli.{VERBS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without loading them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb where there is none of that name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in VERBS:
            import difflib

            near = difflib.get_close_matches(name, VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(
                f"there is no verb '{name}'.{hint} 'mien --help' lists them.", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB …",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, "--version", "-V", message="mien %(version)s")
def mien() -> None:
    """Teach a computer to tell classes of photos apart, and learn how far to trust it.

    Start with 'mien demo'. Every verb takes --help and --json.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: What follows ``mien``; the process's own arguments when None.
    """
    try:
        mien.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except UserError as error:
        _red(str(error))
        return 1
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _red("interrupted · nothing is half-written; run the same command again to go on")
        return 130
    except BrokenPipeError:
        # The reader (head, less) went away: no error of ours. Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _red(text: str) -> None:
    click.secho(text, fg="red", err=True)


def entry() -> None:
    """Run as the installed command."""
    sys.exit(main())
