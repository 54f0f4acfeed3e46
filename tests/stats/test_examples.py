"""Every example in a docstring of stats and exam runs and is true."""

import doctest
import importlib
import pkgutil

import pytest

import mien.exam
import mien.stats

MODULES = [
    f"{package.__name__}.{info.name}"
    for package in (mien.stats, mien.exam)
    for info in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
