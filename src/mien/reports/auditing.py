"""The terminal's view of audits, splits and plans. A view of records: no figure is made here.

The records are those of `workflows`, a layer above: they are known here by their fields alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from mien.reports.columns import fitting, wrapped
from mien.words import count

if TYPE_CHECKING:
    from mien.audits.findings import Finding
    from mien.audits.tables import CollectNext, Table

_COLOURS: Final = {"issue": "red", "hint": "yellow", "passed": "green"}
_MOST_LACKS: Final = 8
_WORST_FIRST: Final = ("high", "medium", "low")


def print_audit(record: Any) -> None:
    """Print findings that need a look, the table, and what to collect next."""
    click.echo(_head(record))
    for outcome in ("issue", "hint"):
        found = [f for f in record.findings if f.outcome == outcome]
        for finding in sorted(found, key=lambda f: _WORST_FIRST.index(f.severity)):
            _print_finding(finding)
    passed = [f.code for f in record.findings if f.outcome == "passed"]
    click.secho(wrapped(f"\npassed  {len(passed)} checks: {', '.join(passed)}"), fg="green")
    for finding in record.findings:
        if finding.outcome in ("not applicable", "skipped"):
            told = f"{finding.code} {finding.outcome}: {finding.sentence}"
            click.secho(wrapped(told, hanging=5), dim=True)
    click.echo()
    click.echo(table_text(record.table))
    if record.expected is not None:
        click.echo("\n" + wrapped(record.expected.sentence))
    _print_lacks(record.collect_next)


def print_split(record: Any) -> None:
    """Print how a split came out."""
    for sentence in record.sentences:
        click.echo(wrapped(sentence))
    for row in record.classes:
        click.echo(
            f"  {row['label']}: {row['test']} of {row['n']} for testing "
            f"({row['ideal']:.1f} would be exact)"
        )


def print_plan(record: Any) -> None:
    """Print what a claim needs."""
    for sentence in record.sentences:
        click.echo(wrapped(sentence))


def table_text(table: Table) -> str:
    """The class by group table with totals, as text; groups at the left where it would be too wide.

    Example:
        >>> from mien.audits.tables import Table
        >>> print(table_text(Table(rows=("sad",), columns=("man", "woman"), counts=((3, 4),))))
               man  woman  total
        sad      3      4      7
        total    3      4      7
    """
    lines = [["", *table.columns, "total"]]
    for row, counts in zip(table.rows, table.counts, strict=True):
        lines.append([row, *map(str, counts), str(sum(counts))])
    sums = [sum(column) for column in zip(*table.counts, strict=True)]
    lines.append(["total", *map(str, sums), str(sum(sums))])
    if len(table.columns) == 1:
        lines = [line[:-1] for line in lines]
    return fitting(lines)


def _head(record: Any) -> str:
    n = sum(f.outcome == "issue" for f in record.findings)
    hints = sum(f.outcome == "hint" for f in record.findings)
    tested = f" and {count(record.n_test, 'test photo')}" if record.test_photos else ""
    return (
        f"{count(record.n_photos, 'photo')}{tested}: {count(n, 'issue')}, {count(hints, 'hint')}."
    )


def _print_finding(finding: Finding) -> None:
    click.echo()
    mark = click.style(f"{finding.outcome:6}", fg=_COLOURS[finding.outcome], bold=True)
    click.echo(f"{mark}  {click.style(finding.code, bold=True)} {finding.title}")
    click.echo(wrapped(finding.sentence, first=8, hanging=8))


def _print_lacks(lacks: CollectNext) -> None:
    if not lacks.cells:
        click.echo("\nThe table is even.")
        return
    total = sum(lack.add for lack in lacks.cells)
    click.echo(f"\nCollect next, for {lacks.each} photos in every cell ({total} in all):")
    for lack in lacks.cells[:_MOST_LACKS]:
        click.echo(f"  {lack.add} of {lack.label} · {lack.group} (has {lack.has})")
    if len(lacks.cells) > _MOST_LACKS:
        click.echo(f"  … and {len(lacks.cells) - _MOST_LACKS} more cells")
