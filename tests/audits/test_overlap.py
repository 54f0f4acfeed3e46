"""One picture laid on another: what people do to photos is undone, and other photos do not fit."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from mien.audits.chips import CHIP_PX, chip, landmarks_in, nominate, similarity
from mien.audits.overlap import Overlap, overlap
from mien.audits.packing import PICTURE_PX, decoded, pack
from mien.audits.placing import Seen
from mien.records import Face

NOWHERE = np.full(5, np.nan + 0j)


def scene(seed: int, size: int = 320) -> Image.Image:
    """Soft discs over noise of several scales: structure everywhere, as in a photo."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    picture = np.full((size, size, 3), 128.0)
    for _ in range(24):
        cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.04, 0.3)
        disc = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - r) * rng.uniform(30, 200)))
        picture += disc[..., None] * rng.uniform(-80, 80, 3)
    for cells, strength in ((12, 18), (40, 12), (100, 8)):
        noise = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
        picture += strength * np.asarray(noise.resize((size, size)))[..., None]
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def saved(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return Image.open(file).convert("RGB")


def cut(image: Image.Image, *sides: float) -> Image.Image:
    w, h = image.size
    left, top, right, bottom = sides
    return image.crop((int(left * w), int(top * h), int((1 - right) * w), int((1 - bottom) * h)))


def seen(image: Image.Image) -> Seen:
    return Seen(picture=decoded(pack(np.asarray(image.convert("L")))), points=NOWHERE)


def turned(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor="white")


def framed(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, image.width // 8, "white")


def bannered(image: Image.Image) -> Image.Image:
    picture = image.copy()
    w, h = picture.size
    ImageDraw.Draw(picture).rectangle((0, int(0.55 * h), w, int(0.7 * h)), fill="red")
    return picture


CHANGES = {
    "turned by three degrees": lambda im: turned(im, 3),
    "turned by minus five": lambda im: turned(im, -5),
    "framed": framed,
    "one side cut by a third": lambda im: cut(im, 0.34, 0, 0, 0),
    "cropped anyhow": lambda im: cut(im, 0.2, 0.05, 0.1, 0.22),
    "a banner across": bannered,
    "turned, mirrored and cropped": lambda im: ImageOps.mirror(cut(turned(im, 2), 0.1, 0.1, 0, 0)),
}


def is_copy(found: Overlap | None) -> bool:
    return found is not None and found.fine > 0.95 and found.covered > 0.6


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [2, 7])
def test_a_changed_copy_is_laid_on_its_original(change: str, seed: int) -> None:
    original = scene(seed, 320)
    found = overlap(seen(original), second=seen(saved(CHANGES[change](original))))
    assert is_copy(found), found
    assert found is not None
    assert found.mirrored == ("mirrored" in change)


def test_a_turn_and_a_crop_are_measured() -> None:
    original = scene(3, 320)
    by_three = overlap(seen(original), second=seen(turned(original, 3)))
    assert by_three is not None
    assert abs(by_three.turned) == pytest.approx(3, abs=0.4)
    cropped = overlap(seen(original), second=seen(cut(original, 0.34, 0, 0, 0)))
    assert cropped is not None
    assert cropped.kept == pytest.approx(0.66, abs=0.04)


@pytest.mark.parametrize("seed", range(6))
def test_another_picture_does_not_fit(seed: int) -> None:
    found = overlap(seen(scene(seed, 320)), second=seen(scene(seed + 50, 320)))
    assert found is None or found.fine < 0.5


def test_the_order_does_not_matter() -> None:
    one, other = seen(scene(4, 320)), seen(cut(scene(4, 320), 0.2, 0, 0.1, 0.1))
    assert is_copy(overlap(one, second=other))
    assert is_copy(overlap(other, second=one))


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 40)])
def test_tiny_and_blank_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    blank = seen(Image.new("RGB", size, "grey"))
    for found in (overlap(blank, second=blank), overlap(blank, second=seen(scene(1)))):
        assert found is None or found.n_blocks == 0


def test_a_packed_picture_keeps_its_shape_and_stays_small() -> None:
    image = np.asarray(scene(1, 400).resize((400, 200)).convert("L"))
    packed = pack(image)
    assert decoded(packed).shape == (PICTURE_PX // 2, PICTURE_PX)
    assert len(packed) < 16_000


def face_at(x: float, y: float, side: float, degrees: float = 0.0) -> Face:
    points = np.array([-0.2 - 0.2j, 0.2 - 0.2j, 0, -0.15 + 0.25j, 0.15 + 0.25j])
    points = points * side * np.exp(1j * np.deg2rad(degrees)) + complex(x, y)
    return Face(
        xyxy_px=(x - side / 2, y - side / 2, x + side / 2, y + side / 2),
        confidence=0.9,
        landmarks_px=tuple((p.real, p.imag) for p in points),
    )


def test_a_face_is_cut_out_upright_wherever_it_is_and_however_it_is_turned() -> None:
    original = scene(5, 400).convert("L")
    straight = chip(np.asarray(original), face=face_at(200, 200, 160))
    half = chip(np.asarray(original.resize((200, 200))), face=face_at(100, 100, 80))
    leaning = chip(np.asarray(turned(original, 10)), face=face_at(200, 200, 160, degrees=-10))
    assert straight.shape == (CHIP_PX, CHIP_PX)
    for other in (half, leaning):
        assert np.corrcoef(straight.ravel(), other.ravel())[0, 1] > 0.97
    elsewhere = chip(np.asarray(original), face=face_at(120, 260, 160))
    assert np.corrcoef(straight.ravel(), elsewhere.ravel())[0, 1] < 0.9


def test_faces_that_agree_are_nominated_mirrored_or_not() -> None:
    chips = [np.asarray(scene(seed, 32).convert("L")) for seed in range(8)]
    chips = [*chips, chips[2], chips[5][:, ::-1]]
    found = nominate(np.stack(chips), rows=np.arange(10) * 3)
    twins = {(6, 24): (False,), (15, 27): (True,)}
    for pair, ways in twins.items():
        assert found[pair].agreed == pytest.approx(1, abs=0.01)
        assert found[pair].ways == ways
    assert max((v.agreed for k, v in found.items() if k not in twins), default=0) < 0.6


def test_similarity_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    source = rng.normal(size=5) + 1j * rng.normal(size=5)
    a, b = similarity(source, (2 - 1j) * source + (3 + 4j))
    assert (a, b) == (pytest.approx(2 - 1j), pytest.approx(3 + 4j))


def test_a_face_without_landmarks_has_no_points() -> None:
    face = Face(xyxy_px=(0, 0, 9, 9), confidence=1)
    assert np.isnan(landmarks_in(face, width_px=9, height_px=9)).all()
    assert np.isnan(landmarks_in(None, width_px=9, height_px=9)).all()
