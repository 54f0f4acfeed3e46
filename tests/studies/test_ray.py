"""The Ray executor on a real cluster of this machine: its own, and one that is there already.

In a process of its own: Ray leaves sockets and processes to the garbage collector, which pytest
takes for our faults.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ray

from mien.errors import DatasetError
from mien.head.recipe import recipe_from
from mien.records import plain
from mien.studies.executors import executor
from mien.studies.grid import cells_of
from mien.studies.jobs import Embeddings, Material, do, jobs_of, look_of
from mien.studies.ray_executor import on_ray

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_cluster_of_its_own_gives_the_same_runs_and_is_closed(told: dict[str, object]) -> None:
    assert told["same"]
    assert told["closed"]


def test_nothing_is_reported_to_the_makers_of_ray(told: dict[str, object]) -> None:
    assert told["usage"] == "0"


def test_a_cluster_that_is_there_is_used_and_left_running(told: dict[str, object]) -> None:
    assert told["elsewhere"]
    assert told["left"]


def test_an_error_on_a_worker_reaches_the_user_as_it_was(told: dict[str, object]) -> None:
    assert told["error"] == ["DatasetError", "photo 1 is gone", "Add photos."]


def _process_of(job: int, material: None) -> int:
    return os.getpid()


def _stumble(job: int, material: None) -> None:
    raise DatasetError(f"photo {job} is gone", "Add photos.")


def _main() -> None:
    rng, y = np.random.default_rng(0), np.arange(30) % 3
    recipe = recipe_from("teachable-machine", hidden_units=8, epochs=3)
    look = Embeddings(
        train=rng.normal(size=(30, 12)).astype(np.float32),
        train_mirrored=None,
        test=rng.normal(size=(9, 12)).astype(np.float32),
        test_mirrored=None,
    )
    material = Material(looks={look_of(recipe): look}, y=y, n_classes=3, folds=3)
    jobs = jobs_of(cells_of(recipe, [{"head": ("mlp", "logistic")}]), seeds=range(3))

    def runs_of(name: str) -> list[object]:
        found = executor(name)(do, jobs, material=material, workers=2)
        return sorted((plain(run) for runs in found for run in runs), key=json.dumps)

    told: dict[str, object] = {"same": runs_of("ray") == runs_of("serial")}
    told["closed"] = not ray.is_initialized()
    told["usage"] = os.environ["RAY_USAGE_STATS_ENABLED"]
    ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1")
    told["elsewhere"] = os.getpid() not in on_ray(_process_of, [1, 2], material=None, workers=None)
    try:
        list(on_ray(_stumble, [1], material=None, workers=1))
    except DatasetError as error:
        told["error"] = [type(error).__name__, error.message, error.hint]
    told["left"] = ray.is_initialized()
    ray.shutdown()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _main()
