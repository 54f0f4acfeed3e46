"""Is a changed copy of a training photo, put among the test photos, found as a leak? By change.

    MIEN_MIRROR=../shared/models python benchmarks/audit_changes.py ../shared/paper/train --each 8

Takes photos evenly over the folder, changes each in every way below with Pillow, and audits the
folder with the changed ones as its test photos, one way after the other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from mien.workflows.audit import audit

Picture = Image.Image
Change = Callable[[Picture], Picture]


def by_size(image: Picture) -> np.random.Generator:
    """Chance that differs from photo to photo and not from run to run."""
    return np.random.default_rng(image.size)


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def change(image: Picture) -> Picture:
        w, h = image.size
        return image.crop((int(left * w), int(top * h), int(w - right * w), int(h - bottom * h)))

    return change


def cut(most: float) -> Change:
    return lambda image: cropped(*by_size(image).uniform(0, most, 4))(image)


def turned(degrees: float, keep: float = 1.0) -> Change:
    def change(image: Picture) -> Picture:
        away = (1 - keep) / 2
        whole = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
        return cropped(away, away, away, away)(whole)

    return change


def scaled(x: float, y: float) -> Change:
    return lambda image: image.resize((int(x * image.width), int(y * image.height)))


def smaller(side: int) -> Change:
    def change(image: Picture) -> Picture:
        small = image.copy()
        small.thumbnail((side, side))
        return small

    return change


def framed(share: float, colour: tuple[int, int, int]) -> Change:
    return lambda image: ImageOps.expand(image, int(share * min(image.size)), colour)


def padded(image: Picture) -> Picture:
    side = max(image.size)
    return ImageOps.pad(image, (side, side), color=(0, 0, 0))


def bands(image: Picture) -> Picture:
    return ImageOps.expand(image, (0, image.height // 6), (0, 0, 0))


def square(where: float) -> Change:
    def change(image: Picture) -> Picture:
        side = min(image.size)
        return ImageOps.fit(image, (side, side), centering=(where, where))

    return change


def banner(top: float, bottom: float) -> Change:
    def change(image: Picture) -> Picture:
        changed = image.copy()
        draw, (w, h) = ImageDraw.Draw(changed), image.size
        draw.rectangle((0, int(top * h), w, int(bottom * h)), fill=(200, 30, 30))
        draw.text((w // 10, int(top * h) + 2), "FREE STOCK PHOTO", fill=(255, 255, 255))
        return changed

    return change


def watermark(image: Picture) -> Picture:
    rng = by_size(image)
    layer = Image.new("RGB", image.size)
    draw = ImageDraw.Draw(layer)
    for y in range(0, image.height, max(8, image.height // 8)):
        draw.text(
            (int(rng.integers(image.width // 2)), y), "preview  preview  preview", fill="white"
        )
    return Image.blend(image, Image.composite(layer, image, layer.convert("L")), 0.4)


def light(factor: float) -> Change:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def contrast(factor: float) -> Change:
    return lambda image: ImageEnhance.Contrast(image).enhance(factor)


def tinted(image: Picture) -> Picture:
    return Image.blend(image, Image.new("RGB", image.size, (240, 180, 90)), 0.25)


def grey(image: Picture) -> Picture:
    return image.convert("L").convert("RGB")


def blurred(image: Picture) -> Picture:
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 150))


def mirrored(image: Picture) -> Picture:
    return ImageOps.mirror(image)


def after(*changes: Change) -> Change:
    def change(image: Picture) -> Picture:
        for one in changes:
            image = one(image)
        return image

    return change


CHANGES: dict[str, Change] = {
    "re-encoded at 30": lambda image: image,
    "0.4 of the size": scaled(0.4, 0.4), "96 px": smaller(96), "grey": grey,
    "less contrast": contrast(0.6), "more contrast": contrast(1.5), "darker": light(0.6),
    "brighter by 1.3": light(1.3), "brighter by 1.6": light(1.6), "tinted": tinted,
    "blurred": blurred, "mirrored": mirrored, "mirrored, brighter": after(mirrored, light(1.3)),
    "mirrored, cut": after(mirrored, cut(0.12)), "mirrored, turned": after(mirrored, turned(3)),
    "cropped by a tenth": cropped(0.05, 0.05, 0.05, 0.05),
    "cropped to three quarters": cropped(0.125, 0.125, 0.125, 0.125),
    "cropped to 60 %": cropped(0.2, 0.2, 0.2, 0.2),
    "cut by up to 12 %": cut(0.12), "cut by up to 25 %": cut(0.25),
    "one side by a fifth": cropped(0.2, 0, 0, 0), "one side by 35 %": cropped(0, 0, 0, 0.35),
    "square, middle": square(0.5), "square, end": square(0.0),
    "white border": framed(0.1, (255, 255, 255)), "red border": framed(0.15, (200, 20, 20)),
    "bands": bands, "padded": padded, "banner below": banner(0.82, 1.0),
    "banner across": banner(0.45, 0.58), "watermark": watermark,
    "turned by 1": turned(1), "by 2": turned(2), "by 3": turned(3), "by 5": turned(5),
    "by 3, cropped": turned(3, 0.85), "by 10, cropped": turned(10, 0.75),
    "stretched by 1.2": scaled(1.2, 1.0),
    "all at once": after(turned(2, 0.9), contrast(0.8), smaller(256)),
}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("photos", type=Path)
    arguments.add_argument("--each", type=int, default=8)
    arguments.add_argument("--out", type=Path, default=Path("audit_changes.json"))
    given = arguments.parse_args()
    photos = sorted(given.photos.glob("*/*.*"))
    chosen = photos[:: max(1, len(photos) // given.each)][: given.each]
    answer: dict[str, dict[str, int]] = {}
    for number, (name, change) in enumerate(CHANGES.items()):
        with tempfile.TemporaryDirectory() as folder:
            pairs = {make(photo, change, Path(folder), number) for photo in chosen}
            record = audit(given.photos, test=Path(folder))
            found = {(p.first, p.second) for p in record.found("M305").pairs} | {
                (p.second, p.first) for p in record.found("M305").pairs
            }
        answer[name] = {"made": len(pairs), "found": len(pairs & found),
                        "others": len(found) // 2 - len(pairs & found)}  # fmt: skip
        print(f"{name:28} {answer[name]}", flush=True)
    totals = {key: sum(row[key] for row in answer.values()) for key in ("made", "found", "others")}
    print(f"{'all':28} {totals}")
    given.out.write_text(json.dumps({**answer, "all": totals}, indent=1))


def make(photo: Path, change: Change, folder: Path, number: int) -> tuple[str, str]:
    """A changed copy in the test folder's class; both names as the audit gives them."""
    label = photo.parent.name
    (folder / label).mkdir(exist_ok=True)
    with Image.open(photo) as image:
        changed = change(ImageOps.exif_transpose(image).convert("RGB"))
    to = folder / label / f"x{photo.stem}.jpg"
    changed.save(to, quality=30 if number == 0 else 85)
    return f"{label}/{photo.name}", f"{label}/{to.name}"


if __name__ == "__main__":
    main()
