"""The process of one job: call the verb, write down what happens, write down the answer.

    python -m mien.studio.worker .mien/jobs/ID.json

Law: the record is replaced last and as a whole. A job that was cancelled meanwhile stays cancelled.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from mien.errors import UserError
from mien.files import read_json, write_json
from mien.records import Progress, Say, plain

Verb: TypeAlias = Callable[[Mapping[str, Any], Progress, Say], Any]
# A progress line at most this often: the page asks twice a second.
_SECONDS: Final = 0.2


def train(arguments: Mapping[str, Any], progress: Progress, say: Say) -> Any:
    """`mien train`."""
    from mien.workflows.train import train as work

    return work(**arguments, progress=progress, say=say)


def sample(arguments: Mapping[str, Any], progress: Progress, say: Say) -> Any:  # noqa: ARG001
    """Draw the sample into the project."""
    from mien.dataset.drawn import draw_dataset

    drawn = draw_dataset(Path(arguments["folder"]), n_per_class=arguments["n_per_class"],
                         seed=arguments["seed"], progress=progress)  # fmt: skip
    return {"n_photos": len(drawn.photos)}


def exam(arguments: Mapping[str, Any], progress: Progress, say: Say) -> Any:  # noqa: ARG001
    """`mien test` of one model on a known set; kept with the project, so that the look counts."""
    from mien.studio.exams import Exams
    from mien.workflows.test import test

    exams = Exams(Path(arguments["root"]))
    test_set = exams.find_set(arguments["set"])
    record = test(arguments["model"], photos=test_set.folder, progress=progress).plain()
    exam_id = exams.keep(
        test_set=test_set,
        model=arguments["model"],
        run=arguments["run"],
        result={**record["results"][0], "rejects": record["rejects"]},
    )
    return {"exam": exam_id}


VERBS: Final[dict[str, Verb]] = {
    "train": train,
    "sample": sample,
    "exam": exam,
}


def main(path: Path) -> None:
    """Carry out the job of this record."""
    record = read_json(path, what="job record")
    write_json(path, {**record, "pid": os.getpid()})
    try:
        with path.with_suffix(".jsonl").open("a", encoding="utf-8") as events:
            outcome = _outcome(record, _progress(events), lambda text: _tell(events, say=text))
    except BaseException:
        # Our own bug: the page says so, the terminal and the record have the traceback.
        _end(path, {"state": "failed", "bug": traceback.format_exc()})
        raise
    _end(path, outcome)


def _end(path: Path, outcome: Mapping[str, Any]) -> None:
    record = read_json(path, what="job record")
    if record["state"] == "running":
        write_json(path, {**record, **outcome, "ended": time.time()})


def _outcome(record: Mapping[str, Any], progress: Progress, say: Say) -> dict[str, Any]:
    try:
        answer = VERBS[record["verb"]](record["arguments"], progress, say)
    except UserError as error:
        return {"state": "failed", "error": {"message": error.message, "hint": error.hint}}
    body = answer.plain() if hasattr(answer, "plain") else plain(answer)
    return {"state": "done", "answer": body}


def _progress(events: Any) -> Progress:
    latest = {"stage": "", "time": 0.0}

    def progress(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        is_last = total > 0 and done >= total
        if stage == latest["stage"] and not is_last and now - float(latest["time"]) < _SECONDS:
            return
        latest.update(stage=stage, time=now)
        _tell(events, stage=stage, done=done, total=total)

    return progress


def _tell(events: Any, **event: Any) -> None:
    events.write(json.dumps({"at": time.time(), **event}, ensure_ascii=False) + "\n")
    events.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
