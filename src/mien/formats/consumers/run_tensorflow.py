"""Opens files with Keras 2 (tf-keras) or TensorFlow, and writes TensorFlow's own formats.

The only place of mien where TensorFlow is imported. Knows nothing of mien.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def do(job: dict[str, Any], asked: Callable[..., float]) -> dict[str, Any]:
    """Do what ``kind`` says.

    ``tf_keras`` and ``tensorflow`` open ``file`` and let it be `asked`; any other kind turns the
    Keras file ``file`` into ``out``: see `convert`.
    """
    if job["kind"] == "tensorflow":
        return {"version": tf.__version__, "ms": asked(_served(job["file"]), job)}
    import tf_keras

    model = tf_keras.models.load_model(job["file"], compile=False)
    try:
        if job["kind"] == "tf_keras":
            ms = asked(lambda x: model(x, training=False), job)
            return {"version": tf_keras.__version__, "ms": ms}
        convert(job["kind"], model, job["out"], job.get("images"))
        return {"version": tf.__version__}
    finally:
        tf_keras.backend.clear_session()


def _served(path: str) -> Callable[[Any], Any]:
    """Give what a SavedModel answers by its default signature."""
    loaded = tf.saved_model.load(path)
    serving = loaded.signatures["serving_default"]
    name = next(iter(serving.structured_input_signature[1]))

    def answer(x: Any, _: Any = loaded) -> Any:  # a signature does not keep its model alive
        return next(iter(serving(**{name: tf.constant(x)}).values()))

    return answer


def convert(kind: str, model: Any, out: str, images: str | None) -> None:
    """Write `out`: a folder for ``savedmodel``, a file for ``litert`` and ``litert-int8``.

    The last one takes float images to calibrate with.
    """
    if kind == "savedmodel":
        model.save(out, save_format="tf", include_optimizer=False)
        return
    _, side, _, channels = model.input_shape
    spec = tf.TensorSpec([1, side, side, channels], tf.float32, name="image")
    frozen = tf.function(model).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], model)
    if kind == "litert-int8":
        assert images is not None
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = _one_by_one(images)
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
