"""Do what a study still lacks, and keep each run the moment it is finished.

Knows jobs, a store and a way to work; no photos, no statistics. Law: a study that was killed and
begun again ends with the same runs as one that was not; runs that are on the disk are not done
again.
"""

from __future__ import annotations

from collections.abc import Sequence

from mien.blas import one_blas_thread
from mien.records import Progress, no_progress
from mien.studies.executors import Way
from mien.studies.jobs import Job, Material, Run, do
from mien.studies.store import Store


def carry_out(
    jobs: Sequence[Job],
    *,
    material: Material,
    store: Store,
    way: Way,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> dict[tuple[str, int], Run]:
    """Do the jobs that are not on the disk.

    Args:
        jobs: All of the study's.
        material: What they work on.
        store: Holds finished runs, and is given each new one.
        way: An executor.
        workers: For the executor.
        progress: Told runs; those on the disk count as done.

    Returns:
        All runs of the jobs, by cell and seed.
    """
    runs = store.known(jobs)
    missing = [job for job in jobs if any((c.key, job.seed) not in runs for c in job.cells)]
    total = sum(len(job.cells) for job in jobs)
    progress("study", len(runs), total)
    with one_blas_thread():
        for finished in way(do, missing, material=material, workers=workers):
            for run in finished:
                # A run that was known came out again on the way to a missing mark: the same.
                store.keep(run)
                runs[run.cell, run.seed] = run
            progress("study", len(runs), total)
    return runs
