"""mien: a teachable image classifier that says how far it can be trusted.

The public names, nothing else. Importing this imports neither jax nor onnxruntime: each name is
loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mien.version import VERSION

__version__ = VERSION

# Public name → module that holds it.
_NAMES = {
    "train": "mien.workflows.train",
    "test": "mien.workflows.test",
    "predict": "mien.workflows.predict",
    "export": "mien.workflows.export",
    "import_": "mien.workflows.import_",
    "compare": "mien.workflows.compare",
    "curve": "mien.workflows.curve",
    "plan": "mien.workflows.plan",
    "reproduce": "mien.workflows.reproduce",
    "split": "mien.workflows.split",
    "HeadClassifier": "mien.estimators",
    "PhotoEmbedder": "mien.estimators",
    "UserError": "mien.errors",
}

if TYPE_CHECKING:
    from mien.errors import UserError
    from mien.estimators import HeadClassifier, PhotoEmbedder
    from mien.workflows.compare import compare
    from mien.workflows.curve import curve
    from mien.workflows.export import export
    from mien.workflows.import_ import import_
    from mien.workflows.plan import plan
    from mien.workflows.predict import predict
    from mien.workflows.reproduce import reproduce
    from mien.workflows.split import split
    from mien.workflows.test import test
    from mien.workflows.train import train

__all__ = [
    "HeadClassifier",
    "PhotoEmbedder",
    "UserError",
    "__version__",
    "compare",
    "curve",
    "export",
    "import_",
    "plan",
    "predict",
    "reproduce",
    "split",
    "test",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'mien' has no attribute '{name}'")
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
