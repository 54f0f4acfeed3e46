"""How far is each export from the model, in the program that people open it with?

    MIEN_TENSORFLOW_PYTHON=… MIEN_NODE_MODULES=… python benchmarks/export_parity.py NAME=MODEL …
        [--photos TRAIN] [--formats keras,tfjs] [--json OUT]

Exports every MODEL to every format, opens each with every consumer, and prints the table of
docs/formats.md: a row a consumer, a column a model with the largest difference of a probability
over the golden pictures, the share with the same class, and the time a picture. A cell that could
not be measured says why, and the program then ends with 1: a table with a gap is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mien.errors import UserError
from mien.formats.catalogue import EXPORTERS
from mien.formats.parity import Parity
from mien.records import plain
from mien.workflows.export import export

Rows = dict[tuple[str, str, str], dict[str, str]]


def main() -> int:
    given = arguments()
    models = dict(one.split("=", 1) for one in given.models)
    rows: Rows = {}
    told: list[dict[str, Any]] = []
    whole = True
    for format in given.formats.split(","):
        for name, model in models.items():
            for parity in exported(Path(model), format, given.photos):
                consumer, _, version = parity.consumer.partition(" ")
                row = rows.setdefault((format, parity.file, consumer), {})
                row |= {name: cell(parity)} | ({"version": version} if version else {})
                whole = whole and parity.checked
                told.append({"format": format, "model": name, **plain(parity)})
        print(f"{format}: done", file=sys.stderr, flush=True)
    print("\n".join(table(rows, list(models))))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0 if whole else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--formats", default=",".join(EXPORTERS))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def exported(model: Path, format: str, photos: Path | None) -> list[Parity]:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            return list(export(model, to=format, out=folder, photos=photos).parity)
        except UserError as error:
            # An export that fails its own proof is a measurement too.
            files = {check.file: check.consumer for check in EXPORTERS[format].checks}
            seconds = time.perf_counter() - began
            print(f"{format} after {seconds:.0f} s: {error}", file=sys.stderr, flush=True)
            return [
                Parity(file=file, consumer=consumer, checked=False, reason=f"refused: {error}")
                for file, consumer in files.items()
            ]


def cell(one: Parity) -> str:
    if one.max_abs_diff is None or one.same_top is None:
        return one.reason
    size = f"{one.size_bytes:,} bytes"
    return f"{one.max_abs_diff:.1e} · {one.same_top:.0%} of {one.n} · {one.ms:.0f} ms · {size}"


def table(rows: Rows, models: list[str]) -> list[str]:
    lines = ["| format | file | opened by | " + " | ".join(models) + " |"]
    lines.append("|" + "---|" * (3 + len(models)))
    for (format, file, consumer), cells in rows.items():
        told = " | ".join(cells.get(name, "–") for name in models)
        opener = f"{consumer} {cells.get('version', '')}".strip()
        lines.append(f"| {format} | {file} | {opener} | {told} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
