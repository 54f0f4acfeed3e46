import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from mien.errors import PhotoError, RecipeError
from mien.image.catalogue import PREPROCESSINGS, TEACHABLE_MACHINE
from mien.image.decode import Decoded, decode
from mien.image.geometry import face_crop, face_square
from mien.image.preprocessing import Preprocessing, upright_pixels
from mien.records import Face


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def plain(pixels: np.ndarray, orientation: int = 1) -> Decoded:
    return Decoded(pixels=pixels, orientation=orientation, format="png", n_frames=1)


@pytest.mark.parametrize(
    "shape", [(300, 401), (401, 300), (57, 33), (1, 9), (224, 224), (225, 224)]
)
def test_the_centre_crop_is_byte_for_byte_pillows_fit(shape):
    pixels = noise(*shape)
    ours = Preprocessing.parse("crop:centre | resize:224:lanczos").apply(plain(pixels))
    fitted = ImageOps.fit(Image.fromarray(pixels), (224, 224), Image.Resampling.LANCZOS)
    assert (ours == np.asarray(fitted)).all()


def test_teachable_machines_numbers_are_its_scripts_to_the_last_bit():
    pixels = noise(300, 401)
    ours = Preprocessing.parse(TEACHABLE_MACHINE).apply(plain(pixels))
    fitted = ImageOps.fit(Image.fromarray(pixels), (224, 224), Image.Resampling.LANCZOS)
    script = (np.asarray(fitted).astype(np.float32) / 127.5) - 1
    assert ours.dtype == np.float32
    assert (ours == script).all()


def test_the_browsers_range_divides_by_127():
    ours = Preprocessing.parse("resize:8:area | divide:127:minus:1").apply(plain(noise(8, 8)))
    assert (ours == noise(8, 8).astype(np.float32) / 127 - 1).all()


def test_without_a_crop_the_picture_is_squashed():
    pixels = noise(30, 60)
    ours = Preprocessing.parse("resize:16:bilinear").apply(plain(pixels))
    squashed = Image.fromarray(pixels).resize((16, 16), Image.Resampling.BILINEAR)
    assert (ours == np.asarray(squashed)).all()


def test_grey_is_pillows_luma():
    ours = Preprocessing.parse("resize:64:area | grey").apply(plain(noise(64, 64)))
    assert (ours == np.asarray(Image.fromarray(noise(64, 64)).convert("L"))[..., None]).all()


def test_bgr_and_mirror_swap_what_they_say():
    pixels = noise(16, 16)
    ours = Preprocessing.parse("resize:16:area | bgr | mirror").apply(plain(pixels))
    assert (ours == pixels[:, ::-1, ::-1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orient_agrees_with_pillow(orientation):
    pixels = noise(12, 8)
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    upright = upright_pixels(decode(file.getvalue()))
    assert (upright == np.asarray(ImageOps.exif_transpose(Image.open(file)))).all()
    ours = Preprocessing.parse("orient | resize:8:area").apply(decode(file.getvalue()))
    assert (ours == Preprocessing.parse("resize:8:area").apply(plain(upright))).all()


def test_a_face_crop_inside_the_picture_is_the_plain_cut():
    pixels = noise(60, 80)
    crop = face_crop(pixels, xyxy_px=(20.0, 10.0, 40.0, 30.0), factor=1.0, size=20)
    assert (crop == pixels[10:30, 20:40]).all()


def test_a_face_at_the_edge_repeats_the_edge():
    pixels = noise(40, 40)
    crop = face_crop(pixels, xyxy_px=(-10.0, 0.0, 10.0, 20.0), factor=1.0, size=20)
    assert (crop[:, 10:] == pixels[:20, :10]).all()
    assert (crop[:, :10] == pixels[:20, :1]).all()


def test_a_half_pixel_shift_of_the_box_shifts_the_crop():
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 100, 0).repeat(3, 2)

    def cut(left: float) -> np.ndarray:
        box = (left, 20.0, left + 40.0, 60.0)
        return face_crop(ramp, xyxy_px=box, factor=1.0, size=20, filter="bilinear").astype(float)

    assert np.mean(cut(20.5) - cut(20.0)) == pytest.approx(1.0, abs=0.15)


def test_the_face_square_has_the_longer_side_of_the_box():
    assert face_square((0.0, 0.0, 10.0, 20.0), factor=2.0) == (-15.0, -10.0, 25.0, 30.0)


@pytest.mark.parametrize("box", [(5.0, 5.0, 5.0, 5.0), (-50.0, 0.0, -40.0, 10.0), (90.0, 0, 99, 9)])
def test_a_face_outside_the_picture_is_our_own_bug(box):
    with pytest.raises(ValueError, match="outside the image"):
        face_crop(noise(40, 40), xyxy_px=box, factor=1.0, size=8)


def test_a_missing_face_is_a_named_reject_or_the_centre_crop():
    strict = Preprocessing.parse("orient | crop:face(1.3,yunet) | resize:32:area")
    with pytest.raises(PhotoError, match="no face found"):
        strict.apply(plain(noise(50, 70)))
    lenient = Preprocessing.parse("orient | crop:face(1.3,yunet,centre) | resize:32:area")
    centre = Preprocessing.parse("orient | crop:centre | resize:32:area")
    assert (lenient.apply(plain(noise(50, 70))) == centre.apply(plain(noise(50, 70)))).all()


def test_the_face_step_cuts_what_face_crop_cuts():
    face = Face(xyxy_px=(12.3, 8.1, 33.3, 41.0), confidence=0.9)
    ours = Preprocessing.parse("orient | crop:face(1.5,yunet) | resize:48:area")
    crop = face_crop(noise(50, 70), xyxy_px=face.xyxy_px, factor=1.5, size=48)
    assert (ours.apply(plain(noise(50, 70)), face=face) == crop).all()
    assert (ours.detector, ours.needs_face, ours.size_px) == ("yunet", True, 48)


@pytest.mark.parametrize(
    "text", [*PREPROCESSINGS.values(), "orient|crop:face( 1.0 , haar )|resize:8:area"]
)
def test_the_printed_form_round_trips(text):
    once = Preprocessing.parse(text)
    assert Preprocessing.parse(str(once)) == once
    assert str(Preprocessing.parse(str(once))) == str(once)
    assert hash(once) == hash(Preprocessing.parse(str(once)))


def test_one_meaning_has_one_string():
    assert str(Preprocessing.parse("resize:8:area|scale:-1.0:1e0")) == "resize:8:area | scale:-1:1"
    assert str(Preprocessing.parse("resize:8:area|scale:-0.0:0.5")) == "resize:8:area | scale:0:0.5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "step 1 '' cannot be used: it is not a step"),
        (
            "blur | resize:8:area",
            "step 1 'blur' cannot be used: it is not a step; allowed are orient",
        ),
        ("orient", "has no resize step"),
        ("crop:left | resize:8:area", "step 1 'crop:left' cannot be used: allowed are crop:centre"),
        ("orient | crop:face(x,haar) | resize:8:area", "FACTOR must be a number, 'x' is none"),
        ("orient | crop:face(99,haar) | resize:8:area", r"FACTOR must be from 0\.1 to 10"),
        ("orient | crop:face(1,HAAR!) | resize:8:area", "DETECTOR must be a detector's name"),
        ("orient | crop:face(1,haar,left) | resize:8:area", "third word can only be 'centre'"),
        ("orient | crop:face(1) | resize:8:area", r"allowed are crop:centre, crop:face\(FACTOR"),
        ("crop:face(1,haar) | resize:8:area", "step 1 must be 'orient'"),
        ("resize:8", "expected resize:SIZE:FILTER"),
        ("resize:4:area", "SIZE must be a whole number from 8 to 1024"),
        ("resize:٤٤:area", "SIZE must be a whole number"),
        ("resize:8:sharp", "FILTER must be one of lanczos, bicubic, bilinear, area"),
        ("resize:8:area | scale:1", "expected scale:LOW:HIGH"),
        ("resize:8:area | scale:1:1", "LOW must be less than HIGH"),
        ("resize:8:area | scale:nan:1", "LOW must be a number"),
        ("resize:8:area | divide:127", "expected divide:D:minus:S"),
        ("resize:8:area | divide:0:minus:1", "D must be more than 0"),
        ("resize:8:area | resize:9:area", "step 2 'resize:9:area' cannot follow 'resize:8:area'"),
        ("resize:8:area | orient", "step 2 'orient' cannot follow 'resize:8:area'"),
        ("resize:8:area | mirror | grey", "step 3 'grey' cannot follow 'mirror'"),
        ("resize:8:area | scale:0:1 | divide:2:minus:1", "step 3"),
    ],
)
def test_a_wrong_step_is_named_with_what_is_allowed(text, message):
    with pytest.raises(RecipeError, match=message):
        Preprocessing.parse(text)
