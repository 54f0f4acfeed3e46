"""Keep linear algebra on one thread while many small problems are solved, or threads of ours work.

A product of 200 rows gains nothing from a second thread, and threads that wait for each other by
spinning make a busy machine ten times slower (measured: 1.2 s became 12). Where photos are measured
in threads, waiting took half of the processor. One thread also adds in one order, so that bytes do
not depend on the number of cores.

Law: what was set before is set again when the last user leaves; the setting is the process's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
