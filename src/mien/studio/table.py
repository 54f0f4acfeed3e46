"""`groups.csv` as the studio writes it: whole, in the user's own columns, never by guessing.

Knows nothing of photos' pixels. Law: columns and lines that the studio did not touch stay.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from mien.dataset.groups import TABLE_NAME, GroupTable, read_group_table
from mien.files import write_text

Row: TypeAlias = Mapping[str, str]
# Photo's name → its row before and after; None where there is none.
Rows: TypeAlias = Mapping[str, tuple[Row | None, Row | None]]
_NO_TABLE = GroupTable(columns=(), groups={}, labels={})


def read_table(root: Path) -> GroupTable:
    """The table in `root`, an empty one where there is none.

    Raises:
        DatasetError: It is there and cannot be used.
    """
    path = root / TABLE_NAME
    return read_group_table(path) if path.is_file() else _NO_TABLE


def change_table(root: Path, rows: Rows) -> None:
    """Bring the named photos' rows into their state `after`, whatever they are now.

    Doing it twice does nothing more, so that it can be repeated after a kill.
    """
    if not rows:
        return
    table = read_table(root)
    groups = {name: dict(known) for name, known in table.groups.items()}
    for name, (_, after) in rows.items():
        if after is None:
            groups.pop(name, None)
        else:
            groups[name] = dict(after)
    columns = list(table.columns)
    for known in groups.values():
        columns += [column for column in known if column not in columns]
    write_text(root / TABLE_NAME, _text(columns, groups, with_labels=bool(table.labels)))


def _text(columns: list[str], groups: Mapping[str, Row], *, with_labels: bool) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["path", *(["label"] if with_labels else []), *columns])
    for name in sorted(groups):
        # The folder is the label: a table that says another one could not be read again.
        label = [name.partition("/")[0]] if with_labels else []
        writer.writerow([name, *label, *(groups[name].get(column, "") for column in columns)])
    return file.getvalue()
