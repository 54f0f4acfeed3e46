"""Holds mien's functions to the array shapes in their signatures, while tests run.

jaxtyping's import hook wraps every function and dataclass of mien with `check`, which looks at
arrays alone: axes of one name have one length in one call, dtypes are as stated. (beartype would
look at everything, and our protocols and forward references are mypy's affair.)
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import AbstractArray

Test = Callable[[Any], bool]


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that its arrays are held to its annotations."""
    if not any("np.ndarray" in str(hint) for hint in _annotations(function).values()):
        return function
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        tests = _tests(function)
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in tests and not tests[name](value):
                raise TypeError(_words(function, name, value))
        result = function(*args, **kwargs)
        if "return" in tests and not tests["return"](result):
            raise TypeError(_words(function, "return", result))
        return result

    return checked


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(function, "__annotations__", {})


@functools.cache
def _tests(function: Callable[..., Any]) -> dict[str, Test]:
    found = {}
    scope = getattr(function, "__globals__", {})
    for name, hint in _annotations(function).items():
        if "np.ndarray" not in str(hint):
            continue
        try:
            resolved = eval(hint, scope) if isinstance(hint, str) else hint
        except NameError:  # imported for type checkers alone
            continue
        test = _test(resolved)
        if test is not None:
            found[name] = test
    return found


def _test(hint: Any) -> Test | None:
    """What a value must pass; None where the hint says nothing of an array."""
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        return lambda value: isinstance(value, hint)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        tests = [_test(part) for part in parts]
        if any(
            test is None for part, test in zip(parts, tests, strict=True) if part is not type(None)
        ):
            return None
        arrays = [test for test in tests if test is not None]
        return lambda value: value is None or any(test(value) for test in arrays)
    if origin in (list, Sequence) and parts:
        inner = _test(parts[0])
        if inner is not None:
            # Each element alone: elements may differ in the axes that they do not share.
            return lambda value: all(map(inner, value))
    return None


def _words(function: Callable[..., Any], name: str, value: Any) -> str:
    what = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
    hint = _annotations(function)[name]
    return f"{function.__module__}.{function.__qualname__}: {name} is {what}, annotated {hint}"
