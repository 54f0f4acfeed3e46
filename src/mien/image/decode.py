"""The one verdict on a picture: bytes in, RGB pixels out, or a reason in words why not.

Every picture from outside passes here before any other engine sees it. The order is fixed: magic
bytes against the allow-list, the size that the header states against the limits, then decoding by
Pillow with that one plugin only. Knows nothing of files' names, datasets or networks.

Laws: `decode` returns uint8 RGB or raises `PhotoError`, nothing else, whatever the bytes are; it
keeps no state, so that threads may call it at once. Turning the picture upright is left to the
`orient` step, because Teachable Machine's own script does not do it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from mien.errors import PhotoError
from mien.records import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

Format: TypeAlias = Literal["jpeg", "png", "webp", "gif", "bmp", "tiff"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

# A 50-megapixel telephone picture passes; the RGBA canvas of anything larger is over 400 MB.
MAX_PIXELS: Final = 100_000_000
# Frames past the first are never decoded, but a header that claims more is an attack or a film.
MAX_FRAMES: Final = 10_000
# Twice what an uncompressed picture of 40 megapixels takes.
MAX_BYTES: Final = 256 << 20
# As many bytes as `sniff` needs at most.
HEAD_BYTES: Final = 32

# BITMAPCOREHEADER to BITMAPV5HEADER, as Pillow reads them. A text may well begin with "BM".
_BMP_HEADERS: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_BYTE_ORDER_MARKS: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

# What Pillow's plugins throw on broken files, collected from fuzzing: over 8,700 odd files 283 of
# its refusals were not OSError. `Warning` is there for programs that turn warnings into errors.
BROKEN: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    NotImplementedError,
    AssertionError,
    RuntimeError,
    MemoryError,
    RecursionError,
    Warning,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """A picture's first frame.

    Attributes:
        pixels: uint8 ``(h, w, 3)`` RGB, as stored: `orientation` is not applied yet.
        orientation: EXIF orientation, 1 (upright) to 8; 1 where the file says nothing sensible.
        format: By magic bytes, whatever the file is called.
        luma: Of `pixels` as Pillow weighs it, where it cost nothing to have: asked for with
            `decode`'s `luma`, and the file is plain RGB.
        n_frames: 1 for a still picture. GIF and TIFF do not state the number: there 2 stands for
            two or more.
    """

    pixels: Pixels
    orientation: int
    format: Format
    n_frames: int
    luma: UInt8[np.ndarray, "h w"] | None = None


Look: TypeAlias = Callable[[bytes, Decoded], None]
"""Takes a picture while it is open: its file's bytes and what they decode to."""


def look_away(data: bytes, decoded: Decoded) -> None:
    """A `Look` that looks at nothing."""
    del data, decoded


def sniff(head: bytes) -> Format | None:
    """Tell a picture's format from its first `HEAD_BYTES` bytes; None where it is none of ours.

    Example:
        >>> sniff(b"GIF89a" + bytes(26))
        'gif'
        >>> sniff(b"<html>") is None
        True
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(_BYTE_ORDER_MARKS):
        return "tiff"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return None


def refuse_unless_picture(head: bytes) -> Format:
    """As `sniff`, but an unknown format is an error that says what was found.

    Raises:
        PhotoError: The file is empty or not of a format that mien reads.
    """
    if not head:
        raise PhotoError("is empty")
    found = sniff(head)
    if found is None:
        what = _name_stranger(head)
        raise PhotoError(f"is not a picture that mien reads ({what}; expected {_ALLOWED})")
    return found


def decode(
    data: bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
    luma: bool = False,
) -> Decoded:
    """Decode a picture's first frame to RGB.

    Alpha is laid on white. 16-bit values are divided by 257, so that white stays white; floating
    point values are taken as 0 to 1, or as 0 to 255 where they go beyond 1. CMYK and palettes are
    converted by Pillow, which takes JPEGs' CMYK as Adobe's (inverted).

    Args:
        data: The whole file.
        max_pixels: Width times height that the header may state.
        max_frames: Number of frames that the header may state.
        luma: Whether the luma is asked for as well.

    Raises:
        PhotoError: The bytes are not a whole picture within the limits; the message is the reason.

    Example:
        >>> import io; from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (4, 2), "red").save(file, "PNG")
        >>> decoded = decode(file.getvalue())
        >>> decoded.pixels.shape, decoded.format, decoded.orientation
        ((2, 4, 3), 'png', 1)
    """
    found = refuse_unless_picture(data[:HEAD_BYTES])
    if found == "webp":
        # libwebp allocates the canvas while opening, before Pillow can be asked for its size.
        _refuse_bomb(_webp_size(data), max_pixels)
    from PIL import Image

    _silence_pillow()
    try:
        with Image.open(BytesIO(data), formats=[found.upper()]) as image:
            _refuse_bomb(image.size, max_pixels)
            n_frames = _count_frames(image, found, max_frames)
            image.seek(0)
            image.load()
            return Decoded(
                pixels=_to_rgb(image),
                orientation=_orientation(image),
                format=found,
                n_frames=n_frames,
                luma=_luma(image) if luma else None,
            )
    except Image.DecompressionBombError as error:
        raise PhotoError(f"is too large: {_sentence(error)}") from error
    except BROKEN as error:
        raise PhotoError(f"is a broken {found.upper()} ({_sentence(error)})") from error


def read_photo_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a file that should hold a picture.

    Opened without blocking, so that a pipe or a device in a folder of photos stops nobody.

    Raises:
        PhotoError: It is not a regular file, is larger than `max_bytes` or cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            _refuse_irregular(status, max_bytes)
            # Asked for `max_bytes`, Python gets memory for as many from the system and gives it
            # back: more than all else that a small file takes, and threads wait for each other.
            data = file.read(status.st_size + 1)
            if len(data) > status.st_size:  # it grew, or lies where sizes are not told
                data += file.read(max_bytes + 1 - len(data))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise PhotoError(explain_os_error(error)) from error
    if len(data) > max_bytes:  # it grew while it was read
        raise PhotoError(f"is larger than {max_bytes:,} bytes")
    return data


def explain_os_error(error: OSError | ValueError) -> str:
    """Word why a file cannot be read, without its name, which stands beside it anyway."""
    if isinstance(error, OSError) and error.errno == errno.EISDIR:
        return "is a folder, not a file"
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "is not a regular file"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read ({reason})"


_ALLOWED: Final = "JPEG, PNG, WebP, GIF, BMP or TIFF"

_STRANGERS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyp", "a film"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML text, perhaps an SVG drawing"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<!doctype", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"\x00\x05\x16\x07", "an AppleDouble file"),
)


def _name_stranger(head: bytes) -> str:
    for offset, magic, name in _STRANGERS:
        if head[offset : offset + len(magic)] == magic:
            return name
    return f"it begins with {head[:4].hex(' ')}"


def _refuse_irregular(status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise PhotoError("is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError("is not a regular file")
    if status.st_size > max_bytes:
        raise PhotoError(f"is larger than {max_bytes:,} bytes ({status.st_size:,})")


def _refuse_bomb(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PhotoError(
            f"is too large: {width:,} x {height:,} pixels, at most {max_pixels:,} in all are read"
        )
    if width < 1 or height < 1:
        raise PhotoError(f"has no pixels ({width} x {height})")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from the first chunk of a WebP file (RFC 9649, sections 2.5 to 2.7)."""
    kind = data[12:16]
    if len(data) < 30:
        raise PhotoError("is a broken WEBP (the header is cut off)")
    if kind == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise PhotoError("is a broken WEBP (its first chunk is unknown)")


def _count_frames(image: Image, found: Format, max_frames: int) -> int:
    if found in ("gif", "tiff"):
        # Counting walks the whole file, which a stranger can make as long as he likes.
        return 2 if getattr(image, "is_animated", False) else 1
    n_frames = int(getattr(image, "n_frames", 1))
    if n_frames > max_frames:
        raise PhotoError(f"has {n_frames:,} frames, at most {max_frames:,} are read")
    return n_frames


def _orientation(image: Image) -> int:
    # Asked after loading: a PNG may hold its EXIF at the end, and Pillow turns a TIFF by itself.
    try:
        value = image.getexif().get(0x0112, 1)
    except BROKEN:  # broken EXIF in a sound picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: Image) -> Pixels:
    if image.mode.startswith("I;16"):
        return _grey_to_rgb(_from_16_bit(np.asarray(image).astype(np.int64)))
    if image.mode == "I":
        return _grey_to_rgb(_from_whole_numbers(np.asarray(image).astype(np.int64)))
    if image.mode == "F":
        return _grey_to_rgb(_from_floats(np.asarray(image).astype(np.float64)))
    if image.has_transparency_data:
        return _on_white(image)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _luma(image: Image) -> UInt8[np.ndarray, "h w"] | None:
    is_plain = image.mode == "RGB" and not image.has_transparency_data
    return np.asarray(image.convert("L")) if is_plain else None


def _on_white(image: Image) -> Pixels:
    from PIL import Image as Pillow

    layer = image.convert("RGBA")
    white = Pillow.new("RGBA", layer.size, (255, 255, 255, 255))
    return np.array(Pillow.alpha_composite(white, layer).convert("RGB"), dtype=np.uint8)


def _grey_to_rgb(grey: Int[np.ndarray, "h w"] | Float[np.ndarray, "h w"]) -> Pixels:
    return np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2)


def _from_16_bit(values: Int[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    return values / 257.0  # 65535 / 255: white stays white


def _from_whole_numbers(values: Int[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise PhotoError(f"has 32-bit values from {low} to {high}, 0 to 65535 are understood")
    return values.astype(np.float64) if high <= 255 else _from_16_bit(values)


def _from_floats(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0.0 and high <= 255.0):  # written so that NaN is refused too
        raise PhotoError(
            f"has floating point values from {low:g} to {high:g}, 0 to 1 or 0 to 255 are understood"
        )
    return values * 255.0 if high <= 1.0 else values


def _sentence(error: BaseException) -> str:
    words = " ".join(str(error).split())[:200]
    # Pillow names the in-memory file by its address, which would differ from run to run.
    if not words or "BytesIO" in words:
        return "its header cannot be read" if words else type(error).__name__
    return words


def _silence_pillow() -> None:
    # "Corrupt EXIF data" and the like are either harmless or followed by an error. `catch_warnings`
    # swaps global state and is not safe in threads; a lasting filter for Pillow's modules is.
    if not any(entry[0] == "ignore" and entry[3] == _PILLOW for entry in warnings.filters):
        warnings.filterwarnings("ignore", module=_PILLOW.pattern)


_PILLOW: Final = re.compile(r"PIL\.")
