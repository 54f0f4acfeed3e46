"""Opens files with Keras 2 (tf-keras) or TensorFlow, and writes TensorFlow's own formats.

TensorFlow is imported here and in `partly_int8` alone. Knows nothing of mien.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


def start() -> None:
    """Import what takes long."""
    import tensorflow as tf  # noqa: F401
    import tf_keras  # noqa: F401


def do(job: dict[str, Any], asked: Callable[..., float]) -> dict[str, Any]:
    """Do what ``kind`` says.

    ``tf_keras`` and ``tensorflow`` open ``file`` and let it be `asked`; any other kind turns the
    Keras file ``file`` into ``out``: see `convert`.
    """
    import tensorflow as tf

    if job["kind"] == "tensorflow":
        return {"version": tf.__version__, "ms": asked(_served(job["file"]), job)}
    import tf_keras

    model = tf_keras.models.load_model(job["file"], compile=False)
    try:
        if job["kind"] == "tf_keras":
            ms = asked(lambda x: model(x, training=False), job)
            return {"version": tf_keras.__version__, "ms": ms}
        convert(model, job)
        return {"version": tf.__version__}
    finally:
        tf_keras.backend.clear_session()


def _served(path: str) -> Callable[[Any], Any]:
    """Give what a SavedModel answers by its default signature."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    serving = loaded.signatures["serving_default"]
    name = next(iter(serving.structured_input_signature[1]))

    def answer(x: Any, _: Any = loaded) -> Any:  # a signature does not keep its model alive
        return next(iter(serving(**{name: tf.constant(x)}).values()))

    return answer


def convert(model: Any, job: dict[str, Any]) -> None:
    """Write ``out``: a folder for ``savedmodel``, a file for ``litert`` and ``litert-int8``.

    The last one is calibrated on float ``images``; operators whose names match ``floats`` stay in
    float, and bytes come in as ``x / divisor + offset``.
    """
    import tensorflow as tf

    kind, out = job["kind"], job["out"]
    if kind == "savedmodel":
        model.save(out, save_format="tf", include_optimizer=False)
        return
    _, side, _, channels = model.input_shape
    spec = tf.TensorSpec([1, side, side, channels], tf.float32, name="image")
    # A plain module of the weights: of a Keras model every layer would be traced and saved anew.
    module = tf.Module()
    module.answer = tf.function(lambda image: model(image, training=False))
    module.weights = model.variables
    frozen = module.answer.get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], module)
    if kind == "litert":
        Path(out).write_bytes(converter.convert())
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = _one_by_one(job["images"])
    if job["floats"]:
        partly = importlib.import_module("partly_int8")
        Path(out).write_bytes(partly.quantised(converter, job))
        return
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    # Pictures in and shares out as bytes, as Teachable Machine's quantised file.
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    Path(out).write_bytes(converter.convert())


def _one_by_one(images: str) -> Callable[[], Iterator[list[Any]]]:
    x = np.load(images)

    def give() -> Iterator[list[Any]]:
        for i in range(len(x)):
            yield [x[i : i + 1]]

    return give
