"""How long does it take to find the face in a 640 x 480 photo, on one core, warm?

    python benchmarks/face_speed.py [--detector yunet] [--n 200] [--out FILE.json]

The photo is drawn; decoding is not counted. Prints median and 95th percentile in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np

from mien.dataset.drawn import draw_face
from mien.face import load_face_finder


def photo() -> np.ndarray:
    rng = np.random.default_rng(0)
    face = draw_face(rng, expression="happy", skin="brown", gender="woman", size_px=480)
    return np.pad(face, ((0, 0), (80, 80), (0, 0)), mode="edge")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("MIEN_MIRROR", "../shared/models")
    cv2.setNumThreads(1)
    find = load_face_finder(arguments.detector)
    image = photo()
    assert find(image) is not None, "the drawn face is not found"
    took = []
    for _ in range(arguments.n):
        began = time.perf_counter()
        find(image)
        took.append(1000 * (time.perf_counter() - began))
    result = {
        "detector": arguments.detector,
        "median_ms": round(float(np.median(took)), 2),
        "p95_ms": round(float(np.percentile(took, 95)), 2),
        "fastest_ms": round(min(took), 2),
        "n": arguments.n,
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
