"""`mien plan`."""

from __future__ import annotations

import time

import click

from mien.cli.console import document, json_option, print_json


@click.command()
@click.option("--classes", required=True, type=int, help="Number of classes.")
@click.option("--groups", default=1, show_default=True, help="Number of groups to compare.")
@click.option("--detect", default=0.1, show_default=True, help="Difference that should be found.")
@click.option("--accuracy", default=0.6, show_default=True, help="Accuracy that is expected.")
@click.option("--power", default=0.8, show_default=True, help="Probability of finding it.")
@json_option
def command(
    classes: int, groups: int, detect: float, accuracy: float, power: float, as_json: bool
) -> None:
    """Say how many test photos a claim needs."""
    from mien.workflows.plan import plan

    began = time.monotonic()
    record = plan(classes=classes, groups=groups, detect=detect, accuracy=accuracy, power=power)
    if as_json:
        print_json(document("plan", record, began=began))
        return
    from mien.reports.auditing import print_plan

    print_plan(record)
