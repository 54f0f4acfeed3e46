"""How long does it take to find the face in a 640 x 480 photo, on one core, warm?

    python benchmarks/face_speed.py [--detector yunet] [--embed] [--n 200] [--out FILE.json]

With `--embed` the crop and the embedding of the recipe `expression`, of the photo and its mirror
image, are counted too. The photo is drawn; decoding is not counted. Prints median and 95th
percentile in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mien.backbone.catalogue import backbone_entry
from mien.backbone.session import open_session
from mien.backbone.weights import load_backbone
from mien.dataset.drawn import draw_face
from mien.face import load_face_finder
from mien.image.geometry import face_crop
from mien.image.preprocessing import Preprocessing
from mien.image.transforms import grey, scale


def photo() -> np.ndarray:
    rng = np.random.default_rng(0)
    face = draw_face(rng, expression="happy", skin="brown", gender="woman", size_px=480)
    return np.pad(face, ((0, 0), (80, 80), (0, 0)), mode="edge")


def embedder() -> Callable[[np.ndarray, tuple[float, float, float, float]], np.ndarray]:
    """What the recipe `expression` does after the face is found."""
    session = open_session(load_backbone("mien-expression"))
    steps = Preprocessing.parse(backbone_entry("mien-expression").preprocessing)
    assert steps.face_step

    def embed(image: np.ndarray, xyxy_px: tuple[float, float, float, float]) -> np.ndarray:
        crop = face_crop(image, xyxy_px=xyxy_px, factor=steps.face_step.factor, size=steps.size_px)
        seen = scale(grey(crop), low=-1, high=1)
        return session.embed(np.stack([seen, seen[:, ::-1]])).mean(axis=0)

    return embed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--embed", action="store_true")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("MIEN_MIRROR", "../shared/models")
    cv2.setNumThreads(1)
    find = load_face_finder(arguments.detector)
    embed = embedder() if arguments.embed else None
    image = photo()
    assert find(image) is not None, "the drawn face is not found"
    took = []
    for _ in range(arguments.n):
        began = time.perf_counter()
        face = find(image)
        if embed:
            embed(image, face.xyxy_px)
        took.append(1000 * (time.perf_counter() - began))
    result = {
        "detector": arguments.detector,
        "embedded": arguments.embed,
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
