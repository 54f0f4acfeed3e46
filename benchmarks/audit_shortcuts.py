"""Is a background that gives the class away found, and a clean folder left alone?

    python benchmarks/audit_shortcuts.py --photos 300 --clean 20

Draws folders in which the background colour gives the class away for a share of the photos.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from mien.audits.checks.shortcuts import Background, FileType, Light, Size
from mien.dataset.drawn import Faults, draw_dataset
from mien.workflows.audit import look


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photos", type=int, default=300)
    arguments.add_argument("--clean", type=int, default=20)
    arguments.add_argument("--out", type=Path, default=Path("audit_shortcuts.json"))
    given = arguments.parse_args()
    answer = {}
    for share in (0.6, 0.8, 1.0):
        answer[f"{share:.0%}"] = _outcomes(given.photos, seed=int(share * 100), share=share)
        print(f"{share:.0%}", answer[f"{share:.0%}"], flush=True)
    clean = []
    for i in range(given.clean):
        clean.append(_outcomes(given.photos, seed=1000 + i, share=0.0))
        if any(outcome == "issue" for outcome in clean[-1].values()):
            print("clean", i, clean[-1], flush=True)
    answer["clean"] = {
        "repetitions": len(clean),
        "silent": sum(all(v != "issue" for v in one.values()) for one in clean),
    }
    print("clean", answer["clean"])
    given.out.write_text(json.dumps(answer, indent=1))


def _outcomes(n: int, *, seed: int, share: float) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_dataset(
            Path(folder), n_per_class=n // 5, seed=seed, faults=Faults(shortcut=share), size_px=128
        )
        view, _ = look(drawn.train, test=None)
        return {
            check.code: check().run(view).outcome for check in (Background, FileType, Light, Size)
        }


if __name__ == "__main__":
    main()
