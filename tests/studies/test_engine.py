from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mien.errors import RecipeError, UserError
from mien.head.recipe import Recipe
from mien.studies.engine import carry_out
from mien.studies.executors import EXECUTORS, executor, serial, threads
from mien.studies.grid import Cell, cells_of
from mien.studies.jobs import Material, Run, jobs_of
from mien.studies.store import PLAN, Store

SEEDS = range(3)


@pytest.fixture
def cells(logistic: Recipe) -> tuple[Cell, ...]:
    return cells_of(logistic, [{"inner_folds": (2, 3)}])


def store_in(folder: Path, material: str = "m") -> Store:
    return Store.open(folder, material=material, plan={"seeds": 3})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "runs").iterdir()}


def stopping_after(n: int) -> Any:
    """An executor that is interrupted after so many jobs."""

    def way(
        work: Callable[[Any, Any], Any], jobs: Sequence[Any], *, material: Any, workers: int | None
    ) -> Iterator[Any]:
        for number, result in enumerate(
            serial(work, jobs, material=material, workers=workers), start=1
        ):
            yield result
            if number == n:
                raise KeyboardInterrupt

    return way


def test_a_study_cut_short_goes_on_to_the_same_result(
    tmp_path: Path, tested: Material, cells: tuple[Cell, ...]
) -> None:
    jobs = jobs_of(cells, seeds=SEEDS)
    whole = carry_out(jobs, material=tested, store=store_in(tmp_path / "whole"), way=serial)
    with pytest.raises(KeyboardInterrupt):
        carry_out(jobs, material=tested, store=store_in(tmp_path / "cut"), way=stopping_after(2))
    assert len(files(tmp_path / "cut")) == 2
    told: list[tuple[str, int, int]] = []
    again = carry_out(
        jobs,
        material=tested,
        store=store_in(tmp_path / "cut"),
        way=serial,
        progress=lambda *what: told.append(what),
    )
    assert again == whole
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    assert told == [("study", n, 6) for n in (2, 3, 4, 5, 6)]


def test_finished_runs_are_not_done_again(
    tmp_path: Path, tested: Material, cells: tuple[Cell, ...]
) -> None:
    jobs = jobs_of(cells, seeds=SEEDS)
    first = carry_out(jobs, material=tested, store=store_in(tmp_path), way=serial)

    def idle(work: Any, jobs: Sequence[Any], *, material: Any, workers: Any) -> Iterator[Any]:
        assert not jobs
        return iter(())

    assert carry_out(jobs, material=tested, store=store_in(tmp_path), way=idle) == first


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_every_executor_gives_the_same_runs(
    name: str, tmp_path: Path, tested: Material, cells: tuple[Cell, ...]
) -> None:
    jobs = jobs_of(cells, seeds=SEEDS)
    one_by_one = carry_out(jobs, material=tested, store=store_in(tmp_path / "a"), way=serial)
    other = carry_out(
        jobs, material=tested, store=store_in(tmp_path / "b"), way=executor(name), workers=2
    )
    assert other == one_by_one


def test_an_interrupt_on_threads_begins_nothing_more() -> None:
    begun: list[int] = []

    def work(job: int, material: None) -> int:
        begun.append(job)
        return job

    for _ in threads(work, range(1000), material=None, workers=1):
        break
    assert len(begun) < 10


def test_an_unknown_executor_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="unknown executor 'dask', expected one of: threads"):
        executor("dask")
    assert set(EXECUTORS) == {"threads", "serial", "processes", "ray"}


def test_without_ray_it_is_said_how_to_install_it(
    tmp_path: Path, tested: Material, cells: tuple[Cell, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RecipeError, match=r"pip install 'mien\[ray\]'"):
        carry_out(
            jobs_of(cells, seeds=[0]),
            material=tested,
            store=store_in(tmp_path),
            way=executor("ray"),
        )


def test_a_folder_of_other_photos_is_refused(tmp_path: Path) -> None:
    store_in(tmp_path, "m")
    with pytest.raises(UserError, match="a study of other photos"):
        store_in(tmp_path, "other")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("private")
    with pytest.raises(UserError, match="is not empty and holds no study"):
        store_in(tmp_path)
    assert (tmp_path / "diary.txt").read_text() == "private"


def test_a_plan_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text('{"version": 99}')
    with pytest.raises(UserError, match="not a plan that this version of mien"):
        store_in(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", '{"predicted": 3, "history": null}'])
def test_a_file_that_is_no_run_is_named(text: str, tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    store = store_in(tmp_path)
    path = tmp_path / "runs" / f"{cells[0].key}-0.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(UserError, match="is not a run of a study"):
        store.known(jobs_of(cells, seeds=[0]))


def test_a_run_under_another_name_is_refused(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    store = store_in(tmp_path)
    run = Run(
        cell=cells[0].key,
        seed=0,
        predicted=(1,),
        validation_accuracy=None,
        n_validation=0,
        diverged=None,
    )
    store.keep(run)
    kept = tmp_path / "runs" / f"{cells[0].key}-0.json"
    assert json.loads(kept.read_text())["seed"] == 0
    kept.rename(kept.with_name(f"{cells[1].key}-0.json"))
    with pytest.raises(UserError, match="holds another run than its name says"):
        store.known(jobs_of(cells[1:], seeds=[0]))
