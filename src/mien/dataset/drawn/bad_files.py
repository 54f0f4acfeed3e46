"""Files that are no usable photo, of every kind that turns up in folders of downloads.

Made from bytes written here: nothing is copied from anywhere. Each is refused by a careful reader
for a reason of its own; a careless one crashes, hangs, or takes it in.
"""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mien.dataset.drawn.faults import Planted
from mien.files import write_bytes

_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def draw_bad_files(folder: Path, *, seed: int = 0) -> tuple[Planted, ...]:
    """Write bad files of at least 20 kinds into a folder.

    Links and pipes are left out where the system has none.

    Args:
        folder: Where they go; made when missing. A link that leaves it points beside it.
        seed: Of the random bytes among them.

    Example:
        >>> import tempfile
        >>> len({bad.kind for bad in draw_bad_files(Path(tempfile.mkdtemp()) / "x")}) >= 20
        True
    """
    folder.mkdir(parents=True, exist_ok=True)
    planted = []
    for name, (data, truth) in _contents(np.random.default_rng(seed)).items():
        write_bytes(folder / name, data)
        planted.append(Planted(kind=Path(name).stem, paths=(folder / name,), truth=truth))
    planted += _special(folder)
    return tuple(planted)


def _contents(rng: np.random.Generator) -> dict[str, tuple[bytes, str]]:
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    jpeg, png = _saved(noise, "JPEG"), _saved(noise, "PNG")
    gif, webp, tiff, bmp = (_saved(noise, kind) for kind in ("GIF", "WEBP", "TIFF", "BMP"))
    broken_png = bytearray(png)
    broken_png[60:80] = bytes(20)
    return {
        "bad-empty.jpg": (b"", "empty"),
        "bad-text.jpg": (b"Dear reader, this is no photo.\n" * 9, "text"),
        "bad-html.jpg": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "a web page"),
        "bad-svg.png": (_SVG, "SVG"),
        "bad-json.png": (b'{"error": "gone"}', "JSON"),
        "bad-noise.jpg": (rng.bytes(4096), "random bytes"),
        "bad-pdf.jpg": (b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF", "PDF"),
        "bad-eps.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n", "PostScript"),
        "bad-zip.png": (b"PK\x05\x06" + bytes(18), "a zip archive"),
        "bad-heic.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "HEIC"),
        "bad-avif.jpg": (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(64), "AVIF"),
        "bad-mp4.jpg": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64), "a video"),
        "bad-psd.png": (b"8BPS\0\x01" + bytes(40), "PSD"),
        "bad-ico.png": (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0 \0" + bytes(40), "ICO"),
        "bad-jpeg-start.jpg": (b"\xff\xd8\xff", "only the start of a JPEG"),
        "bad-jpeg-half.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "bad-jpeg-no-end.jpg": (jpeg[:-40], "truncated"),
        "bad-png-half.png": (png[: len(png) // 2], "truncated"),
        "bad-png-damaged.png": (bytes(broken_png), "damaged"),
        "bad-png-zero.png": (_png_of(0, 0), "no pixels"),
        "bad-png-bomb.png": (_png_of(60_000, 60_000), "a decompression bomb"),
        "bad-png-wide.png": (_png_of(2_000_000_000, 1), "a decompression bomb"),
        "bad-gif-start.gif": (gif[:12], "truncated"),
        "bad-gif-half.gif": (gif[: len(gif) // 2], "truncated"),
        "bad-webp-start.webp": (webp[:20], "truncated"),
        "bad-webp-half.webp": (webp[: len(webp) // 2], "truncated"),
        "bad-tiff-offset.tif": (tiff[:4] + struct.pack("<I", 0x7FFFFFF0) + tiff[8:60], "damaged"),
        "bad-bmp-huge.bmp": (
            bmp[:18] + struct.pack("<ii", 2_000_000, 2_000_000) + bmp[26:], "a decompression bomb",
        ),
        "bad-bmp-start.bmp": (bmp[:30], "truncated"),
    }  # fmt: skip


def _saved(image: np.ndarray, kind: str) -> bytes:
    out = BytesIO()
    Image.fromarray(image).save(out, kind)
    return out.getvalue()


def _png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes do not hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000), 9)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _special(folder: Path) -> list[Planted]:
    planted = []

    def note(path: Path, truth: str) -> None:
        planted.append(Planted(kind=path.stem, paths=(path,), truth=truth))

    if os.name != "posix":
        return planted
    outside = folder.parent / f"{folder.name}-outside.jpg"
    write_bytes(outside, _saved(np.full((32, 32, 3), 90, np.uint8), "JPEG"))
    for name, target, truth in (
        ("bad-link-out.jpg", outside, "a link that leaves the folder"),
        ("bad-link-gone.jpg", folder / "nothing-here.jpg", "a link to nothing"),
        ("bad-link-loop.jpg", folder / "bad-link-loop.jpg", "a link to itself"),
    ):
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        note(link, truth)
    pipe = folder / "bad-pipe.jpg"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    note(pipe, "a pipe: reading it would wait forever")
    if os.geteuid() != 0:  # root reads everything
        locked = folder / "bad-locked.jpg"
        locked.unlink(missing_ok=True)
        write_bytes(locked, _saved(np.full((32, 32, 3), 90, np.uint8), "JPEG"))
        locked.chmod(0)
        note(locked, "unreadable")
    return planted
