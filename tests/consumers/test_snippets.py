"""The program in each export's README, run as it stands, on a photo that must be cropped."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.consumers.conftest import Export, run_python

from mien.dataset.drawn import draw_face
from mien.face import load_face_finder
from mien.formats.catalogue import EXPORTERS
from mien.formats.snippet import snippet
from mien.image.decode import decode
from mien.image.preprocessing import Preprocessing, upright_pixels
from mien.model import Model

pytestmark = [pytest.mark.slow, pytest.mark.network]
PROGRAMS = [name for name in EXPORTERS if name not in ("tfjs", "teachable-machine")]
# Those whose library is TensorFlow itself run in the Python that has it.
IN_TENSORFLOW = ("savedmodel",)


def told_by(output: str) -> dict[str, float]:
    lines = [line.split("\t") for line in output.splitlines() if "\t" in line]
    return {label: float(p) for label, p in lines}


def ours(model: Model, photo: Path) -> np.ndarray:
    x = Preprocessing.parse(model.preprocessing).apply(decode(photo.read_bytes()))
    return model.probs(x[None])[0]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_readmes_program_runs_as_it_stands_and_answers_as_the_model_does(
    name: str, exported: Export, photo: Path, tensorflow_python: str
) -> None:
    one = exported(name)
    readme = (one.folder / "README.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    assert program == (one.folder / "predict.py").read_text()
    python = tensorflow_python if name in IN_TENSORFLOW else sys.executable
    told = told_by(run_python(python, "predict.py", str(photo), cwd=one.folder))
    assert list(told) == list(one.model.labels)
    # int8 differs by its rounding; the others by floats alone.
    atol = 0.1 if name == "litert-int8" else 1e-4
    np.testing.assert_allclose(list(told.values()), ours(one.model, photo), atol=atol)


# The crop is the same program in all of them; these two give the model floats, and bytes.
@pytest.mark.parametrize("name", ["onnx", "litert-int8"])
def test_the_program_of_a_face_model_crops_the_same_face(
    name: str, exported: Export, tmp_path: Path
) -> None:
    one = exported(name)
    face = "orient | crop:face(1.4,haar) | resize:64:area | grey | scale:-1:1"
    model = dataclasses.replace(one.model, preprocessing=face)
    photo = tmp_path / "photo.png"
    rng = np.random.default_rng(0)
    drawn = draw_face(rng, expression="happy", skin="brown", gender="woman", size_px=200)
    Image.fromarray(np.pad(drawn, ((40, 60), (30, 90), (0, 0)), mode="edge")).save(photo)
    for path in one.folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    (tmp_path / "predict.py").write_text(snippet(model, name))
    told = told_by(run_python(sys.executable, "predict.py", str(photo), cwd=tmp_path))
    picture = decode(photo.read_bytes())
    found = load_face_finder("haar")(upright_pixels(picture))
    assert found is not None
    x = Preprocessing.parse(face).apply(picture, face=found)
    atol = 0.1 if name == "litert-int8" else 1e-4
    np.testing.assert_allclose(list(told.values()), model.probs(x[None])[0], atol=atol)


@pytest.mark.parametrize("name", ["tfjs", "teachable-machine"])
def test_the_readmes_page_runs_as_it_stands_in_a_browser(
    name: str, exported: Export, photo: Path, tmp_path: Path, node_modules: Path
) -> None:
    one = exported(name)
    readme = (one.folder / "README.md").read_text()
    (page,) = re.findall(r"```html\n(.*?)```", readme, re.S)
    site = tmp_path / "site"
    shutil.copytree(one.folder, site)
    if name == "teachable-machine":
        shutil.unpack_archive(site / "tm-my-image-model.zip", site)
    (site / "index.html").write_text(page)
    told = visit(site, photo, node_modules)
    assert list(told) == list(one.model.labels)
    # The browser's own filter shrinks the photo, not Pillow's: the class and roughly the shares.
    expected = ours(one.model, photo)
    assert np.argmax(list(told.values())) == expected.argmax()
    np.testing.assert_allclose(list(told.values()), expected, atol=0.1)


@pytest.fixture(scope="module")
def node_modules() -> Path:
    import os

    return Path(os.environ["MIEN_NODE_MODULES"])


def visit(site: Path, photo: Path, modules: Path) -> dict[str, float]:
    """Open the page, with what it takes from the network taken from `modules`, and give a photo."""
    from playwright.sync_api import sync_playwright

    kinds = {".js": "text/javascript", ".json": "application/json", ".html": "text/html"}

    def answer(route: Any) -> None:
        address = route.request.url.partition("?")[0]
        if address.startswith("https://cdn.jsdelivr.net/npm/"):
            name = re.sub(r"@[\d.]+/dist", "/dist", address.partition("/npm/")[2])
            path = modules / name
        else:
            path = site / (address.partition("//mien.test/")[2] or "index.html")
        kind = kinds.get(path.suffix, "application/octet-stream")
        route.fulfill(body=path.read_bytes(), content_type=kind)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto("https://mien.test/")
        page.set_input_files("input", photo)
        page.wait_for_function("document.querySelector('pre').textContent", timeout=180_000)
        text = page.text_content("pre") or ""
        browser.close()
    words = [line.rpartition(" ") for line in text.splitlines()]
    return {label: float(p) for label, _, p in words}
