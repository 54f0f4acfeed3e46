"""The process of one job: call the verb, write down what happens, write down the answer.

    python -m mien.studio.worker .mien/jobs/ID.json

Laws: the record is replaced last and as a whole. A job that was cancelled meanwhile stays
cancelled. Where the disk is too full even for the record, the exit code says so.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

from mien.errors import UserError
from mien.files import read_json, write_json
from mien.records import plain
from mien.studio.errors import DISK_FULL, DISK_FULL_EXIT, StudioError, from_disk, is_full

# A progress line at most this often: the page asks twice a second.
_SECONDS: Final = 0.2


class Tell:
    """Writes what happens into the job's events: sentences, progress, points of curves."""

    def __init__(self, events: TextIO) -> None:
        self._events = events
        self._stage = ""
        self._time = 0.0

    def __call__(self, **event: Any) -> None:
        """Write one event."""
        self._events.write(json.dumps({"at": time.time(), **event}, ensure_ascii=False) + "\n")
        self._events.flush()

    def say(self, sentence: str) -> None:
        """As a `Say`."""
        self(say=sentence)

    def progress(self, stage: str, done: int, total: int) -> None:
        """As a `Progress`."""
        now = time.monotonic()
        is_last = total > 0 and done >= total
        if stage == self._stage and not is_last and now - self._time < _SECONDS:
            return
        self._stage, self._time = stage, now
        self(stage=stage, done=done, total=total)


Verb: TypeAlias = Callable[[Mapping[str, Any], Tell], Any]


def train(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien train`."""
    from mien.workflows.train import train as work

    folds = arguments["cross_validate"]
    return work(
        arguments["photos"],
        recipe=arguments["recipe"],
        seeds=arguments["seeds"],
        cross_validate=None if folds is None else (folds[0], folds[1]),
        out=arguments["out"],
        progress=tell.progress,
        say=tell.say,
        watch=lambda seed, history: tell(curve={"seed": seed, **plain(history)}),
        **arguments["settings"],
    )


def sample(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """Draw the sample into the project."""
    from mien.dataset.drawn import draw_dataset

    drawn = draw_dataset(Path(arguments["folder"]), n_per_class=arguments["n_per_class"],
                         seed=arguments["seed"], progress=tell.progress)  # fmt: skip
    return {"n_photos": len(drawn.photos)}


def exam(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien test` of one model on a known set, which counts the look; kept with the project."""
    from mien.studio.exams import Exams
    from mien.workflows.test import test

    exams = Exams(Path(arguments["root"]))
    test_set = exams.find_set(arguments["set"])
    record = test(arguments["model"], photos=test_set.folder, progress=tell.progress).plain()
    exam_id = exams.keep(
        test_set=test_set,
        model=arguments["model"],
        run=arguments["run"],
        look=record["looks"]["n_exams"],
        result={**record["results"][0], "rejects": record["rejects"]},
    )
    return {"exam": exam_id}


def audit(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien audit`."""
    from mien.studio.neighbours import nearest_photos
    from mien.workflows.audit import audit as work

    photos = Path(arguments["photos"])
    record = plain(work(photos, test=arguments["test"], progress=tell.progress, say=tell.say))
    doubtful = [
        one["photo"] for found in record["findings"] for one in found["details"].get("ranked", ())
    ]
    return {**record, "neighbours": nearest_photos(photos, doubtful, progress=tell.progress)}


def study(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien study`."""
    from mien.workflows.report import report
    from mien.workflows.study import study as work

    record = work(**arguments, progress=tell.progress, say=tell.say)
    report(arguments["out"], progress=tell.progress, say=tell.say)
    return record


def freeze(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien split`, and the test part moved beside the project."""
    from mien.studio.exams import freeze as work

    n = work(Path(arguments["root"]), share=arguments["share"], progress=tell.progress)
    return {"n": n}


def export(arguments: Mapping[str, Any], tell: Tell) -> Any:
    """`mien export`."""
    from mien.workflows.export import export as work

    return work(
        arguments["model"],
        to=arguments["to"],
        out=arguments["out"],
        photos=arguments["photos"],
        language=arguments["language"],
        progress=tell.progress,
    )


VERBS: Final[dict[str, Verb]] = {
    "train": train,
    "sample": sample,
    "exam": exam,
    "audit": audit,
    "study": study,
    "export": export,
    "freeze": freeze,
}


def main(path: Path) -> None:
    """Carry out the job of this record."""
    record = read_json(path, what="job record")
    write_json(path, {**record, "pid": os.getpid()})
    try:
        with path.with_suffix(".jsonl").open("a", encoding="utf-8") as events:
            outcome = _outcome(record, Tell(events))
    except OSError as error:
        if not is_full(error):
            _end_by_bug(path)
            raise
        outcome = {"state": "failed", "error": DISK_FULL}
    except BaseException:
        _end_by_bug(path)
        raise
    try:
        _end(path, outcome)
    except UserError as error:
        if not is_full(error):
            raise
        # The server tells by this what it cannot read in the record.
        sys.exit(DISK_FULL_EXIT)


def _end_by_bug(path: Path) -> None:
    """Our own bug: the page says so, the terminal and the record have the traceback."""
    _end(path, {"state": "failed", "bug": traceback.format_exc()})


def _end(path: Path, outcome: Mapping[str, Any]) -> None:
    record = read_json(path, what="job record")
    if record["state"] == "running":
        write_json(path, {**record, **outcome, "ended": time.time()})


def _outcome(record: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    try:
        answer = VERBS[record["verb"]](record["arguments"], tell)
    except UserError as error:
        told = from_disk(error)
        said: dict[str, Any] = {"message": told.message, "hint": told.hint}
        if isinstance(told, StudioError):
            said |= {"code": told.code, "values": told.values}
        return {"state": "failed", "error": said}
    body = answer.plain() if hasattr(answer, "plain") else plain(answer)
    return {"state": "done", "answer": body}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
