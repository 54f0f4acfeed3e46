"""Puts a trained run into the package: its weights and the record of how they came about.

    python training/export.py --out build/expression --run third \
        --weights build/expression/mien_expression.npz \
        --start ../shared/models/teachablemachine-image-model.zip \
        --scores build/expression/scores.json --to src/mien/backbone/weights

Writes `mien_expression.npz` and, last, `mien_expression.json`, whose sha256 names the former.
"""

import argparse
import datetime as dt
import hashlib
import json
from pathlib import Path

import network
from runs import SILENCED

NAME = "mien_expression"
PREPROCESSING = "orient | crop:face({factor:g},yunet) | resize:{size_px}:area | grey | scale:-1:1"


def ancestors(out: Path, name: str) -> list[dict]:
    """The records of `name` and of the runs it stands on, first made first."""
    record = json.loads((out / f"{SILENCED.get(name, name)}.json").read_text())
    parents = [p for p in (record["run"]["start"], *record["run"]["teachers"]) if p != "start"]
    found = {r["run"]["name"]: r for parent in parents for r in ancestors(out, parent)}
    return [*found.values(), record]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where train.py wrote")
    parser.add_argument("--run", required=True)
    parser.add_argument("--weights", type=Path, required=True, help="what quiet.py wrote")
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True, help="what evaluate.py wrote")
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    weights = arguments.to / f"{NAME}.npz"
    arrays = network.read_npz(arguments.weights)
    network.write_npz(weights, arrays)
    scores = json.loads(arguments.scores.read_text())
    record = {
        "name": NAME.replace("_", "-"),
        "architecture": "MobileNetV2, alpha 0.35, without its top, averaged over the last map",
        "width": network.EMBEDDING_WIDTH,
        "preprocessing": PREPROCESSING.format(**scores),
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "start_sha256": hashlib.sha256(arguments.start.read_bytes()).hexdigest(),
        "units_silenced": int((arrays["Conv_1_bn/gamma"] == 0).sum()),
        "made": dt.datetime.now(dt.UTC).date().isoformat(),
        "scores": scores,
        "runs": ancestors(arguments.out, arguments.run),
    }
    beside = arguments.to / f"{NAME}.json.part"
    beside.write_text(json.dumps(record, indent=1) + "\n")
    beside.replace(arguments.to / f"{NAME}.json")
    print(f"{weights}: {weights.stat().st_size:,} bytes, sha256 {record['weights_sha256']}")
    print(record["preprocessing"])


if __name__ == "__main__":
    main()
