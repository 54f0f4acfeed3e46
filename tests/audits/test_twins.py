import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from mien.audits.overlap import Overlap
from mien.audits.perceptual import CROPS, fingerprints, grey_of, thumbnail
from mien.audits.twins import Twin, _agrees, find_twins


def scene(seed: int, size: int = 160) -> Image.Image:
    """Smooth blobs, edges and texture: something like a photo in its spectrum."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    picture = np.zeros((size, size, 3))
    for _ in range(14):
        cx, cy, r = rng.uniform(-0.1, 1.1), rng.uniform(-0.1, 1.1), rng.uniform(0.05, 0.4)
        soft = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - r) * rng.uniform(20, 150)))
        picture += soft[..., None] * rng.uniform(-90, 90, 3)
    texture = rng.standard_normal((size // 4, size // 4))
    grain = np.asarray(Image.fromarray(texture.astype(np.float32)).resize((size, size)))
    return Image.fromarray(np.clip(128 + picture + 14 * grain[..., None], 0, 255).astype(np.uint8))


def saved(image: Image.Image, quality: int = 88) -> Image.Image:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def cut(image: Image.Image, *sides: float) -> Image.Image:
    w, h = image.size
    left, top, right, bottom = sides
    return image.crop((int(left * w), int(top * h), int((1 - right) * w), int((1 - bottom) * h)))


def bannered(image: Image.Image) -> Image.Image:
    picture = image.copy()
    w, h = picture.size
    ImageDraw.Draw(picture).rectangle((0, int(0.88 * h), w, h), fill="white")
    return picture


CHANGES = {
    "copied": lambda im: im,
    "re-encoded": lambda im: saved(im, 40),
    "halved": lambda im: saved(im.resize((im.width // 2, im.height // 2))),
    "cropped by a tenth": lambda im: saved(cut(im, 0.1, 0.1, 0.1, 0.1)),
    "a corner cut off": lambda im: saved(cut(im, 0.15, 0.15, 0.0, 0.0)),
    "brightened": lambda im: saved(ImageEnhance.Brightness(im).enhance(1.2)),
    "grey": lambda im: saved(im.convert("L")),
    "mirrored": lambda im: saved(ImageOps.mirror(im)),
    "mirrored and cropped": lambda im: saved(ImageOps.mirror(cut(im, 0.05, 0.05, 0.05, 0.05))),
}


def pairs(images: list[Image.Image], **options: object) -> list[Twin]:
    arrays = [np.asarray(im.convert("L")) for im in images]
    return find_twins(
        np.stack([fingerprints(a) for a in arrays]),
        thumbnails=np.stack([thumbnail(a) for a in arrays]),
        **options,
    )


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    return [scene(seed) for seed in range(12)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(scenes, change):
    changed = [CHANGES[change](scenes[i]) for i in (2, 7)]
    found = [(twin.first, twin.second) for twin in pairs([*scenes, *changed])]
    assert found == [(2, 12), (7, 13)]


def test_different_scenes_are_no_copies(scenes):
    assert pairs(scenes) == []


def test_a_twin_says_how_it_was_changed(scenes):
    (mirrored,) = pairs([scenes[0], CHANGES["mirrored"](scenes[0])])
    (cropped,) = pairs([scenes[0], CHANGES["cropped by a tenth"](scenes[0])])
    (same,) = pairs([scenes[0], scenes[0]])
    assert mirrored.mirrored
    assert not cropped.mirrored
    assert cropped.kept == pytest.approx(0.64, abs=0.04)
    assert same == Twin(first=0, second=1, mirrored=False, distance=0.0, kept=1.0, edited=False)


def test_a_banner_is_told_as_a_partial_change(scenes):
    (twin,) = pairs([scenes[3], saved(bannered(scenes[3]))], extra=[(0, 1)])
    assert twin.edited


def test_an_odd_crop_is_found_where_neighbours_nominate_it(scenes):
    half = saved(cut(scenes[5], 0.0, 0.0, 0.22, 0.0))
    assert pairs([scenes[5], half]) == []
    (twin,) = pairs([scenes[5], half], extra=[(0, 1)])
    assert twin.kept == pytest.approx(0.78, abs=0.04)


def test_the_order_of_the_rows_does_not_matter(scenes):
    images = [*scenes[:4], CHANGES["cropped by a tenth"](scenes[1])]
    back = [(4 - t.second, 4 - t.first) for t in pairs(images[::-1])]
    assert back == [(t.first, t.second) for t in pairs(images)] == [(1, 4)]


def test_blank_pictures_are_not_called_copies_of_each_other():
    blank = [Image.new("RGB", (80, 80), (value,) * 3) for value in (250, 252, 20)]
    assert pairs(blank) == []


def test_no_pictures_make_no_pairs():
    none = find_twins(
        np.zeros((0, 8), dtype=np.uint64), thumbnails=np.zeros((0, 64, 64), dtype=np.uint8)
    )
    assert none == []


def test_hashes_are_those_of_imagehash() -> None:
    import imagehash

    grey = np.full((40, 40, 3), 97, np.uint8)
    noise = np.random.default_rng(3).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    for image in (np.asarray(scene(1)), np.asarray(scene(2, 300)), noise, grey):
        small = Image.fromarray(image).convert("L").resize((128, 128), Image.Resampling.BOX)
        parts = [
            small.crop((round(128 * a), round(128 * b), round(128 * (a + c)), round(128 * (b + d))))
            for a, b, c, d in CROPS
        ]
        theirs = [
            int.from_bytes(np.packbits(imagehash.phash(part).hash).tobytes(), "little")
            for part in [*parts, ImageOps.mirror(small)]
        ]
        assert fingerprints(grey_of(image)).tolist() == theirs


@pytest.mark.parametrize(
    ("laid", "verdict"),
    [
        ((0.64, 0.0, 0.991, 0.82, 61), (False, True)),  # framed
        ((0.65, 0.0, 0.992, 1.0, 46), (True, False)),  # one side cut
        ((1.0, 5.0, 0.997, 1.0, 31), (True, False)),  # turned before a plain wall
        ((0.95, 1.7, 0.983, 1.0, 38), (False, False)),  # one person drawn twice
        ((0.93, 1.4, 0.985, 0.87, 39), (False, False)),  # likewise
        ((1.0, 0.0, 1.0, 0.83, 60), (False, True)),  # a banner
        ((0.96, 4.0, 0.993, 0.79, 48), (False, True)),  # cut out tightly, turned, corners white
        ((0.96, 4.0, 0.989, 0.79, 48), (False, False)),  # one person drawn twice
        ((0.96, 4.0, 0.995, 0.79, 38), (False, False)),  # shows too little
    ],
)
def test_what_is_moved_must_show_more(laid, verdict):
    kept, turned, fine, covered, n_blocks = laid
    found = Overlap(
        kept=kept, turned=turned, fine=fine, covered=covered, n_blocks=n_blocks, mirrored=False
    )
    assert _agrees(found) == verdict
