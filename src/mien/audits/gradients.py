"""Faces described by the directions of their edges: a second pair of eyes beside the embedding.

An embedding forgets what its backbone was not taught to look at. How the edges of a face run is
blind to skin and light, and errs on other photos than a network does: two opinions together doubt
labels better than either (docs/log.md).

Source: N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

from mien.blas import map_in_threads
from mien.face.resize import opencv

# A chip is drawn larger, so that a cell has four of its pixels and not eight: mouths are small.
_SIDE_PX: Final = 64
_CELL_PX: Final = 8
_BLOCK_PX: Final = 16
_DIRECTIONS: Final = 9
# Faces that a thread describes before it comes for more.
_A_THREAD: Final = 128


def gradients(chips: UInt8[np.ndarray, "m 32 32"]) -> Float32[np.ndarray, "m d"]:
    """Histograms of oriented gradients of faces, averaged with what a mirror would show.

    Args:
        chips: Upright faces, as `chips.chip` cuts them.

    Returns:
        Rows of 1,764 numbers of 0 to 1: nine directions in each cell, by blocks of 2 by 2 cells.
    """
    cv2 = opencv()
    side, block, cell = ((px, px) for px in (_SIDE_PX, _BLOCK_PX, _CELL_PX))
    n_blocks = (_SIDE_PX - _BLOCK_PX) // _CELL_PX + 1
    answer = np.empty((len(chips), n_blocks, n_blocks, 2, 2, _DIRECTIONS), dtype=np.float32)

    def fill(start: int) -> None:
        describe = cv2.HOGDescriptor(side, block, cell, cell, _DIRECTIONS).compute
        rows = slice(start, start + _A_THREAD)
        for row, chip in zip(answer[rows], chips[rows], strict=True):
            face = cv2.resize(chip, side, interpolation=cv2.INTER_CUBIC)
            seen = describe(face).reshape(row.shape)
            # Blocks and the cells in them go by columns; in a mirror, their order and that of the
            # directions is turned round.
            row[...] = (seen + seen[::-1, :, ::-1, :, ::-1]) / 2

    map_in_threads(fill, range(0, len(chips), _A_THREAD))
    return answer.reshape(len(chips), -1)
