"""Lines of a dataset's `groups.csv` that collecting adds; all others stay as people wrote them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from mien.dataset.groups import TABLE_NAME
from mien.files import write_text


def write_groups(folder: Path, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Add or replace photos' lines of the groups table; columns are added where they are missing.

    Args:
        folder: The dataset's folder.
        groups: Photo's name -> its groups; a photo without any gets no line.
    """
    said = {name: values for name, values in groups.items() if values}
    if not said:
        return
    path = folder / TABLE_NAME
    rows: list[dict[str, str]] = []
    columns = ["path"]
    if path.is_file():
        text = path.read_bytes().decode("utf-8-sig")
        delimiter = max((",", ";", "\t"), key=text.partition("\n")[0].count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
        columns = list(reader.fieldnames or columns)
    for values in said.values():
        columns += [key for key in values if key not in columns]
    rows = [row for row in rows if row.get("path") not in said]
    rows += [{"path": name, **said[name]} for name in sorted(said)]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, out.getvalue())
