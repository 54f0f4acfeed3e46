"""Turns a Keras file into TensorFlow's formats: ``convert.py KIND KERAS_H5 OUT [IMAGES]``.

KIND is ``savedmodel``, ``litert`` or ``litert-int8``; the last one takes float images to calibrate
with. The only place of mien where TensorFlow is imported, and it runs in a process of its own.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def convert(kind: str, source: str, out: str, images: str | None) -> None:
    """Write `out`, a folder for a SavedModel, else a file."""
    import tensorflow as tf
    import tf_keras

    model = tf_keras.models.load_model(source, compile=False)
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
    import numpy as np

    x = np.load(images)

    def give() -> Iterator[list[Any]]:
        for i in range(len(x)):
            yield [x[i : i + 1]]

    return give


if __name__ == "__main__":
    given = [*sys.argv[1:], None]
    convert(str(given[0]), str(given[1]), str(given[2]), given[3])
