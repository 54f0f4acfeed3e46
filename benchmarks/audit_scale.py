"""How long do the checks take, and how much memory, for many photos whose facts are cached?

    python benchmarks/audit_scale.py --photos 20000

Facts and embeddings are made by code with the shape of real ones (a cold cache is excluded, as
decoding is measured elsewhere); one photo in fifty is a near copy. Prints wall and processor time:
on a busy machine only the second means anything.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from mien.audits.catalogue import CHECKS
from mien.audits.facts import Facts
from mien.audits.view import Part, View
from mien.digest import digest_text
from mien.records import Dataset, Face, Photo

CLASSES = ("angry", "expressionless", "happy", "sad", "surprise")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photos", type=int, default=20_000)
    arguments.add_argument("--out", type=Path, default=Path("audit_scale.json"))
    given = arguments.parse_args()
    view = View(train=_part(given.photos))
    before = _memory()
    rows = []
    for check in CHECKS:
        wall, cpu = time.monotonic(), time.process_time()
        finding = check().run(view)
        row = [check.code, finding.outcome, time.monotonic() - wall, time.process_time() - cpu]
        rows.append(row)
        if row[3] > 0.5:
            print(f"{row[0]} {row[1]:15} wall {row[2]:6.1f} s  cpu {row[3]:6.1f} s", flush=True)
    answer = {
        "photos": given.photos, "wall_s": sum(r[2] for r in rows), "cpu_s": sum(r[3] for r in rows),
        "peak_mb": _memory(), "facts_mb": before,
    }  # fmt: skip
    print(json.dumps(answer, indent=1))
    given.out.write_text(json.dumps(answer, indent=1))


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _part(n: int) -> Part:
    rng = np.random.default_rng(0)
    y = np.arange(n) % len(CLASSES)
    centres = rng.standard_normal((len(CLASSES), 1280)).astype(np.float32)
    embeddings = centres[y] * 0.15 + rng.standard_normal((n, 1280)).astype(np.float32)
    photos, facts = [], []
    for i in range(n):
        name = f"{CLASSES[y[i]]}/{i:06}.jpg"
        groups = {"skin": ("a", "b", "c")[i // 5 % 3]}
        photos.append(Photo(path=Path(name), name=name, sha256=digest_text(name),
                            label=CLASSES[y[i]], groups=groups))  # fmt: skip
        facts.append(facts[i - 5] if i % 50 == 49 else _facts(rng))
    dataset = Dataset(root=Path(), classes=CLASSES, photos=tuple(photos), group_columns=("skin",))
    face = Face(xyxy_px=(100, 100, 300, 300), confidence=0.9)
    return Part(dataset=dataset, facts=tuple(facts), faces=(face,) * n, embedded=np.arange(n),
                embeddings=embeddings)  # fmt: skip


def _facts(rng: np.random.Generator) -> Facts:
    # Hashes of faces are not as far apart as random ones: 16 of 64 bits are common to all.
    hashes = rng.integers(0, 2**48, 8, dtype=np.uint64)
    small = rng.integers(60, 200, (8, 8)).astype(np.float32)
    thumbnail = np.kron(small, np.ones((8, 8), dtype=np.float32))
    thumbnail += rng.normal(0, 6, (64, 64))
    return Facts(
        format="jpeg", width_px=int(rng.integers(400, 900)), height_px=int(rng.integers(400, 900)),
        size_bytes=int(rng.integers(40_000, 200_000)), brightness=float(rng.uniform(0.3, 0.7)),
        dark_share=0.1, bright_share=0.1, darkest=0.1, face_brightness=0.5,
        contrast=float(rng.uniform(0.5, 0.8)), chroma=0.3, blur=float(rng.uniform(0.2, 0.5)),
        flat_share=0.3, n_colours=0.03, bars=0, page_share=0.1,
        background=rng.uniform(0, 1, 36).astype(np.float32), skin_angle=20.0, hashes=hashes,
        thumbnail=thumbnail.astype(np.uint8),
    )  # fmt: skip


if __name__ == "__main__":
    main()
