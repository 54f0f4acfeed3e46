"""Are planted copies found, and is a clean folder left alone? Drawn photos, by kind.

    python benchmarks/audit_copies.py --photos 2000 --each 50 --out copies.json

Draws a dataset with faults of each kind and one without, audits both, counts. `--faults-only`
leaves the clean one out, to see many drawings (`--seed`) of the other; `--few-kinds` plants copies,
leaks, swapped labels and the starved group alone, without the nine kinds of spoilt photos that make
labels harder to doubt.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from mien.dataset.drawn import Faults, draw_dataset
from mien.workflows.audit import AuditRecord, audit

TWINS = ("copies", "reencoded", "resized", "cropped", "brightened", "mirrored")
SINGLE = {
    "blurred": "M103", "dark": "M104", "overexposed": "M105", "tiny": "M102", "no_face": "M108",
    "several_faces": "M109", "banners": "M113", "screenshots": "M112", "swapped_labels": "M402",
}  # fmt: skip
FALSE = ("M102", "M103", "M104", "M105", "M108", "M109", "M111", "M112", "M113", "M301", "M302",
         "M303", "M305", "M401", "M402")  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photos", type=int, default=2000)
    arguments.add_argument("--each", type=int, default=50)
    arguments.add_argument("--out", type=Path, default=Path("audit_copies.json"))
    arguments.add_argument("--seed", type=int, default=1, help="of the drawing with faults")
    arguments.add_argument("--faults-only", action="store_true")
    arguments.add_argument("--few-kinds", action="store_true")
    given = arguments.parse_args()
    single = ("swapped_labels",) if given.few_kinds else tuple(SINGLE)
    per_class = given.photos // 5
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(
            **dict.fromkeys((*TWINS, *single), given.each), leaks=given.each,
            starve={"skin": "black", "gender": "man"}, starve_to=max(1, per_class // 20),
        )  # fmt: skip
        test = max(10, given.each // 5)
        drawn = draw_dataset(
            Path(folder) / "faults",
            n_per_class=per_class,
            seed=given.seed,
            test_per_class=test,
            faults=faults,
        )
        found = audit(drawn.train, test=drawn.test)
        answer = _found(drawn, found)
        if not given.faults_only:
            clean = draw_dataset(
                Path(folder) / "clean", n_per_class=per_class, seed=2, test_per_class=test
            )
            answer["false_alarms"] = _false(audit(clean.train, test=clean.test))
    for name, row in answer.items():
        print(f"{name:16} {row}")
    given.out.write_text(json.dumps(answer, indent=1))


def _found(drawn: Any, record: AuditRecord) -> dict[str, Any]:
    root = str(drawn.train) + "/"
    pairs = {
        frozenset((p.first_in + "/" + p.first, p.second_in + "/" + p.second))
        for code in ("M301", "M302", "M303", "M305")
        for p in record.found(code).pairs
    }
    rows: dict[str, Any] = {}
    for kind in (*TWINS, "leaks"):
        planted = [p for p in drawn.planted if p.kind == kind]
        hits = sum(frozenset(_name(path, drawn) for path in p.paths) in pairs for p in planted)
        rows[kind] = {"planted": len(planted), "found": hits}
    for kind, code in SINGLE.items():
        planted_names = {
            str(p.paths[-1]).removeprefix(root) for p in drawn.planted if p.kind == kind
        }
        named = set(record.found(code).photos)
        rows[kind] = {"planted": len(planted_names), "found": len(planted_names & named),
                      "named": len(named)}  # fmt: skip
    rows["starved group"] = {"M202": record.found("M202").outcome,
                             "M205": record.found("M205").outcome}  # fmt: skip
    return rows


def _name(path: Path, drawn: Any) -> str:
    side = "test" if path.is_relative_to(drawn.test) else "train"
    return f"{side}/{path.relative_to(drawn.test if side == 'test' else drawn.train).as_posix()}"


def _false(record: AuditRecord) -> dict[str, Any]:
    named = {code: len(record.found(code).photos) for code in FALSE}
    return {"photos": record.n_photos, **{code: n for code, n in named.items() if n}}


if __name__ == "__main__":
    main()
