"""Do jobs on a Ray cluster; the only file that knows Ray, which is an extra (``mien[ray]``).

The material goes into the cluster's object store once, and every job refers to it. Law: as in
`executors`; a job whose machine dies is done again by Ray, with the same result.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from mien.errors import RecipeError

M = TypeVar("M")
J = TypeVar("J")
R = TypeVar("R")


def on_ray(
    work: Callable[[J, M], R], jobs: Sequence[J], *, material: M, workers: int | None
) -> Iterator[R]:
    """Give each job's result as it is finished.

    Args:
        work: What is done, ``work(job, material)``.
        jobs: Independent of each other.
        material: The same for all.
        workers: At most so many at once; as many as the cluster takes where None.

    Raises:
        RecipeError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise RecipeError(
            "executor 'ray' needs the package ray, which is not installed",
            "Install it with: pip install 'mien[ray]'.",
        ) from error
    mine = not ray.is_initialized()
    if mine:
        _join_or_start(ray)
    try:
        yield from _results(ray, work, jobs, material=ray.put(material), workers=workers)
    finally:
        if mine:
            ray.shutdown()


def _join_or_start(ray: Any) -> None:
    # Ray reports its use to its makers unless told not to; mien sends nothing unasked.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if os.environ.get("RAY_ADDRESS"):
        ray.init(logging_level=logging.WARNING, log_to_driver=False)
        return
    ray.init(
        logging_level=logging.WARNING,
        log_to_driver=False,
        include_dashboard=False,
        # A cluster of this machine alone is nobody else's business.
        _node_ip_address="127.0.0.1",
    )


def _results(
    ray: Any, work: Callable[..., Any], jobs: Sequence[Any], *, material: Any, workers: int | None
) -> Iterator[Any]:
    remote = ray.remote(num_cpus=1)(work)
    waiting: list[Any] = list(reversed(jobs))
    running: list[Any] = []
    at_once = workers or len(jobs)
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(remote.remote(waiting.pop(), material))
        finished, running = ray.wait(running, num_returns=1)
        try:
            result = ray.get(finished[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None  # as it would have come on this machine
        yield result
