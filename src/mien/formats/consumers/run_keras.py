"""Opens a Keras file or a SavedModel and answers images: ``run_keras.py WHICH FILE IMAGES OUT``.

WHICH is ``keras`` (Keras 3), ``tf_keras`` (Keras 2) or ``tensorflow``. Knows nothing of mien.
"""

import json
import sys
import time
from typing import Any

import numpy as np


def load(which: str, path: str) -> tuple[Any, str]:
    """Open the file with the library itself; give what answers images, and its version."""
    if which == "tensorflow":
        import tensorflow as tf

        serving = tf.saved_model.load(path).signatures["serving_default"]
        name = next(iter(serving.structured_input_signature[1]))

        def answer(x: Any) -> Any:
            return next(iter(serving(**{name: tf.constant(x)}).values()))

        return answer, tf.__version__
    library = __import__(which)
    model = library.models.load_model(path, compile=False)
    return (lambda x: model(x, training=False)), library.__version__


def main(which: str, path: str, images: str, out: str) -> None:
    """Write float32 probabilities ``(n, c)`` to `out`, and version and time to standard output."""
    answer, version = load(which, path)
    x = np.load(images)
    answer(x[:1])
    began = time.perf_counter()
    probs = np.concatenate([np.asarray(answer(x[i : i + 1])) for i in range(len(x))])
    ms = (time.perf_counter() - began) * 1000 / len(x)
    np.save(out, probs.astype(np.float32))
    print(json.dumps({"version": version, "ms": ms}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(*sys.argv[1:5])
