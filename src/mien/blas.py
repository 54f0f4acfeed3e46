"""Keep linear algebra on one thread while many small problems are solved, or threads of ours work.

A product of 200 rows gains nothing from a second thread, and threads that wait for each other by
spinning make a busy machine ten times slower (measured: 1.2 s became 12). Where photos are measured
in threads, waiting took half of the processor. One thread also adds in one order, so that bytes do
not depend on the number of cores.

Law: what was set before is set again when the last user leaves; the setting is the process's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")

_LOCK = threading.Lock()
_users: int = 0
_limits: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside; may be nested and used from several threads at once."""
    global _users, _limits
    from threadpoolctl import threadpool_limits

    with _LOCK:
        if _users == 0:
            _limits = threadpool_limits(1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if _users == 0:
                _limits.restore_original_limits()


def map_in_threads(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Do the work for each item, in a thread for each core, with one thread of BLAS in each.

    For work that is mostly NumPy's or OpenCV's, which let other threads run meanwhile.

    Args:
        work: Must not depend on the order in which items are done.
        items: What to work on.

    Returns:
        The answers, in the order of the items.
    """
    n_threads = min(os.cpu_count() or 1, len(items))
    with one_blas_thread():
        if n_threads < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(max_workers=n_threads) as pool:
            return list(pool.map(work, items))
