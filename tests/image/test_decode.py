import contextlib
import io
import os
import socket
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import PhotoError
from mien.image.decode import FORMATS, decode, read_photo_bytes, sniff

PILLOW_NAME = {name: name.upper() for name in FORMATS}


def ramp(width: int = 40, height: int = 30) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_sniffed_and_decoded(kind):
    data = saved(ramp(), PILLOW_NAME[kind])
    decoded = decode(data)
    assert sniff(data) == kind == decoded.format
    assert decoded.pixels.shape == (30, 40, 3)
    assert decoded.pixels.dtype == np.uint8
    assert np.abs(decoded.pixels.astype(int) - np.asarray(ramp())).mean() < 8
    assert (decoded.orientation, decoded.n_frames) == (1, 1)


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff"])
def test_lossless_formats_give_the_very_pixels(kind):
    assert (decode(saved(ramp(), PILLOW_NAME[kind])).pixels == np.asarray(ramp())).all()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused_with_a_reason(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), PILLOW_NAME[kind])
    with pytest.raises(PhotoError, match=r"is empty|not a picture|broken"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", FORMATS)
def test_random_damage_gives_pixels_or_a_reason_and_nothing_else(kind):
    rng = np.random.default_rng(7)
    whole = np.frombuffer(saved(ramp(), PILLOW_NAME[kind]), dtype=np.uint8)
    for _ in range(150):
        data = whole.copy()
        places = rng.integers(0, len(data), rng.integers(1, 20))
        data[places] = rng.integers(0, 256, len(places))
        cut = rng.integers(len(data) // 2, len(data) + 1)
        with contextlib.suppress(PhotoError):
            assert decode(data[:cut].tobytes(), max_pixels=10**6).pixels.ndim == 3


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "webp", "tiff", "jpeg"])
def test_a_bomb_is_refused_by_its_header(kind):
    data = saved(Image.new("1" if kind == "png" else "L", (3000, 2000)), PILLOW_NAME[kind])
    with pytest.raises(PhotoError, match=r"too large: 3,000 x 2,000 pixels, at most 1,000,000"):
        decode(data, max_pixels=1_000_000)


def test_pillows_own_bomb_guard_is_worded_too():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    with pytest.raises(PhotoError, match="is too large"):
        decode(data, max_pixels=10**12)


@pytest.mark.parametrize("data", [b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0WEBPVP9?" + bytes(40)])
def test_a_webp_without_a_size_is_broken(data):
    with pytest.raises(PhotoError, match="broken WEBP"):
        decode(data)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_sizes_are_read_from_each_kind_of_chunk(lossless):
    data = saved(ramp(123, 77), "WEBP", lossless=lossless)
    with pytest.raises(PhotoError, match="123 x 77"):
        decode(data, max_pixels=5)
    with_alpha = saved(ramp(123, 77).convert("RGBA"), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    with pytest.raises(PhotoError, match="123 x 77"):
        decode(with_alpha, max_pixels=5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"hello, I am a text", "begins with 68 65 6c 6c"),
        (b"BM is how this text begins, and it is long enough", "not a picture"),
        (b"%PDF-1.7 and so on", "a PDF"),
        (b"PK\x03\x04 and so on", "a ZIP archive"),
        (b"\0\0\0\x18ftypheic and so on", "a HEIC picture"),
        (b"\0\0\0\x18ftypavif and so on", "an AVIF picture"),
        (b"\0\0\0\x18ftypmp42 and so on", "a film"),
        (b"<!DOCTYPE html><p>404 Not Found", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\0\0\0\0\0\0\0\0", "not a picture"),
    ],
)
def test_strangers_are_named(data, reason):
    with pytest.raises(PhotoError, match=reason):
        decode(data)


def test_a_plugin_outside_the_allow_list_never_runs():
    with pytest.raises(PhotoError, match="not a picture that mien reads"):
        decode(saved(ramp(), "PPM"))
    with pytest.raises(PhotoError, match="an icon"):
        decode(saved(ramp(), "ICO"))


def test_the_luma_is_that_of_the_pixels_where_the_file_is_plain_rgb():
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    for mode, kind in (("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("L", "JPEG")):
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, kind)
        decoded = decode(file.getvalue(), luma=True)
        assert (decoded.luma is None) == (mode != "RGB")
        if decoded.luma is not None:
            same = np.asarray(Image.fromarray(decoded.pixels).convert("L"))
            np.testing.assert_array_equal(decoded.luma, same)
        assert decode(file.getvalue()).luma is None


def test_alpha_lies_on_white():
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (decode(saved(clear, "PNG")).pixels == 255).all()
    half = Image.new("LA", (4, 4), (0, 128))
    assert (decode(saved(half, "PNG")).pixels == 127).all()
    palette = Image.new("P", (4, 4), 3)
    palette.putpalette([0, 0, 0] * 8)
    assert (decode(saved(palette, "PNG", transparency=3)).pixels == 255).all()
    assert (decode(saved(palette, "GIF", transparency=3)).pixels == 255).all()


def test_a_colour_key_is_transparent_too():
    data = saved(Image.new("RGB", (4, 4), (10, 20, 30)), "PNG", transparency=(10, 20, 30))
    assert (decode(data).pixels == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(kind):
    red = Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK")
    pixels = decode(saved(red, kind)).pixels.reshape(-1, 3).astype(int)
    assert np.abs(pixels - [200, 30, 40]).max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_modes_with_one_channel_become_grey_rgb(mode):
    picture = Image.new("L", (8, 8), 255).convert(mode)
    assert (decode(saved(picture, "PNG")).pixels == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_black_grey_and_white(kind):
    values = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    pixels = decode(saved(Image.fromarray(values), kind)).pixels
    assert pixels[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 100, 255], [0, 100, 255]), ([0, 25700, 65535], [0, 100, 255])],
)
def test_whole_numbers_of_32_bits_are_8_or_16_bit_values(values, expected):
    picture = Image.fromarray(np.array([values], dtype=np.int32))
    assert decode(saved(picture, "TIFF")).pixels[0, :, 1].tolist() == expected


def test_whole_numbers_beyond_16_bits_are_refused():
    picture = Image.fromarray(np.array([[-5, 7]], dtype=np.int32))
    with pytest.raises(PhotoError, match="32-bit values from -5 to 7"):
        decode(saved(picture, "TIFF"))


@pytest.mark.parametrize(
    ("values", "expected"), [([0, 0.5, 1], [0, 128, 255]), ([0, 99.6, 255], [0, 100, 255])]
)
def test_floating_point_is_0_to_1_or_0_to_255(values, expected):
    picture = Image.fromarray(np.array([values], dtype=np.float32))
    assert decode(saved(picture, "TIFF")).pixels[0, :, 2].tolist() == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -3.0, 1e6])
def test_odd_floating_point_is_refused(value):
    picture = Image.fromarray(np.array([[0.5, value]], dtype=np.float32))
    with pytest.raises(PhotoError, match="floating point values"):
        decode(saved(picture, "TIFF"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    decoded = decode(data)
    assert (decoded.pixels == [255, 0, 0]).all()
    assert decoded.n_frames >= 2


def test_too_many_frames_are_refused():
    frames = [Image.new("RGB", (4, 4), (i * 50, 0, 0)) for i in range(4)]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(PhotoError, match="has 4 frames, at most 3 are read"):
        decode(data, max_frames=3)


@pytest.mark.parametrize("orientation", [0, 1, 3, 6, 8, 9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_reported_and_not_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(saved(ramp(), kind, exif=exif))
    assert decoded.pixels.shape == (30, 40, 3)
    assert decoded.orientation == (orientation if 1 <= orientation <= 8 else 1)


def test_broken_exif_does_not_cost_a_sound_picture():
    data = saved(ramp(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xffgarbage")
    assert decode(data).orientation == 1


def test_threads_may_decode_at_once():
    blobs = [saved(ramp(30 + i, 20 + i), "PNG") for i in range(40)]
    alone = [decode(blob).pixels for blob in blobs]
    with ThreadPoolExecutor(8) as pool:
        together = [decoded.pixels for decoded in pool.map(decode, blobs)]
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


def test_reading_refuses_what_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PhotoError, match="not a regular file"):
        read_photo_bytes(tmp_path / "pipe")
    with pytest.raises(PhotoError, match="is a folder"):
        read_photo_bytes(tmp_path)
    with pytest.raises(PhotoError, match="No such file"):
        read_photo_bytes(tmp_path / "absent.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        read_photo_bytes(Path("/dev/zero"))


def test_reading_refuses_a_socket(tmp_path: Path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(PhotoError, match="not a regular file"):
            read_photo_bytes(path)


def test_reading_stops_at_the_size_limit(tmp_path: Path):
    path = tmp_path / "big.jpg"
    path.write_bytes(bytes(100))
    assert len(read_photo_bytes(path, max_bytes=100)) == 100
    with pytest.raises(PhotoError, match=r"larger than 99 bytes \(100\)"):
        read_photo_bytes(path, max_bytes=99)


@pytest.mark.parametrize("told", [0, 60, 99])
def test_reading_goes_on_where_a_file_grew(
    told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "growing.jpg"
    path.write_bytes(bytes(range(100)))
    real = os.fstat

    def smaller(descriptor: int) -> os.stat_result:
        status = list(real(descriptor))
        status[6] = told  # its size when it was asked for
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", smaller)
    assert read_photo_bytes(path) == bytes(range(100))
    with pytest.raises(PhotoError, match="larger than 99 bytes"):
        read_photo_bytes(path, max_bytes=99)


def test_reading_a_pipe_does_not_wait(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    def read() -> None:
        with pytest.raises(PhotoError):
            read_photo_bytes(tmp_path / "pipe")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(timeout=5)
    assert not thread.is_alive()
