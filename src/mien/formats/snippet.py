"""The program of an export's README, which runs as it stands; for the browser, a page.

Law: it prepares a photo as the model's preprocessing says, step by step, and prints one line a
class. A test runs each of them.
"""

from __future__ import annotations

from typing import Final

from mien.formats.golden import range_of
from mien.image.preprocessing import (
    Bgr,
    CropCentre,
    Grey,
    Mirror,
    Orient,
    Preprocessing,
    Resize,
)
from mien.model import Model

_RESAMPLING: Final = {
    "lanczos": "LANCZOS",
    "bicubic": "BICUBIC",
    "bilinear": "BILINEAR",
    "area": "BOX",
}

_OPEN: Final = {
    "onnx": """import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
probs = session.run(None, {"image": x[None]})[0][0]""",
    "keras": """import os
from importlib.util import find_spec

if not find_spec("tensorflow"):  # Keras 3 runs on JAX and PyTorch as well
    # "numpy" is JAX without training, and opens a file four times as fast.
    os.environ.setdefault("KERAS_BACKEND", "numpy" if find_spec("jax") else "torch")
try:
    import keras  # Keras 3
except ImportError:
    import tf_keras as keras  # Keras 2

model = keras.models.load_model("keras_model.h5", compile=False)
probs = np.asarray(model(x[None], training=False))[0]""",
    "savedmodel": """import tensorflow as tf

model = tf.saved_model.load("model.savedmodel")
answer = model.signatures["serving_default"]
name = next(iter(answer.structured_input_signature[1]))
probs = next(iter(answer(**{name: tf.constant(x[None])}).values())).numpy()[0]""",
    "litert": """from ai_edge_litert.interpreter import Interpreter

lite = Interpreter(model_path="model_unquant.tflite")
lite.allocate_tensors()
lite.set_tensor(lite.get_input_details()[0]["index"], x[None])
lite.invoke()
probs = lite.get_tensor(lite.get_output_details()[0]["index"])[0]""",
    "litert-int8": """from ai_edge_litert.interpreter import Interpreter

lite = Interpreter(model_path="model.tflite")
lite.allocate_tensors()
made = lite.get_output_details()[0]
lite.set_tensor(lite.get_input_details()[0]["index"], image[None])
lite.invoke()
step, zero = made["quantization"]
probs = (lite.get_tensor(made["index"])[0].astype(np.float32) - zero) * step""",
}

# What the program needs beside NumPy and Pillow, by pip's names.
_NEEDS: Final = {
    "onnx": "onnxruntime",
    "keras": "keras jax",
    "savedmodel": "tensorflow",
    "litert": "ai-edge-litert",
    "litert-int8": "ai-edge-litert",
}

PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<script src="https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@1.3.1/dist/tf.min.js"></script>
<script src="https://cdn.jsdelivr.net/npm/@teachablemachine/image@0.8.5/dist/\
teachablemachine-image.min.js"></script>
<input type="file" accept="image/*"><pre></pre>
<script>
  const model = tmImage.load("model.json", "metadata.json");
  document.querySelector("input").onchange = async (event) => {
    const image = new Image();
    image.src = URL.createObjectURL(event.target.files[0]);
    await image.decode();
    const answer = await (await model).predict(image);
    document.querySelector("pre").textContent = answer
      .map((one) => `${one.className} ${one.probability.toFixed(4)}`).join("\\n");
  };
</script>"""


def needs(model: Model, format: str) -> str:
    """What pip has to install for the program, by pip's names.

    Args:
        model: What was exported.
        format: A key of `EXPORTERS`.
    """
    libraries = f"numpy pillow {_NEEDS[format]}"
    needs_face = Preprocessing.parse(model.preprocessing).needs_face
    return f"{libraries} mien" if needs_face else libraries


def snippet(model: Model, format: str) -> str:
    """Give the program of the README, which prints the probability of each class for a photo."""
    return f"""import sys

import numpy as np
from PIL import Image, ImageOps

{_prepared(model)}
labels = {list(model.labels)!r}

{_OPEN[format]}

for label, p in zip(labels, probs):
    print(f"{{label}}\\t{{p:.6f}}")
"""


def _prepared(model: Model) -> str:
    """Lines that make `image`, uint8, and `x`, float32, as the preprocessing says."""
    steps = Preprocessing.parse(model.preprocessing)
    divisor, offset = range_of(model.preprocessing)
    if steps.needs_face:
        return _FACE.format(preprocessing=model.preprocessing, divisor=divisor, offset=offset)
    lines = ["picture = Image.open(sys.argv[1])"]
    crop = any(isinstance(step, CropCentre) for step in steps.steps)
    for step in steps.steps:
        if isinstance(step, Orient):
            lines.append("picture = ImageOps.exif_transpose(picture)")
        if isinstance(step, Resize):
            lines += _resize(step, crop=crop)
        if isinstance(step, Grey):
            lines.append('picture = picture.convert("L").convert("RGB")')
        if isinstance(step, Mirror):
            lines.append("picture = ImageOps.mirror(picture)")
    lines.append("image = np.asarray(picture)")
    if any(isinstance(step, Bgr) for step in steps.steps):
        lines.append("image = image[..., ::-1]")
    lines.append(f"x = (image / np.float32({divisor!r}) + np.float32({offset!r}))")
    lines.append("x = x.astype(np.float32)")
    return "\n".join(lines)


def _resize(step: Resize, *, crop: bool) -> list[str]:
    side = (step.size_px, step.size_px)
    method = f"Image.Resampling.{_RESAMPLING[step.filter]}"
    rgb = 'picture = picture.convert("RGB")'
    if crop:
        return [rgb, f"picture = ImageOps.fit(picture, {side}, {method})"]
    return [rgb, f"picture = picture.resize({side}, {method})"]


_FACE: Final = """# The face is found and cropped by mien: pip install mien
from pathlib import Path

from mien.face import load_face_finder
from mien.image.decode import decode
from mien.image.preprocessing import Preprocessing, upright_pixels

steps = Preprocessing.parse("{preprocessing}")
picture = decode(Path(sys.argv[1]).read_bytes())
face = load_face_finder(steps.detector, download=True)(upright_pixels(picture))
if face is None:
    sys.exit("no face found")
x = steps.apply(picture, face=face)
image = np.clip(np.round((x - {offset!r}) * {divisor!r}), 0, 255).astype(np.uint8)"""
