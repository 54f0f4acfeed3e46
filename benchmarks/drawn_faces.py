"""Are the drawn photos faces to a face detector, and how fast are they drawn?

    python benchmarks/drawn_faces.py [--n 300] [--model ../shared/models/yunet_n_640_640.onnx]

Prints how many of `n` drawn photos YuNet (score at least 0.6, exactly one face) and OpenCV's Haar
cascade find, and photos a second of one core's time at 256 and 320 pixels. Writes JSON with --out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from mien.dataset.drawn import EXPRESSIONS, GENDERS, SKIN_TONES, draw_face


def photos(n: int, size_px: int, seed: int) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    cells = list(product(EXPRESSIONS, SKIN_TONES, GENDERS))
    for i in range(n):
        expression, skin, gender = cells[i % len(cells)]
        rng = np.random.default_rng((seed, i))
        face = draw_face(rng, expression=expression, skin=skin, gender=gender, size_px=size_px)
        yield (expression, skin, gender), face


def detection(n: int, model: Path, seed: int) -> dict[str, object]:
    yunet = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score_threshold=0.6)
    haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found, one, by_haar, missed = 0, 0, 0, []
    for cell, face in photos(n, 320, seed):
        bgr = np.ascontiguousarray(face[..., ::-1])
        _, rows = yunet.detect(bgr)
        n_faces = 0 if rows is None else len(rows)
        found += n_faces > 0
        one += n_faces == 1
        by_haar += len(haar.detectMultiScale(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), 1.05, 3)) > 0
        if not n_faces:
            missed.append("/".join(cell))
    return {"n": n, "yunet": found / n, "yunet_one": one / n, "haar": by_haar / n, "missed": missed}


def speed(size_px: int) -> float:
    n = 60
    list(photos(6, size_px, 1))
    start = time.process_time()
    list(photos(n, size_px, 2))
    return n / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=Path("../shared/models/yunet_n_640_640.onnx"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = detection(options.n, options.model, options.seed)
    result |= {f"per_core_second_{size}": speed(size) for size in (256, 320)}
    for key, value in result.items():
        print(f"{key:22} {value}")
    if options.out:
        options.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
