"""Models that TensorFlow itself writes, for mien's readers: ``tensorflow_models.py OUT``.

Run by the Python that has TensorFlow, it writes into OUT: ``model.savedmodel``, a folder nested as
Teachable Machine's; ``embedded.tflite`` and ``embedded-int8.tflite``, the grey model in float and
calibrated; ``images.npy`` and each one's answers. Knows nothing of mien.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras


def colour() -> Any:
    """Sequential[Sequential[MobileNetV2, average], Sequential[dense, dense]]."""
    base = keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, include_top=False, weights=None)
    average = keras.layers.GlobalAveragePooling2D()
    head = [keras.layers.Dense(10, "relu"), keras.layers.Dense(3, "softmax", use_bias=False)]
    return keras.Sequential([keras.Sequential([base, average]), keras.Sequential(head)])


def grey() -> Any:
    """MobileNetV1 of a quarter of the widths on one channel, padding ``same``, laid out flat."""
    layers = keras.layers
    x = first = keras.Input((96, 96, 1))
    x = _normed(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x))
    widths = (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)
    for i, width in enumerate(widths, start=1):
        strides = 2 if i in (2, 4, 6, 12) else 1
        deep = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)
        x = _normed(deep(x))
        x = _normed(layers.Conv2D(width, 1, padding="same", use_bias=False)(x))
    base = keras.Model(first, x)
    head = [layers.Dense(100, "relu"), layers.Dense(2, "softmax", use_bias=False)]
    return keras.Sequential([keras.Sequential([base, layers.Flatten()]), keras.Sequential(head)])


def _normed(x: Any) -> Any:
    return keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))


def converted(model: Any, images: np.ndarray, *, int8: bool) -> bytes:
    # As `from_keras_model` does, but without tracing every layer anew.
    module = tf.Module()
    module.answer = tf.function(lambda image: model(image, training=False))
    module.weights = model.variables
    spec = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32)
    frozen = module.answer.get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], module)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

        def give() -> Iterator[list[np.ndarray]]:
            yield from ([image[None]] for image in images)

        converter.representative_dataset = give
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main(out: Path) -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = colour()
    images = rng.uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    np.save(out / "images.npy", images)
    np.save(out / "savedmodel.npy", model(images, training=False).numpy())
    model.save(out / "model.savedmodel", save_format="tf", include_optimizer=False)
    small = grey()
    pictures = rng.uniform(-1, 1, (12, 96, 96, 1)).astype(np.float32)
    np.save(out / "pictures.npy", pictures)
    np.save(out / "embedded.npy", small(pictures, training=False).numpy())
    (out / "embedded.tflite").write_bytes(converted(small, pictures, int8=False))
    (out / "embedded-int8.tflite").write_bytes(converted(small, pictures, int8=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
