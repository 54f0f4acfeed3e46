"""Does the triage name planted faults, and does the search for copies find planted copies?

    python benchmarks/triage.py [--n 100] [--photos FOLDER …] [--out FILE.json]

Takes drawn photos (drawn anew with their own seeds), and all photos below `--photos`. Each is
spoiled in every way that the triage has a word for; counted are how many are refused under that
word, under another one, and how many pass. Then each twin of a photo (re-encoded, halved, cropped,
brighter, mirrored) is shown to an index that holds the sound ones.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from mien.blas import one_blas_thread
from mien.collecting import Unusable
from mien.collecting.copies import Copy, CopyIndex, Newcomer, look_at
from mien.collecting.triage import FindFaces, triage
from mien.dataset.drawn import CLASSES, draw_face
from mien.dataset.drawn.faults import TWIN_KINDS, encode_jpeg, spoil, twin
from mien.face import default_detector, load_face_finder
from mien.image.decode import decode
from mien.image.preprocessing import upright_pixels
from mien.records import Pixels

SIDE_PX: Final = 256
SMALL_FACE_PX: Final = 40  # the triage asks for 56
SPOILED: Final = {
    "blurred": "blurred",
    "dark": "dark",
    "overexposed": "overexposed",
    "banners": "text over the face",
}


def drawn(n: int) -> list[Pixels]:
    return [
        draw_face(
            np.random.default_rng((2026, i)), expression=CLASSES[i % 5],
            skin=("white", "brown", "black")[i % 3], gender=("man", "woman")[i % 2],
            size_px=SIDE_PX,
        )
        for i in range(n)
    ]  # fmt: skip


def read(folders: list[Path]) -> list[Pixels]:
    """Photos as they are for a copy, but no larger than the web's thumbnails."""
    found = []
    for path in sorted(p for folder in folders for p in folder.rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            image = Image.fromarray(upright_pixels(decode(path.read_bytes())))
            image.thumbnail((640, 640))
            found.append(np.asarray(image))
    return found


def verdict(pixels: Pixels, find_faces: FindFaces) -> str:
    try:
        upright = np.ascontiguousarray(pixels)
        triage(upright, faces=find_faces(upright))
    except Unusable as error:
        return error.reason
    return "passed"


def without_face(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Its tiles in another order: the same colours and edges, and nobody."""
    side = min(image.shape[:2]) // 16
    tiles = [image[y * side : y * side + side, x * side : x * side + side]
             for y in range(16) for x in range(16)]  # fmt: skip
    order = rng.permutation(len(tiles)).reshape(16, 16)
    return np.vstack([np.hstack([tiles[i] for i in row]) for row in order])


def two_faces(image: Pixels, other: Pixels, rng: np.random.Generator) -> Pixels:
    """Two pictures side by side, the second at 60 to 100 % of the first's height."""
    high = image.shape[0]
    low = int(high * rng.uniform(0.6, 1.0))
    second = Image.fromarray(other)
    second = second.resize((max(1, round(second.width * low / second.height)), low))
    canvas = Image.new("RGB", (image.shape[1] + second.width, high), "white")
    canvas.paste(Image.fromarray(image), (0, 0))
    canvas.paste(second, (image.shape[1], high - low))
    return np.asarray(canvas)


def small_face(image: Pixels, face_px: float) -> Pixels:
    """The picture shrunk until its face is too small, on a canvas of its old size."""
    scale = SMALL_FACE_PX / face_px
    h, w = image.shape[:2]
    canvas = Image.new("RGB", (w, h), (190, 200, 205))
    part = Image.fromarray(image).resize((max(1, round(w * scale)), max(1, round(h * scale))))
    canvas.paste(part, ((w - part.width) // 2, (h - part.height) // 2))
    return np.asarray(canvas)


def painted(image: Pixels) -> Pixels:
    """Even areas of few colours, as a drawing program fills them."""
    h, w = image.shape[:2]
    few = Image.fromarray(image).resize((w // 4, h // 4)).quantize(12).convert("RGB")
    return np.asarray(few.resize((w, h), Image.Resampling.NEAREST))


def spoiled(kind: str) -> Callable[[Pixels, np.random.Generator], Pixels]:
    return lambda image, rng: decode(spoil(rng, encode_jpeg(image, quality=95), kind=kind)).pixels


def triaged(photos: list[Pixels], find_faces: FindFaces) -> dict[str, dict[str, int]]:
    """For each planted fault how often which verdict was given; only photos that pass unspoiled."""
    rng = np.random.default_rng(7)
    rows: dict[str, Counter[str]] = {"sound": Counter(verdict(p, find_faces) for p in photos)}
    sound = [p for p in photos if verdict(p, find_faces) == "passed"]
    rows |= {name: Counter() for name in ("no face", "several faces", "small", "drawn")}
    rows |= {reason: Counter() for reason in SPOILED.values()}
    for i, image in enumerate(sound):
        left, top, right, bottom = find_faces(image)[0].xyxy_px
        face_px = min(right - left, bottom - top)
        other = sound[(i + 1) % len(sound)]
        made = {
            "no face": without_face(image, rng),
            "several faces": two_faces(image, other, rng),
            "small": small_face(image, face_px),
            "drawn": painted(image),
        }
        made |= {reason: spoiled(kind)(image, rng) for kind, reason in SPOILED.items()}
        for name, picture in made.items():
            rows[name][verdict(picture, find_faces)] += 1
    return {name: dict(counts.most_common()) for name, counts in rows.items()}


def compared(photos: list[Pixels]) -> dict[str, dict[str, int]]:
    """For each kind of twin: found, found as another's, taken for mirrored or not, missed."""
    index = CopyIndex()
    new: Counter[str] = Counter()
    held = []
    for i, image in enumerate(photos):
        (answer,) = index.admit([Newcomer(name=str(i), look=look_at(image))], claim=lambda: True)
        new["called a copy" if isinstance(answer, Copy) else "new"] += 1
        held += [] if isinstance(answer, Copy) else [i]
    rows = {"sound": dict(new)}
    for kind in TWIN_KINDS:
        counts: Counter[str] = Counter()
        for i in held:
            data = twin(encode_jpeg(photos[i], quality=92), kind=kind)
            made = Newcomer(name="twin", look=look_at(decode(data).pixels))
            (answer,) = index.admit([made], claim=lambda: False)
            if not isinstance(answer, Copy):
                counts["missed"] += 1
            elif answer.of != str(i):
                counts["found as another's"] += 1
            else:
                counts[
                    "found" if answer.mirrored == (kind == "mirrored") else "mirrored wrong"
                ] += 1
        rows[kind] = dict(counts.most_common())
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--photos", type=Path, nargs="*", default=[])
    parser.add_argument("--detector", default=default_detector())
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    find_faces = load_face_finder(options.detector).glance
    sets = {"drawn": drawn(options.n)}
    if options.photos:
        sets["photos"] = read(options.photos)
    results = {}
    with one_blas_thread():
        for name, photos in sets.items():
            results[name] = {"triage": triaged(photos, find_faces), "copies": compared(photos)}
            for what, rows in results[name].items():
                print(f"{name}, {what} ({options.detector})")
                for planted, counts in rows.items():
                    told = ", ".join(f"{n} {word}" for word, n in counts.items())
                    print(f"  {planted:20} {told}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
