"""What an audit keeps of a picture to lay it on others later: grey, small, as JPEG.

Law: a packed picture is at most `PICTURE_PX` on its longer side; some 10 KB, so that those of
100,000 photos fit into memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audits.perceptual import Grey
from mien.face.resize import opencv

PICTURE_PX: Final = 192


def pack(grey: Grey) -> bytes:
    """A grey picture small enough that those of 100,000 photos fit into memory."""
    from io import BytesIO

    from PIL import Image

    small = Image.fromarray(grey)
    small.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.BOX, reducing_gap=None)
    out = BytesIO()
    small.save(out, "JPEG", quality=90)
    return out.getvalue()


def decoded(picture: bytes) -> Grey:
    """A picture as `pack` packed it."""
    image: Grey = opencv().imdecode(np.frombuffer(picture, dtype=np.uint8), 0)
    return image
