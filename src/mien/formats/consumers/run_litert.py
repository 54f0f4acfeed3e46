"""Opens a `.tflite` file with LiteRT and answers images: ``run_litert.py FILE IMAGES OUT``.

Takes float images, or uint8 ones where the file takes uint8. Knows nothing of mien.
"""

import json
import sys
import time
from typing import Any

import numpy as np


def interpreter(path: str) -> tuple[Any, str]:
    """Open the file with LiteRT, or with TensorFlow's copy of it."""
    try:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_path=path), f"ai-edge-litert {ai_edge_litert.__version__}"
    except ImportError:
        import tensorflow as tf

        return tf.lite.Interpreter(model_path=path), f"tensorflow {tf.__version__}"


def main(path: str, images: str, out: str) -> None:
    """Write float32 probabilities ``(n, c)`` to `out`, and version and time to standard output."""
    lite, version = interpreter(path)
    lite.allocate_tensors()
    given, made = lite.get_input_details()[0], lite.get_output_details()[0]
    x = np.load(images).astype(given["dtype"])
    rows = []
    began = time.perf_counter()
    for i in range(len(x)):
        lite.set_tensor(given["index"], x[i : i + 1])
        lite.invoke()
        rows.append(lite.get_tensor(made["index"])[0].astype(np.float32))
    ms = (time.perf_counter() - began) * 1000 / len(x)
    probs = np.stack(rows)
    if made["dtype"] != np.float32:
        step, zero = made["quantization"]
        probs = (probs - zero) * step
    np.save(out, probs.astype(np.float32))
    print(json.dumps({"version": version, "ms": ms}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(*sys.argv[1:4])
