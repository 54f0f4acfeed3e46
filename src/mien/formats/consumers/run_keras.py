"""Opens files with Keras 3 and answers images. Knows nothing of mien."""

import os
import sys
from collections.abc import Callable
from typing import Any


def start() -> None:
    """Import what takes long."""
    if os.environ.get("KERAS_BACKEND") != "numpy":
        import keras

        return
    # What Keras imports where it is there, and needs for no model: half of the time it takes.
    for name in ("sklearn", "pandas", "cv2"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    import keras
    import numpy as np

    # The first convolution starts JAX, which can be done before a file is there.
    keras.ops.conv(np.zeros((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32))


def do(job: dict[str, Any], asked: Callable[..., float]) -> dict[str, Any]:
    """Open ``file`` and let it be `asked`."""
    import keras

    # Of the last job's, and not after this one, when somebody waits for the answer.
    keras.backend.clear_session()
    model = keras.models.load_model(job["file"], compile=False)
    ms = asked(lambda x: model(x, training=False), job)
    backend = keras.backend.backend()
    return {"version": f"{keras.__version__} ({backend})", "ms": ms}
