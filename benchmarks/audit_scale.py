"""How long does a whole audit take, and how much memory, for many photos that are in the cache?

    python benchmarks/audit_scale.py --photos 20000

Writes that many small files, fills the cache beside them with figures, pictures and embeddings of
the shape of real ones (a cold cache is excluded: decoding and embedding are measured elsewhere),
and then runs `mien audit` on the folder as a process of its own: reading and hashing the files, the
cache, every check. One photo in fifty is a near copy. `--checks` runs the checks alone in this
process and prints what each costs.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from mien.audits.catalogue import CHECKS
from mien.audits.facts import Facts
from mien.audits.packing import pack
from mien.audits.perceptual import grey_of
from mien.backbone import embed, remembered
from mien.records import Face, Photo
from mien.workflows import measuring
from mien.workflows.audit import look

CLASSES = ("angry", "expressionless", "happy", "sad", "surprise")
_EYES = ((170.0, 190.0), (230.0, 190.0), (200.0, 220.0), (178.0, 255.0), (222.0, 255.0))
FACE = Face(xyxy_px=(130, 130, 270, 300), confidence=0.9, landmarks_px=_EYES)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photos", type=int, default=20_000)
    arguments.add_argument("--checks", action="store_true")
    arguments.add_argument("--folder", type=Path, help="Keep the photos here, or use those there.")
    arguments.add_argument("--out", type=Path, default=Path("audit_scale.json"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.folder or Path(folder) / "photos"
        if not root.is_dir():
            _write_photos(root, given.photos)
            _fill_cache(root)
        answer = _each_check(root) if given.checks else _whole(root)
    print(json.dumps(answer, indent=1))
    given.out.write_text(json.dumps(answer, indent=1))


def _whole(root: Path) -> dict[str, Any]:
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-m", "mien", "audit", str(root), "--json"],
        check=True, capture_output=True,
    )  # fmt: skip
    wall = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    document = json.loads(run.stdout)
    return {
        "photos": document["n_photos"], "not in the cache": document["n_embedded"],
        "wall_s": round(wall, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "copies": sum(len(f["pairs"]) for f in document["findings"] if f["code"] in _COPIES),
    }  # fmt: skip


_COPIES = ("M301", "M302", "M303")


def _each_check(root: Path) -> dict[str, Any]:
    began = time.monotonic()
    view, _ = look(root, test=None)
    rows = {"reading": round(time.monotonic() - began, 1)}
    for check in CHECKS:
        wall = time.monotonic()
        check().run(view)
        rows[check.code] = round(time.monotonic() - wall, 1)
    return {code: seconds for code, seconds in rows.items() if seconds >= 0.1}


def _write_photos(root: Path, n: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(out, "JPEG")
    for label in CLASSES:
        (root / label).mkdir(parents=True)
    lines = ["path,skin"]
    for i in range(n):
        name = f"{CLASSES[i % len(CLASSES)]}/{i:06}.jpg"
        # What follows a JPEG's end is nobody's business, and makes another file of it.
        (root / name).write_bytes(out.getvalue() + f" photo {i}".encode())
        lines.append(f"{name},{('light', 'medium', 'dark')[i // 5 % 3]}")
    (root / "groups.csv").write_text("\n".join(lines))


def _fill_cache(root: Path) -> None:
    """Audit once with figures that are made up instead of measured: they go into the cache."""
    made = _MadeUp()

    def embedded(_work: Any, photos: Sequence[Photo], _workers: int | None) -> Iterator[Any]:
        for photo in photos:
            value = made.embedding(_number(photo))
            done = remembered.Done(value=value, mirrored=value, face=FACE)
            yield remembered.Answer(
                sha256=photo.sha256, done=done, reason="", face=FACE, looked=True, gleaned={}
            )

    def measured(photos: Sequence[Photo], *_: Any) -> Iterator[tuple[Photo, Any]]:
        for photo in photos:
            yield photo, measuring._Measured(facts=made.facts(_number(photo)), face=FACE)

    with (
        mock.patch.object(embed, "_in_threads", embedded),
        mock.patch.object(measuring, "_in_threads", measured),
    ):
        look(root, test=None)


def _number(photo: Photo) -> int:
    """The photo's number; every fiftieth looks like the one of its class before it."""
    i = int(photo.path.stem)
    return i - len(CLASSES) if i % 50 == 49 else i


class _MadeUp:
    """Figures, pictures and embeddings of photos, the same for the same number."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._centres = rng.standard_normal((len(CLASSES), 1280)).astype(np.float32)
        self._chip = rng.normal(0, 22, (32, 32))
        self._pictures = [pack(grey_of(_scene(rng))) for _ in range(500)]

    def embedding(self, i: int) -> np.ndarray:
        rng = np.random.default_rng((1, i))
        value: np.ndarray = self._centres[i % len(CLASSES)] * 0.15 + rng.standard_normal(1280)
        return value.astype(np.float32)

    def facts(self, i: int) -> Facts:
        rng = np.random.default_rng((2, i))
        # Hashes of faces are not as far apart as random ones: 16 of 64 bits are common to all.
        hashes = rng.integers(0, 2**48, 8, dtype=np.uint64)
        small = rng.integers(60, 200, (8, 8)).astype(np.float32)
        thumbnail = np.kron(small, np.ones((8, 8), dtype=np.float32)) + rng.normal(0, 6, (64, 64))
        # Faces have eyes and mouths in common: their chips agree to some 0.2.
        face = np.clip(128 + self._chip + rng.normal(0, 44, (32, 32)), 0, 255)
        return Facts(
            format="jpeg", width_px=400, height_px=int(rng.integers(400, 900)),
            size_bytes=int(rng.integers(40_000, 200_000)),
            brightness=float(rng.uniform(0.3, 0.7)), dark_share=0.1, bright_share=0.1, darkest=0.1,
            face_brightness=0.5, contrast=float(rng.uniform(0.5, 0.8)), chroma=0.3,
            blur=float(rng.uniform(0.2, 0.5)), flat_share=0.3, n_colours=0.03, bars=0,
            page_share=0.1, background=rng.uniform(0, 1, 36).astype(np.float32), skin_angle=20.0,
            hashes=hashes, thumbnail=thumbnail.astype(np.uint8),
            picture=self._pictures[i % len(self._pictures)], chip=face.astype(np.uint8),
        )  # fmt: skip


def _scene(rng: np.random.Generator) -> np.ndarray:
    rough = rng.integers(30, 220, (12, 12, 3), dtype=np.uint8)
    fine = rng.normal(0, 9, (192, 192, 1))
    large = np.asarray(Image.fromarray(rough).resize((192, 192), Image.Resampling.BICUBIC))
    scene: np.ndarray = np.clip(large + fine, 0, 255).astype(np.uint8)
    return scene


if __name__ == "__main__":
    main()
