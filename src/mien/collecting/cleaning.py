"""What is kept of a fetched picture: its pixels, and nothing of where and with what it was taken.

Two ways, chosen by the user and recorded. ``"original"`` copies the coded pixels bit for bit and
leaves out every part that can hold words, positions, owners or thumbnails (EXIF but for the
orientation, XMP, IPTC, comments, what follows the end); ``"clean"`` encodes the upright pixels
anew. Formats whose parts are not told apart here (GIF, BMP, TIFF) are always encoded anew.
Law: what comes out holds no metadata but the orientation and the colour profile.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from mien.audits.perceptual import Grey, grey_of
from mien.collecting.records import Keep, Unusable
from mien.errors import PhotoError
from mien.image.decode import HEAD_BYTES, Decoded, Format, decode, sniff
from mien.image.preprocessing import upright_pixels
from mien.records import Pixels

_QUALITY: Final = 95
_TYPES: Final[dict[Format, tuple[str, ...]]] = {
    "jpeg": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "png": ("image/png", "image/apng", "image/x-png"),
    "webp": ("image/webp",),
    "gif": ("image/gif",),
    "bmp": ("image/bmp", "image/x-ms-bmp", "image/x-bmp"),
    "tiff": ("image/tiff", "image/x-tiff"),
}
# These say nothing about what the bytes are, so they cannot lie.
_SILENT: Final = ("", "application/octet-stream", "binary/octet-stream")
_ENDINGS: Final[dict[Format, str]] = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}

# A marker in JPEG's coded data: not a stuffed zero, not a restart, not fill (ITU T.81, B.1.1).
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ICC: Final = b"ICC_PROFILE\0"
# Chunks that say how pixels look; tEXt, zTXt, iTXt, eXIf, tIME and private ones do not.
_PNG_CHUNKS: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT",
     b"bKGD", b"pHYs", b"cICP", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip
_WEBP_CHUNKS: Final = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_METADATA_FLAGS: Final = 0x08 | 0x04  # EXIF, XMP (RFC 9649, 2.7.1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cleaned:
    """A picture as it will be kept.

    Attributes:
        data: The file.
        ending: Of its name, such as ``".jpg"``.
        pixels: Upright RGB.
        luma: Of these, as `mien.audits.perceptual.grey_of` makes it.
        edits: What was done, in words for the ledger.
    """

    data: bytes
    ending: str
    pixels: Pixels
    luma: Grey
    edits: str


def check_type(data: bytes, *, content_type: str) -> Format:
    """Tell a picture's format; stated type and magic bytes must agree.

    Args:
        data: The whole body.
        content_type: As the server states it, lower case, without parameters.

    Raises:
        Unusable: ``"not a picture"``, or ``"lying type"`` where the two disagree.
    """
    found = sniff(data[:HEAD_BYTES])
    if found is None:
        if content_type.startswith("image/") and content_type != "image/svg+xml":
            raise Unusable("lying type", f"says {content_type}, and is no picture that mien reads")
        raise Unusable("not a picture", f"is {content_type or 'something'}, not a picture")
    if content_type not in (*_SILENT, *_TYPES[found]):
        raise Unusable("lying type", f"says {content_type}, and is {found.upper()}")
    return found


def clean(data: bytes, *, keep: Keep) -> Cleaned:
    """Decode a picture in a bounded way and make the file that is kept.

    Raises:
        Unusable: ``"broken picture"``.
    """
    try:
        decoded = decode(data, luma=True)
        upright = upright_pixels(decoded)
        is_turned = decoded.orientation != 1
        luma = grey_of(upright) if is_turned or decoded.luma is None else decoded.luma
        if keep == "original" and decoded.format in _ENDINGS:
            stripped = _stripped(data, decoded)
            if stripped is not None:
                edits = "none" if stripped == data else "metadata removed"
                return Cleaned(data=stripped, ending=_ENDINGS[decoded.format], pixels=upright,
                               luma=luma, edits=edits)  # fmt: skip
    except PhotoError as error:
        raise Unusable("broken picture", error.message) from error
    return _anew(upright, luma, lossy=decoded.format in ("jpeg", "webp"))


def _anew(pixels: Pixels, luma: Grey, *, lossy: bool) -> Cleaned:
    from PIL import Image

    file = BytesIO()
    if lossy:
        Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY, subsampling=0)
        edits = f"encoded anew as JPEG, quality {_QUALITY}, upright"
    else:
        Image.fromarray(pixels).save(file, "PNG")
        edits = "encoded anew as PNG, upright"
    return Cleaned(
        data=file.getvalue(),
        ending=".jpg" if lossy else ".png",
        pixels=pixels,
        luma=luma,
        edits=edits,
    )


def _stripped(data: bytes, decoded: Decoded) -> bytes | None:
    """The file without its metadata; None where it must be encoded anew."""
    if decoded.format == "jpeg":
        return _stripped_jpeg(data, orientation=decoded.orientation)
    if decoded.orientation != 1:  # it stands in the EXIF that is to go
        return None
    return _stripped_png(data) if decoded.format == "png" else _stripped_webp(data)


def _stripped_jpeg(data: bytes, *, orientation: int) -> bytes:
    kept = [b"\xff\xd8"]
    inserted = orientation == 1
    for marker, segment in _jpeg_segments(data):
        # JFIF must come first where there is one; everything else comes after the orientation.
        if not inserted and marker != 0xE0:
            kept.append(_exif_of(orientation))
            inserted = True
        if marker == 0xE0:
            segment = _without_thumbnail(segment)  # noqa: PLW2901 - this marker's bytes
        is_profile = marker == 0xE2 and segment[4:].startswith(_ICC)
        is_word = (0xE1 <= marker <= 0xED and not is_profile) or marker in (0xEF, 0xFE)
        if not is_word:
            kept.append(segment)
    return b"".join(kept)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers with their segments; a scan's coded data goes with its SOS. Stops after EOI."""
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            if data[at : at + 2] == b"\xff\xd9":
                yield 0xD9, b"\xff\xd9"
                return
            raise Unusable("broken picture", "is a broken JPEG (its segments do not add up)")
        marker = data[at + 1]
        if marker == 0xD9:
            yield marker, b"\xff\xd9"
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            found = _MARKER.search(data, end)
            end = found.start() if found else len(data)
        if end > len(data):
            raise Unusable("broken picture", "is a broken JPEG (a segment is cut off)")
        yield marker, data[at:end]
        if end == len(data):  # a scan without EOI: decoders forgive it, and so do we
            yield 0xD9, b"\xff\xd9"
            return
        at = end


def _without_thumbnail(segment: bytes) -> bytes:
    """JFIF's head without the small picture in it; nothing of an extension, which is only that.

    Thumbnails may show what was cropped away later (JFIF 1.02, pages 5 to 8).
    """
    if segment[4:9] != b"JFIF\0" or len(segment) < 18:
        return b""
    body = segment[4:16] + b"\0\0"
    return segment[:2] + struct.pack(">H", len(body) + 2) + body


def _exif_of(orientation: int) -> bytes:
    """An EXIF segment that holds the orientation and nothing else (Exif 2.32, 4.6)."""
    tiff = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _stripped_png(data: bytes) -> bytes:
    kept, at = [data[:8]], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        name, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            break
        if name in _PNG_CHUNKS:
            kept.append(data[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end
    raise Unusable("broken picture", "is a broken PNG (its chunks do not add up)")


def _stripped_webp(data: bytes) -> bytes:
    kept, at = [], 12
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size + (size & 1)]
        name = chunk[:4]
        if name == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_METADATA_FLAGS]) + chunk[9:]
        if name in _WEBP_CHUNKS:
            kept.append(chunk)
        at += len(chunk)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
