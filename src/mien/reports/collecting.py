"""The terminal's view of collecting: yield, table, sources, what was forgotten.

A view of the JSON documents and nothing else: no figure is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.reports.columns import fitting, wrapped


def print_collect(answer: Mapping[str, Any]) -> None:
    """Print what `mien collect` did."""
    for sentence in answer["sentences"]:
        print(wrapped(sentence, hanging=0))  # noqa: T201 - this is the terminal's view
    table = answer["table"]
    if table["rows"]:
        print()  # noqa: T201
        print(cells(table))  # noqa: T201
    if answer["missing"]:
        print("\nStill missing:")  # noqa: T201
        for cell in answer["missing"]:
            named = ", ".join([cell["class"], *cell["groups"].values()])
            print(f"  {named}: {cell['lacks']}")  # noqa: T201


def print_sources(answer: Mapping[str, Any]) -> None:
    """Print where photos are from."""
    for line in answer["photos"]:
        who = line["creator"] or "unknown creator"
        licence = line["licence"] or "no licence stated"
        parts = (line["path"], line["source"], licence, who, line["landing_page"])
        print("  ".join(filter(None, parts)))  # noqa: T201
    known = f"{_count(len(answer['photos']), 'photo')} with a known source."
    counts = ", ".join(f"{name} {count}" for name, count in answer["by_licence"].items())
    print(wrapped(f"{known} Licences: {counts}." if counts else known, hanging=0))  # noqa: T201
    for key, words in (
        ("unknown", "of unknown source"),
        ("changed", "changed since they were collected"),
    ):
        if answer[key]:
            print(f"{_count(len(answer[key]), 'photo')} {words}, such as {answer[key][0]}.")  # noqa: T201


def print_forget(answer: Mapping[str, Any]) -> None:
    """Print what was forgotten and what is tainted."""
    forgotten = f"{_count(len(answer['photos']), 'photo')} forgotten"
    print("\n  ".join([f"{forgotten}:", *answer["photos"]]))  # noqa: T201
    if answer["cache"]:
        print("The cache was thrown away with them; it is filled again when needed.")  # noqa: T201
    for one in answer["tainted"]:
        print(f"Tainted: {one['model']} (trained on {one['n_photos']} of them).")  # noqa: T201
    for path in answer["left"]:
        print(f"Still named in another file: {path}")  # noqa: T201


def cells(table: Mapping[str, Any]) -> str:
    """The class by group table as text; ``3/10`` where 10 are wanted.

    Classes stand above where the groups' names would make it wider than a terminal.

    Example:
        >>> print(cells({"rows": ["sad"], "columns": ["skin=brown"], "counts": [[3]],
        ...              "wanted": [[10]]}))
             skin=brown
        sad        3/10
    """
    wanted = table["wanted"]
    body = [
        [f"{count}/{wanted[i][j]}" if wanted else str(count) for j, count in enumerate(row)]
        for i, row in enumerate(table["counts"])
    ]
    heads = [column or "photos" for column in table["columns"]]
    rows = [["", *heads], *([name, *row] for name, row in zip(table["rows"], body, strict=True))]
    return fitting(rows)


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
