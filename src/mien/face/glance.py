"""YuNet run by ONNX Runtime on one small square: half of what OpenCV's own runner takes for it.

For sorting many pictures at a glance only; crops come from `yunet`, whose boxes models were trained
on. Boxes here differ from OpenCV's at the same size by less than a thousandth of a pixel. Law: may
be called from many threads; one thread a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Int, UInt8

from mien.face.resize import opencv

# The strides of its three maps of cells.
_STRIDES: Final = (8, 16, 32)
_OUTPUTS: Final = ("cls", "obj", "bbox", "kps")


class SmallYuNet:
    """YuNet for squares of one size.

    Args:
        path: The verified ``yunet_n_640_640.onnx``.
        side_px: Of the square, a multiple of 32.
        score: Least confidence of a face.
        overlap: Of two boxes that share more, intersection by union, the surer one is named.
    """

    def __init__(self, path: Path, *, side_px: int, score: float, overlap: float) -> None:
        import onnx
        import onnxruntime

        network = onnx.load(path)
        # The file is laid out for 640 px; all its layers take any size.
        for given in network.graph.input:
            given.type.tensor_type.shape.dim[0].dim_param = "pictures"
            for axis in (2, 3):
                given.type.tensor_type.shape.dim[axis].dim_value = side_px
        for made in network.graph.output:
            made.type.tensor_type.ClearField("shape")
        del network.graph.value_info[:]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            network.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._input: Final = network.graph.input[0].name
        self._names: Final = [f"{kind}_{stride}" for kind in _OUTPUTS for stride in _STRIDES]
        self._side: Final = side_px
        self._corners, self._strides = _cells(side_px)
        self._score: Final = score
        self._overlap: Final = overlap

    def detect(self, image: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "n 15"]:
        """Faces in an RGB image that fits into the square, laid into its upper left corner.

        Returns:
            OpenCV's rows: box, five points, score; the surest first.
        """
        return self.detect_all([image])[0]

    def detect_all(
        self, images: Sequence[UInt8[np.ndarray, "h w 3"]]
    ) -> list[Float32[np.ndarray, "n 15"]]:
        """As `detect`, of several images at once: two thirds of the time each."""
        batch = np.zeros((len(images), 3, self._side, self._side), np.float32)
        for image, picture in zip(images, batch, strict=True):
            height, width = image.shape[:2]
            for layer, channel in zip(picture[::-1], opencv().split(image), strict=True):  # BGR
                layer[:height, :width] = channel
        made = self._session.run(self._names, {self._input: batch})
        n, kinds = len(_STRIDES), len(_OUTPUTS)
        # The file knows of one picture: cells of several come one picture's after the other's.
        cells = [one.reshape(len(images), -1, one.shape[-1]) for one in made]
        joined = (np.concatenate(cells[i * n : i * n + n], axis=1) for i in range(kinds))
        owners, rows = self._rows(*joined)
        return [self._chosen(rows[owners == i]) for i in range(len(images))]

    def _chosen(self, rows: Float32[np.ndarray, "n 15"]) -> Float32[np.ndarray, "m 15"]:
        """Of boxes that share much, the surest."""
        # A picture of one colour can make it answer with infinities: not for us to choose among.
        if len(rows) < 2 or not np.isfinite(rows).all():
            return rows
        kept = opencv().dnn.NMSBoxes(  # in whole pixels, as OpenCV's detector does
            rows[:, :4].astype(int).tolist(), rows[:, 14].tolist(), self._score, self._overlap
        )
        return rows.take(np.asarray(kept, dtype=int).reshape(-1), axis=0)

    def _rows(
        self,
        classes: Float32[np.ndarray, "b k 1"],
        objects: Float32[np.ndarray, "b k 1"],
        boxes: Float32[np.ndarray, "b k 4"],
        points: Float32[np.ndarray, "b k 10"],
    ) -> tuple[Int[np.ndarray, " n"], Float32[np.ndarray, "n 15"]]:
        """The cells that see a face, and whose they are; numbers are in strides from the cell."""
        scores = np.sqrt(classes[..., 0].clip(0, 1) * objects[..., 0].clip(0, 1))
        owners, cells = np.nonzero(scores >= self._score)
        corner, stride = self._corners[cells], self._strides[cells]
        box = boxes[owners, cells]
        middle = (corner + box[:, :2]) * stride
        with np.errstate(over="ignore"):
            size = np.exp(box[:, 2:]) * stride
        marks = (points[owners, cells].reshape(-1, 5, 2) + corner[:, None]) * stride[:, None]
        parts = [middle - size / 2, size, marks.reshape(-1, 10), scores[owners, cells, None]]
        return owners, np.concatenate(parts, axis=1).astype(np.float32)


def _cells(side_px: int) -> tuple[Float32[np.ndarray, "k 2"], Float32[np.ndarray, "k 1"]]:
    """Each cell's place in its map, right and down, and its map's stride."""
    corners, strides = [], []
    for stride in _STRIDES:
        n = side_px // stride
        down, right = np.divmod(np.arange(n * n), n)
        corners.append(np.stack([right, down], axis=1))
        strides.append(np.full((n * n, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
