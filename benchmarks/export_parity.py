"""How far is each export from the model, in the program that people open it with?

    MIEN_TENSORFLOW_PYTHON=… MIEN_NODE_MODULES=… python benchmarks/export_parity.py MODEL
        [--photos TRAIN] [--formats keras,tfjs] [--json OUT]

Exports MODEL to every format, opens each with every consumer that is here, and prints the table of
docs/formats.md: largest difference of a probability over the golden pictures, share with the same
class, time a picture, size. What could not be checked says why.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from mien.errors import UserError
from mien.formats.catalogue import EXPORTERS
from mien.records import plain
from mien.workflows.export import export


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--formats", default=",".join(EXPORTERS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = []
    print("| format | file | opened by | largest difference | same class | ms | bytes |")
    print("|---|---|---|---|---|---|---|")
    for name in given.formats.split(","):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                record = export(given.model, to=name, out=folder, photos=given.photos)
            except UserError as error:
                print(f"| {name} | – | failed: {error} | | | | |", flush=True)
                continue
        for one in record.parity:
            told = f"not checked: {one.reason} | | "
            if one.max_abs_diff is not None:
                told = f"{one.max_abs_diff:.1e} | {one.same_top:.0%} of {one.n} | {one.ms}"
            cells = f"{name} | {one.file} | {one.consumer} | {told} | {one.size_bytes}"
            print(f"| {cells} |", flush=True)
            rows.append({"format": name, "seconds": time.perf_counter() - began, **plain(one)})
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
