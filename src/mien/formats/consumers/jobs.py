"""Answers jobs with one library: ``jobs.py LIBRARY`` reads a JSON document a line, and answers so.

``run_LIBRARY.py`` beside it does them with its ``do(job, asked)``. An answer is what that gives, or
``{"missing"}`` where a library is not installed, or ``{"error"}`` with its last word.
"""

import contextlib
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

# Small enough that the layers' pictures stay in the processor's cache, large enough to pay.
BATCH = 5


def asked(answer: Callable[[Any], Any], job: dict[str, Any], *, batch: int = BATCH) -> float:
    """Ask for ``images`` (`.npy`) and write float32 probabilities ``(n, c)`` to ``out``.

    Returns:
        Milliseconds a picture, without the first batch: in it a library compiles.
    """
    import numpy as np  # a Python without it must still say what it lacks

    x = np.load(job["images"])
    rows, began = [], time.perf_counter()
    for i in range(0, len(x), batch):
        if i == batch:
            began = time.perf_counter()
        rows.append(np.asarray(answer(x[i : i + batch])))
    counted = len(x) - batch if len(x) > batch else len(x)
    ms = (time.perf_counter() - began) * 1000 / counted
    np.save(job["out"], np.concatenate(rows).astype(np.float32))
    return ms


def answered(library: str, job: dict[str, Any]) -> dict[str, Any]:
    """Do one job, whatever comes of it."""
    try:
        told: dict[str, Any] = importlib.import_module(f"run_{library}").do(job, asked)
    except ImportError as error:
        return {"missing": f"{error}"[:300]}
    except Exception as error:  # noqa: BLE001 - a stranger's library may raise anything
        last = (f"{error}".strip().splitlines() or [""])[-1]
        return {"error": f"{type(error).__name__}: {last}"[:300]}
    return told


def main(library: str) -> None:
    """Read jobs until there are no more."""
    # Libraries print; what is ours to say goes out by a way of its own.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Before anything is asked, for the import takes longest; a missing library is said when asked.
    # What it makes stays to the end: a collector would go through it again and again for nothing.
    gc.disable()
    with contextlib.suppress(ImportError):
        importlib.import_module(f"run_{library}").start()
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        out.write(json.dumps(answered(library, json.loads(line))) + "\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
