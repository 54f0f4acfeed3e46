"""Ways to do many independent jobs: one by one, on threads, in processes, on a Ray cluster.

Knows nothing of what a job is. Law: the results are the same whichever way is chosen; they come as
they are finished, in any order. When the caller stops listening (Ctrl-C), what has not begun is
not begun.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from typing import Any, Final, Protocol, TypeVar

from mien.errors import RecipeError

M = TypeVar("M")
J = TypeVar("J")
R = TypeVar("R")


class Way(Protocol):
    """Does jobs on some material, each by `work(job, material)`."""

    def __call__(
        self, work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
    ) -> Iterator[R]:
        """Give each job's result as it is finished.

        Args:
            work: A function of a module, so that another process can find it.
            jobs: Independent of each other.
            material: The same for all; sent once to each worker.
            workers: How many at once; as many as cores where None.
        """


def serial(
    work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
) -> Iterator[R]:
    """One after the other, in this thread."""
    del workers
    for job in jobs:
        yield work(job, material)


def threads(
    work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
) -> Iterator[R]:
    """On threads of this process: best for mlp heads, whose compiled code lets go of Python."""
    n = _n(workers, jobs)
    with ThreadPoolExecutor(n, thread_name_prefix="study") as pool:
        yield from _as_finished(pool, lambda job: work(job, material), jobs, n)


def processes(
    work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
) -> Iterator[R]:
    """In processes of their own: each compiles anew, and nothing is shared."""
    # Not forked: JAX's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    n = _n(workers, jobs)
    with ProcessPoolExecutor(
        n, mp_context=context, initializer=_hold, initargs=(work, material)
    ) as pool:
        yield from _as_finished(pool, _do_held, jobs, n)


def ray(
    work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
) -> Iterator[R]:
    """On a Ray cluster: the one that RAY_ADDRESS names, or one made on this machine."""
    from mien.studies.ray_executor import on_ray

    return on_ray(work, jobs, material=material, workers=workers)


EXECUTORS: Final[Mapping[str, Way]] = {
    "threads": threads,
    "serial": serial,
    "processes": processes,
    "ray": ray,
}


def executor(name: str) -> Way:
    """An executor by name.

    Raises:
        RecipeError: There is none of this name.
    """
    if name not in EXECUTORS:
        raise RecipeError(f"unknown executor '{name}', expected one of: {', '.join(EXECUTORS)}", "")
    return EXECUTORS[name]


_held: tuple[Callable[[Any, Any], Any], Any] | None = None


def _hold(work: Callable[[Any, Any], Any], material: Any) -> None:
    global _held
    _held = work, material


def _do_held(job: Any) -> Any:
    assert _held is not None
    work, material = _held
    return work(job, material)


def _as_finished(
    pool: Executor, work: Callable[[J], R], jobs: Sequence[J], workers: int
) -> Iterator[R]:
    """Keep each worker busy with one job waiting behind it, and hand over none before it is asked.

    Not all at once: a caller that stops listening must find most of the jobs not begun, however
    quick they are.
    """
    coming = iter(jobs)
    running: set[Future[R]] = {
        pool.submit(work, job) for job in itertools.islice(coming, 2 * workers)
    }
    try:
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, job) for job in itertools.islice(coming, len(finished))}
            for future in finished:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _n(workers: int | None, jobs: Sequence[Any]) -> int:
    return max(1, min(workers or os.cpu_count() or 1, len(jobs)))
