"""What is kept of a picture: its pixels, and nothing of where and by whom it was taken."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mien.collecting import Unusable
from mien.collecting.cleaning import check_type, clean
from mien.image.decode import decode

SECRETS = (b"SECRET", b"\x88\x25")  # text of ours, and the tag of the GPS directory


def with_metadata(kind: str, *, orientation: int = 1) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET maker"
    exif[0xA430] = "SECRET owner"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    out = BytesIO()
    more: dict[str, object] = {}
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", "SECRET")
        more["pnginfo"] = info
    if kind == "JPEG":
        more |= {"comment": b"SECRET", "quality": 90, "icc_profile": b"profile" * 30}
    if kind == "WEBP":
        more |= {"xmp": b"<x>SECRET</x>", "lossless": True}
    image.save(out, kind, exif=exif, **more)
    return out.getvalue() + (b"SECRET trailer" if kind == "JPEG" else b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("keep", ["original", "clean"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_position_and_owner_never_reach_what_is_kept(
    kind: str, keep: str, orientation: int
) -> None:
    data = with_metadata(kind, orientation=orientation)
    assert SECRETS[0] in data
    cleaned = clean(data, keep=keep)  # type: ignore[arg-type]
    assert SECRETS[0] not in cleaned.data
    with Image.open(BytesIO(cleaned.data)) as image:
        tags = dict(image.getexif())
        assert set(tags) <= {0x0112}
        assert not image.getexif().get_ifd(0x8825)
        assert not {"comment", "xmp", "Author"} & set(image.info)
    # The kept file shows what the fetched one showed, upright.
    kept = decode(cleaned.data)
    from mien.image.preprocessing import upright_pixels

    difference = np.abs(upright_pixels(kept).astype(int) - cleaned.pixels.astype(int))
    lossless = cleaned.edits == "metadata removed" or cleaned.ending == ".png"
    assert difference.max() == 0 if lossless else difference.mean() < 6
    assert cleaned.pixels.shape[:2] == ((64, 48) if orientation == 6 else (48, 64))


def test_a_thumbnail_in_the_head_of_a_jpeg_goes_too() -> None:
    # JFIF may hold a small picture of what was there before somebody cropped it.
    data = with_metadata("JPEG")
    jfif = b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"SECRETSECRET"
    jfxx = b"JFXX\0\x13" + b"SECRETSECRETSECRET"
    heads = b"".join(
        b"\xff\xe0" + (len(body) + 2).to_bytes(2, "big") + body for body in (jfif, jfxx)
    )
    size = int.from_bytes(data[4:6], "big")
    assert data[2:4] == b"\xff\xe0"
    cleaned = clean(data[:2] + heads + data[4 + size :], keep="original")
    assert b"SECRET" not in cleaned.data
    assert cleaned.data[2:11] == b"\xff\xe0\0\x10JFIF\0"
    assert np.array_equal(decode(cleaned.data).pixels, decode(data).pixels)


@pytest.mark.parametrize("keep", ["original", "clean"])
def test_what_cameras_and_programs_write_beside_the_picture_goes(keep: str) -> None:
    # XMP, IPTC and a thumbnail in EXIF of a JPEG; a comment in a GIF; text and time in a PNG.
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    jpeg = BytesIO()
    noise.save(jpeg, "JPEG", quality=90, xmp=b"<x:xmpmeta>SECRET place</x:xmpmeta>")
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0cSECRET city"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + b"SECRET thumbnail \xff\xd8\xff\xd9"
    more = b"".join(
        bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
        for marker, body in ((0xED, iptc), (0xE1, exif), (0xE2, b"MPF\0SECRET"), (0xEC, b"SECRET"))
    )
    gif = BytesIO()
    noise.quantize(32).save(gif, "GIF", comment=b"SECRET owner")
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "SECRET", zip=False)
    info.add_text("Software", "SECRET", zip=True)
    png = BytesIO()
    noise.save(png, "PNG", pnginfo=info)
    for data in (jpeg.getvalue()[:2] + more + jpeg.getvalue()[2:], gif.getvalue(), png.getvalue()):
        cleaned = clean(data, keep=keep)  # type: ignore[arg-type]
        with Image.open(BytesIO(cleaned.data)) as kept:
            said = repr(kept.info)
        assert b"SECRET" not in cleaned.data
        assert "SECRET" not in said
        assert cleaned.edits != "none"


def test_the_colour_profile_stays_and_the_edit_is_recorded() -> None:
    cleaned = clean(with_metadata("JPEG"), keep="original")
    assert b"ICC_PROFILE" in cleaned.data
    assert (cleaned.edits, cleaned.ending) == ("metadata removed", ".jpg")
    again = clean(cleaned.data, keep="original")
    assert (again.data, again.edits) == (cleaned.data, "none")
    assert clean(with_metadata("JPEG"), keep="clean").edits.startswith("encoded anew as JPEG")
    assert clean(with_metadata("TIFF"), keep="original").edits.startswith("encoded anew as PNG")


def test_a_progressive_jpeg_keeps_all_its_scans() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(noise).save(out, "JPEG", progressive=True, comment=b"SECRET")
    cleaned = clean(out.getvalue(), keep="original")
    assert b"SECRET" not in cleaned.data
    assert np.array_equal(decode(cleaned.data).pixels, decode(out.getvalue()).pixels)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_broken_picture_is_named_so(data: bytes) -> None:
    with pytest.raises(Unusable) as caught:
        clean(data, keep="original")
    assert caught.value.reason == "broken picture"


@pytest.mark.parametrize(
    ("data", "stated", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "not a picture"),
        (b"<html>", "text/html", "not a picture"),
        (b"alert(1)", "application/javascript", "not a picture"),
        (b"<html>", "image/jpeg", "lying type"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "image/png", "lying type"),
        (b"GIF89a" + bytes(40), "text/html", "lying type"),
        (b"", "image/jpeg", "lying type"),
    ],
)
def test_stated_type_and_magic_bytes_must_agree(data: bytes, stated: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        check_type(data, content_type=stated)
    assert caught.value.reason == reason


def test_a_type_that_says_nothing_cannot_lie() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(40)
    for stated in ("", "application/octet-stream", "image/jpeg", "image/jpg"):
        assert check_type(jpeg, content_type=stated) == "jpeg"
