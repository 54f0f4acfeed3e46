"""Small pictures for the grid: made once, kept beside the photos, thrown away at will.

Law: a thumbnail's address holds the photo's version, so it never changes and may be kept for ever.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from mien.digest import digest_text
from mien.errors import UserError
from mien.files import write_bytes
from mien.image.decode import read_photo_bytes
from mien.serve.pictures import as_square_jpeg, upright
from mien.studio.listing import Item

# Shown at 96 px and less; half as much again for the sharper screens.
SIDE_PX: Final = 144
# Decoding a large photo takes tens of megabytes: not many at once.
_AT_ONCE: Final = threading.Semaphore(2)


def thumbnail(item: Item, *, folder: Path) -> bytes:
    """The thumbnail of a photo as a JPEG.

    Raises:
        PhotoError: The photo cannot be decoded.
    """
    digest = digest_text(item.name, item.version, str(SIDE_PX))
    path = folder / digest[:2] / f"{digest[2:34]}.jpg"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    with _AT_ONCE:
        data = as_square_jpeg(upright(read_photo_bytes(item.path)), side_px=SIDE_PX)
    try:
        write_bytes(path, data)
    except UserError:
        # A full disk must not keep anybody from seeing the photos.
        return data
    return data
