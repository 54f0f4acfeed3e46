"""A small model of random weights, and files of it in formats that other programs write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.lite_files import write_tflite
from tests.formats.samples import make_embedded, make_model
from tests.formats.saved_files import write_savedmodel

from mien.model import Model


@pytest.fixture(scope="session")
def model() -> Model:
    return make_model()


@pytest.fixture(scope="session")
def mirrored() -> Model:
    return make_model(mirror_average=True)


@pytest.fixture(scope="session")
def embedded() -> Model:
    return make_embedded()


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def lite(model: Model) -> bytes:
    return write_tflite(model, quantise=False)


@pytest.fixture(scope="session")
def lite_int8(model: Model) -> bytes:
    return write_tflite(model, quantise=True)


@pytest.fixture(scope="session")
def savedmodel(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_savedmodel(model, tmp_path_factory.mktemp("savedmodel"))


@pytest.fixture
def refused() -> Callable[..., str]:
    """Call something that must raise a `UserError`; give its message."""
    from mien.errors import UserError

    def call(function: Callable[..., Any], *args: Any, **settings: Any) -> str:
        with pytest.raises(UserError) as caught:
            function(*args, **settings)
        return str(caught.value)

    return call
