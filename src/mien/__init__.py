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
    "audit": "mien.workflows.audit",
    "backbones": "mien.workflows.backbones",
    "collect": "mien.workflows.collect",
    "compare": "mien.workflows.compare",
    "curve": "mien.workflows.curve",
    "demo": "mien.workflows.demo",
    "export": "mien.workflows.export",
    "forget": "mien.workflows.forget",
    "import_": "mien.workflows.import_",
    "plan": "mien.workflows.plan",
    "predict": "mien.workflows.predict",
    "report": "mien.workflows.report",
    "reproduce": "mien.workflows.reproduce",
    "sources": "mien.workflows.sources",
    "split": "mien.workflows.split",
    "study": "mien.workflows.study",
    "test": "mien.workflows.test",
    "train": "mien.workflows.train",
    "HeadClassifier": "mien.estimators",
    "PhotoEmbedder": "mien.estimators",
    "UserError": "mien.errors",
}

if TYPE_CHECKING:
    from mien.errors import UserError
    from mien.estimators import HeadClassifier, PhotoEmbedder
    from mien.workflows.audit import audit
    from mien.workflows.backbones import backbones
    from mien.workflows.collect import collect
    from mien.workflows.compare import compare
    from mien.workflows.curve import curve
    from mien.workflows.demo import demo
    from mien.workflows.export import export
    from mien.workflows.forget import forget
    from mien.workflows.import_ import import_
    from mien.workflows.plan import plan
    from mien.workflows.predict import predict
    from mien.workflows.report import report
    from mien.workflows.reproduce import reproduce
    from mien.workflows.sources import sources
    from mien.workflows.split import split
    from mien.workflows.study import study
    from mien.workflows.test import test
    from mien.workflows.train import train

__all__ = [
    "HeadClassifier",
    "PhotoEmbedder",
    "UserError",
    "__version__",
    "audit",
    "backbones",
    "collect",
    "compare",
    "curve",
    "demo",
    "export",
    "forget",
    "import_",
    "plan",
    "predict",
    "report",
    "reproduce",
    "sources",
    "split",
    "study",
    "test",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'mien' has no attribute '{name}'")
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
