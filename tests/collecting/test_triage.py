"""Which pictures are usable, each fault by its name."""

from __future__ import annotations

import numpy as np
import pytest

from mien.audits.facts import blur
from mien.collecting import Unusable
from mien.collecting.triage import black_point, flatness, text_rows, triage
from mien.dataset.drawn import CLASSES, draw_face
from mien.dataset.drawn.faults import encode_jpeg, spoil
from mien.image.decode import decode
from mien.records import Face


def centre(image: np.ndarray) -> list[Face]:
    h, w = image.shape[:2]
    return [Face(xyxy_px=(0.22 * w, 0.2 * h, 0.78 * w, 0.8 * h), confidence=1.0)]


def reason_for(pixels: np.ndarray, find_faces=centre) -> str:
    with pytest.raises(Unusable) as caught:
        triage(pixels, faces=find_faces(pixels))
    return caught.value.reason


def test_a_sound_photo_passes_and_each_fault_has_its_name(drawn: list[bytes]) -> None:
    pixels = decode(drawn[0]).pixels
    assert triage(pixels, faces=centre(pixels)).confidence == 1.0
    rng = np.random.default_rng(0)
    for kind, reason in (
        ("blurred", "blurred"), ("banners", "text over the face"), ("dark", "dark"),
        ("overexposed", "overexposed"),
    ):  # fmt: skip
        assert reason_for(decode(spoil(rng, drawn[0], kind=kind)).pixels) == reason
    flat = (pixels // 64 * 64)[::4, ::4].repeat(8, 0).repeat(8, 1)
    assert reason_for(np.ascontiguousarray(flat)) == "drawn"


@pytest.mark.parametrize(
    ("number", "box", "kind"),
    [
        (74, (65.0, 64.0, 171.0, 205.0), "blurred"),
        (65, (69.0, 57.0, 182.0, 206.0), "overexposed"),
        (95, (91.0, 72.0, 187.0, 194.0), "overexposed"),
    ],
)
def test_dark_skin_hides_no_fault(
    number: int, box: tuple[float, float, float, float], kind: str
) -> None:
    face = draw_face(
        np.random.default_rng((2026, number)), expression=CLASSES[number % 5], skin="black",
        gender=("man", "woman")[number % 2], size_px=256,
    )  # fmt: skip
    found = [Face(xyxy_px=box, confidence=1.0)]
    assert triage(face, faces=found) == found[0]
    bad = decode(spoil(np.random.default_rng(0), encode_jpeg(face, quality=95), kind=kind)).pixels
    assert reason_for(bad, lambda _: found) == kind


def test_the_black_point_is_the_grey_of_a_hundredth() -> None:
    grey = np.full((10, 20), 200, np.uint8)
    assert black_point(grey) == 200 / 255
    grey[0, :2] = 50
    assert black_point(grey) == 50 / 255
    grey[0, 1] = 200  # one of 200
    assert black_point(grey) == 200 / 255


def test_faces_are_counted_by_their_size(drawn: list[bytes]) -> None:
    pixels = decode(drawn[0]).pixels
    big = centre(pixels)[0]
    tiny = Face(xyxy_px=(0, 0, 12, 12), confidence=1.0)
    outside = Face(xyxy_px=(400, 400, 500, 500), confidence=1.0)
    assert triage(pixels, faces=[big, tiny]) == big
    assert reason_for(pixels, lambda _: [big, big]) == "several faces"
    assert reason_for(pixels, lambda _: []) == "no face"
    assert reason_for(pixels, lambda _: [tiny]) == "small"
    assert reason_for(pixels, lambda _: [outside]) == "no face"


def test_measures_of_triage_are_bounded_and_ordered() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (96, 96)).astype(np.float32)
    ramp = np.tile(np.linspace(0, 255, 96, dtype=np.float32), (96, 1))
    assert blur(noise / 255) < 0.5
    assert blur(ramp / 255) > 0.9
    stripes = np.tile(np.repeat([0, 255], 2), (96, 24)).astype(np.float32)
    assert text_rows(stripes) == 96
    assert text_rows(ramp) == 0
    even = np.full((50, 50, 3), 128, np.uint8)
    assert flatness(even) == 1.0
    assert flatness(np.zeros((50, 50, 3), np.uint8)) == 0.0
