"""The wanted table, class by group, and which searches may fill its empty cells.

A quota is a TOML file::

    [want]
    classes = ["happy", "sad"]
    per_cell = 10

    [want.groups]
    skin = ["white", "brown", "black"]
    gender = ["man", "woman"]

    [[want.cell]]              # exceptions from per_cell, as many as you like
    class = "sad"
    gender = "man"
    n = 20

    [search]
    sources = ["openverse", "commons"]
    queries = ["{skin} {gender} {class} portrait", "{class} {gender} face"]
    limit = 200                # pictures a search looks at, at most

    [search.words]             # what to search for instead of a name, in this order
    sad = ["sad", "unhappy", "crying"]
    brown = ["Asian", "Indian", "Latin American"]

Knows nothing of fetching. A group that a photo was searched by is a guess until a person decides.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

from mien.collecting.records import Search
from mien.collecting.sources import SOURCES
from mien.errors import UserError

Cell = tuple[str, tuple[tuple[str, str], ...]]
"""A class, and the groups as sorted pairs, as `inventory.count_cells` has them."""

_EXAMPLE: Final = "docs/collecting.md has an example."
_WANT_KEYS: Final = {"classes", "per_cell", "groups", "cell"}
_SEARCH_KEYS: Final = {"sources", "queries", "limit", "words"}


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A wanted table and how to fill it.

    Attributes:
        classes: Rows of the table.
        groups: Group columns and their values, whose products are the table's columns.
        wanted: Number of photos a cell.
        sources: Which to search, in this order.
        queries: Templates with ``{class}`` and group names in braces.
        limit: Pictures that one search looks at, at most.
        words: What to search for instead of a class or group value.
    """

    classes: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    wanted: Mapping[Cell, int]
    sources: tuple[str, ...]
    queries: tuple[str, ...]
    limit: int
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def lacking(self, counts: Mapping[Cell, int]) -> dict[Cell, int]:
        """Photos that each cell still needs, the neediest first; full cells are left out."""
        lack = {cell: n - self.count(cell, counts) for cell, n in self.wanted.items()}
        return dict(sorted(((c, n) for c, n in lack.items() if n > 0), key=lambda item: -item[1]))

    def count(self, cell: Cell, counts: Mapping[Cell, int]) -> int:
        """Photos that a cell has: those of its class whose groups include the cell's."""
        label, groups = cell
        return sum(
            n
            for (its_label, its_groups), n in counts.items()
            if its_label == label and set(groups) <= set(its_groups)
        )

    def searches(self, cell: Cell) -> Iterator[Search]:
        """The searches that may fill a cell, the best words first, each source for each."""
        label, groups = cell
        values = {"class": label, **dict(groups)}
        seen: set[str] = set()
        choices = {name: self.words.get(value, (value,)) for name, value in values.items()}
        longest = max(len(words) for words in choices.values())
        for turn in range(longest):
            # Turn by turn through each word list, so that the first words are all tried first.
            chosen = {name: words[min(turn, len(words) - 1)] for name, words in choices.items()}
            for template in self.queries:
                query = " ".join(template.format_map(chosen).split())
                if query not in seen:
                    seen.add(query)
                    for source in self.sources:
                        yield Search(source=source, query=query, label=label, groups=dict(groups))


def read_quota(path: Path) -> Quota:
    """Read a quota.

    Raises:
        UserError: It is not there, no TOML, or not a quota; the message names the key.
    """
    try:
        with path.open("rb") as file:
            value = tomllib.load(file)
    except OSError as error:
        raise UserError(
            f"cannot read quota '{path}': {error.strerror or error}", _EXAMPLE
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"quota '{path}' is not TOML: {error}", _EXAMPLE) from error
    return parse_quota(value, name=str(path))


def parse_quota(value: Mapping[str, Any], *, name: str = "quota") -> Quota:
    """Make a quota of what a TOML file holds.

    Args:
        value: As `tomllib` gives it.
        name: Of the file, for messages.

    Raises:
        UserError: A key is missing, unknown or of the wrong kind.

    Example:
        >>> quota = parse_quota({"want": {"classes": ["sad"], "per_cell": 2}})
        >>> quota.lacking({})
        {('sad', ()): 2}
    """
    reader = _Reader(name)
    want = reader.table(value, "want")
    search = reader.table(value, "search") if "search" in value else {}
    reader.refuse_unknown(value, {"want", "search"}, "")
    reader.refuse_unknown(want, _WANT_KEYS, "want.")
    reader.refuse_unknown(search, _SEARCH_KEYS, "search.")
    classes = reader.texts(want, "classes", "want.")
    stated = reader.table(want, "groups") if "groups" in want else {}
    groups = {key: reader.texts(stated, key, "want.groups.") for key in stated}
    wanted = _wanted(reader, want, classes, groups)
    words = reader.table(search, "words") if "words" in search else {}
    return Quota(
        classes=classes,
        groups=groups,
        wanted=wanted,
        sources=_sources(reader, search),
        queries=_queries(reader, search, groups),
        limit=reader.number(search, "limit", "search.") if "limit" in search else 200,
        words={key: reader.texts(words, key, "search.words.") for key in words},
    )


def _wanted(
    reader: _Reader, want: Mapping[str, Any], classes: Sequence[str],
    groups: Mapping[str, Sequence[str]],
) -> dict[Cell, int]:  # fmt: skip
    per_cell = reader.number(want, "per_cell", "want.")
    columns = [
        tuple(sorted(zip(groups, values, strict=True))) for values in product(*groups.values())
    ]
    wanted = {(label, column): per_cell for label in classes for column in columns}
    for entry in want.get("cell", ()):
        given = {key: entry[key] for key in entry if key not in ("class", "n")}
        n = reader.number(entry, "n", "want.cell.")
        hits = [
            cell
            for cell in wanted
            if entry.get("class", cell[0]) == cell[0] and set(given.items()) <= set(cell[1])
        ]
        if not hits:
            raise reader.error(f"want.cell {dict(entry)} is no cell of the table")
        wanted.update(dict.fromkeys(hits, n))
    return wanted


def _sources(reader: _Reader, search: Mapping[str, Any]) -> tuple[str, ...]:
    sources = reader.texts(search, "sources", "search.") if "sources" in search else ("openverse",)
    for source in sources:
        if source not in SOURCES:
            raise reader.error(f"search.sources names '{source}', known are: {', '.join(SOURCES)}")
    return sources


def _queries(
    reader: _Reader, search: Mapping[str, Any], groups: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    if "queries" not in search:
        return (" ".join(["{class}", *(f"{{{name}}}" for name in groups), "portrait"]),)
    queries = reader.texts(search, "queries", "search.")
    known = {"class", *groups}
    for query in queries:
        try:
            fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(query) if name]
        except ValueError as error:
            raise reader.error(f"search.queries has '{query}': {error}") from error
        for name, spec in fields:
            if name not in known or spec:
                raise reader.error(
                    f"search.queries has '{{{name}}}', known are: {', '.join(sorted(known))}"
                )
    return queries


@dataclass(frozen=True)
class _Reader:
    """Takes values out of a table, with one wording of what is wrong."""

    name: str

    def error(self, what: str) -> UserError:
        return UserError(f"quota '{self.name}': {what}", _EXAMPLE)

    def table(self, value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = value.get(key)
        if not isinstance(found, dict):
            raise self.error(f"[{key}] is missing or no table")
        return found

    def texts(self, value: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = value.get(key)
        good = isinstance(found, list) and found and all(isinstance(v, str) and v for v in found)
        if not good or len(set(found or ())) != len(found or ()):
            raise self.error(f"{where}{key} must be a list of different texts, it is {found!r}")
        return tuple(found or ())

    def number(self, value: Mapping[str, Any], key: str, where: str) -> int:
        found = value.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= 1_000_000:
            raise self.error(f"{where}{key} must be a whole number from 0, it is {found!r}")
        return found

    def refuse_unknown(self, value: Mapping[str, Any], known: set[str], where: str) -> None:
        odd = sorted(set(value) - known)
        if odd:
            raise self.error(f"{where}{odd[0]} is unknown, known are: {', '.join(sorted(known))}")
