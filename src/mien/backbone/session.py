"""Running a backbone: images in, embeddings out, by ONNX Runtime.

Law: an image's embedding depends on that image and on nothing else. Each image runs alone and on
one thread, so neither the size of a batch nor the number of cores changes a bit of it; a `Session`
may be used by many threads at once, and that is how several cores are kept busy.
Knows nothing of files, caches and preprocessing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from mien.backbone.mobilenet_graph import build_graph
from mien.backbone.weights import Backbone
from mien.errors import ModelError

if TYPE_CHECKING:
    import onnx


class Session:
    """An ONNX graph ready to run.

    Args:
        graph: From one input ``(n, h, w, 3)`` float32 to one output ``(n, d)`` float32, as
            `build_graph` makes it.

    Example:
        >>> from mien.backbone.weights import random_backbone
        >>> session = open_session(random_backbone(seed=0, size_px=32))
        >>> session.embed(np.zeros((2, 32, 32, 3), np.float32)).shape
        (2, 1280)
    """

    def __init__(self, graph: onnx.ModelProto) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        # Errors come as exceptions; its warnings would go past us to standard error.
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (given,) = self._session.get_inputs()
        (made,) = self._session.get_outputs()
        self._input: str = given.name
        self._shape: tuple[int, ...] = tuple(given.shape[1:])
        self.width: int = made.shape[1]

    def embed(self, images: Float32[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n d"]:
        """Embed images.

        Args:
            images: In the range that the backbone's preprocessing gives.

        Raises:
            ModelError: They are of another size than the backbone takes.
        """
        if images.shape[1:] != self._shape:
            raise ModelError(
                f"images of shape {images.shape[1:]}; the backbone takes {self._shape}",
                f"Let the preprocessing end with images of {self._shape[0]} px.",
            )
        values = np.empty((len(images), self.width), np.float32)
        for i in range(len(images)):
            values[i] = self._session.run(None, {self._input: images[i : i + 1]})[0][0]
        return values


def open_session(backbone: Backbone) -> Session:
    """Build the graph of `backbone` and make it ready to run; takes about a quarter of a second."""
    return Session(build_graph(backbone.weights))
