"""Opens `.tflite` files with LiteRT and answers images. Knows nothing of mien.

Takes float images, or uint8 ones where the file takes uint8.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


def start() -> None:
    """Import what takes long."""
    _interpreter()


def _interpreter() -> tuple[Any, str]:
    """LiteRT's class, or TensorFlow's copy of it, and the version."""
    try:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter, f"ai-edge-litert {ai_edge_litert.__version__}"
    except ImportError:
        import tensorflow as tf

        return tf.lite.Interpreter, f"tensorflow {tf.__version__}"


def do(job: dict[str, Any], asked: Callable[..., float]) -> dict[str, Any]:
    """Open ``file`` and let it be `asked`, one picture at a time."""
    interpreter, version = _interpreter()
    lite = interpreter(model_path=job["file"])
    lite.allocate_tensors()
    given, made = lite.get_input_details()[0], lite.get_output_details()[0]

    def answer(x: Any) -> Any:
        lite.set_tensor(given["index"], x.astype(given["dtype"]))
        lite.invoke()
        probs = lite.get_tensor(made["index"]).astype(np.float32)
        if made["dtype"] == np.float32:
            return probs
        step, zero = made["quantization"]
        return (probs - zero) * step

    return {"version": version, "ms": asked(answer, job, batch=1)}
