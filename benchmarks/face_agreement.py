"""Do the two face detectors find the same faces, and do they see faces where there are none?

    python benchmarks/face_agreement.py [--shared ../shared] [--out FILE.json]

Takes the study's 276 photos. Two boxes agree where their intersection is at least half of their
union. Faceless pictures are the parts of the same photos left of, right of and below the face.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

from mien.face import load_face_finder
from mien.image.decode import decode
from mien.image.preprocessing import upright_pixels
from mien.records import Face, Pixels

LONGEST_PX = 640
LEAST_PX = 120


def photos(shared: Path) -> list[Path]:
    folders = (shared / "paper" / "train", shared / "paper" / "test")
    return sorted(p for f in folders for p in f.glob("[!.]*/*") if p.is_file())


def overlap(one: Face, other: Face) -> float:
    a, b = one.xyxy_px, other.xyxy_px
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return width * height / (area - width * height)


def faceless(image: Pixels, face: Face) -> list[Pixels]:
    height, width = image.shape[:2]
    left, _, right, bottom = face.xyxy_px
    margin = 0.15 * (right - left)
    parts = (
        image[:, : max(0, int(left - margin))],
        image[:, min(width, int(right + margin)) :],
        image[min(height, int(bottom + margin)) :],
    )
    return [part for part in parts if min(part.shape[:2]) >= LEAST_PX]


def main() -> None:
    from PIL import Image

    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--every", type=int, default=1, help="of the faceless pictures, one in N")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("MIEN_MIRROR", str(arguments.shared / "models"))
    yunet, haar = load_face_finder("yunet"), load_face_finder("haar")
    scores, ratios, empty = [], [], []
    found = {"yunet": 0, "haar": 0}
    for path in photos(arguments.shared):
        picture = Image.fromarray(upright_pixels(decode(path.read_bytes())))
        picture.thumbnail((LONGEST_PX, LONGEST_PX))
        image = np.asarray(picture)
        one, other = yunet(image), haar(image)
        found["yunet"] += one is not None
        found["haar"] += other is not None
        scores.append(overlap(one, other) if one and other else 0.0)
        if one and other and scores[-1] >= 0.5:
            a, b = np.array(one.xyxy_px), np.array(other.xyxy_px)
            side = a[2] - a[0]
            shift = (b[:2] + b[2:] - a[:2] - a[2:]) / 2 / side
            ratios.append([*shift, (b[2] - b[0]) / side, (b[3] - b[1]) / (a[3] - a[1])])
        if one and one.n_faces == 1:
            empty += faceless(image, one)
    empty = empty[:: arguments.every]
    false = {"yunet": sum(yunet(e) is not None for e in empty),
             "haar": sum(haar(e) is not None for e in empty)}  # fmt: skip
    agreed = np.array(scores) >= 0.5
    names = ("centre right", "centre down", "width", "height")
    result = {
        "photos": len(scores),
        "found": found,
        "agreed": int(agreed.sum()),
        "median_overlap": float(np.median(np.array(scores)[agreed])),
        "haar_to_yunet": dict(zip(names, np.median(ratios, axis=0).round(3).tolist(), strict=True)),
        "faceless": len(empty),
        "false": false,
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
