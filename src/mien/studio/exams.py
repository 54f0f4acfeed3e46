"""A project's exams: which test photos there are, who was judged on them, and what came of it.

::

    .mien/exams/sets.json     the folders of test photos, in the order in which they were added
    .mien/exams/ID.json       one exam: what `mien test --json` prints for one model, and when

Laws: test photos are plain folders of class folders outside the project, so the command line can
use them too; a set is told by its photos' bytes, so that a look at it counts wherever it lies and
whatever it is called. An exam is never changed and never deleted. Looks are counted in one place,
by `mien test`, beside the test photos: the studio only reads that count.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.dataset.folder import read_dataset
from mien.dataset.splits import part_of, read_splits
from mien.digest import digest_text
from mien.errors import UserError
from mien.exam import Exam, compare, examine
from mien.files import nfc, read_json, write_json
from mien.records import Dataset, Progress, no_progress, plain
from mien.studio.errors import StudioError
from mien.studio.journal import Change, new_id
from mien.studio.project import Project, free_name
from mien.workflows.exams import FILE_NAME as LOOKS_NAME
from mien.workflows.exams import fingerprint, looks_at
from mien.workflows.split import split

_ID: Final = re.compile(r"[0-9a-f]{16}")
_EXAM_ID: Final = re.compile(r"\d{13}-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """A folder of test photos.

    Attributes:
        id: Of its place, for addresses.
        folder: Where it lies.
        name: What the page calls it.
        n: Photos in it; 0 where it cannot be read now.
        classes: Photos of each class.
        fingerprint: Over its photos' bytes.
        looks: How many exams were taken on these very photos.
        trouble: Why it cannot be used now, None where it can.
    """

    id: str
    folder: Path
    name: str
    n: int
    classes: Mapping[str, int]
    fingerprint: str
    looks: int
    trouble: str | None


def freeze(root: Path, *, share: float, progress: Progress = no_progress) -> int:
    """Move a share of the photos in `root` to the test photos beside it; returns how many.

    Near copies and photos of one person stay together (`mien split`). It is one change of the
    journal: undo brings all of them back.
    """
    project, target = Project.open(root), Exams(root).own_folder
    table = project.private / "exams" / "splits.csv"
    split(root, test=share, out=table, progress=progress)
    chosen = part_of(read_dataset(root), splits=read_splits(table), part="test")
    with project.journal.turn():
        taken = {p.relative_to(target).as_posix() for p in target.glob("*/*") if p.is_file()}
        moves = []
        for photo in chosen.photos:
            free = free_name(f"{photo.label}/{photo.path.name}", taken)
            taken.add(free)
            here = photo.path.relative_to(project.root).as_posix()
            moves.append((here, f"../{target.name}/{free}"))
        words: dict[str, str | int] = {"n": len(moves)}
        project.journal.do(Change(id=new_id(), kind="freeze", words=words, moves=tuple(moves)))
    return len(moves)


class Exams:
    """The exams of one project.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".mien" / "exams"
        self._known: dict[Path, tuple[str, Dataset]] = {}

    @property
    def own_folder(self) -> Path:
        """Where dropped and frozen test photos go: beside the project, as plain class folders."""
        return self._root.parent / f"{self._root.name}-test"

    def sets(self) -> list[TestSet]:
        """Every known folder of test photos, as it is now."""
        return [self._set(folder) for folder in self.folders()]

    def folders(self) -> list[Path]:
        """Where the known test photos lie."""
        folders = self._listed()
        if self.own_folder.is_dir() and str(self.own_folder) not in folders:
            folders = [str(self.own_folder), *folders]
        return [Path(folder) for folder in folders]

    def find_set(self, set_id: str) -> TestSet:
        """The set with this id.

        Raises:
            UserError: There is none.
        """
        for one in self.sets():
            if one.id == set_id:
                return one
        raise UserError(f"there are no test photos '{set_id}'", "Choose them again.")

    def add_set(self, folder: Path) -> TestSet:
        """Take a folder of class folders as test photos.

        Raises:
            UserError: It is the project itself, or no folder of class folders.
        """
        folder = folder.expanduser().absolute()
        resolved, own = folder.resolve(), self._root.resolve()
        if resolved == own or resolved.is_relative_to(own) or own.is_relative_to(resolved):
            raise UserError(
                f"'{folder}' holds the training photos or lies among them",
                "Choose a folder with photos that no model has seen.",
            )
        read_dataset(folder, min_classes=1)
        listed = self._listed()
        if str(folder) not in listed:
            write_json(self._folder / "sets.json", [*listed, str(folder)])
        return self.find_set(_set_id(folder))

    def all(self) -> list[dict[str, Any]]:
        """Every exam without its photos, the latest first."""
        return [_short(self.read(exam_id)) for exam_id in self._ids()]

    def read(self, exam_id: str) -> dict[str, Any]:
        """One exam, whole.

        Raises:
            StudioError: There is none with this id.
        """
        path = self._folder / f"{exam_id}.json"
        if not _EXAM_ID.fullmatch(exam_id) or not path.is_file():
            raise StudioError("exam_gone")
        exam: dict[str, Any] = read_json(path, what="exam")
        return exam

    def compare(self, a: str, b: str) -> dict[str, Any]:
        """Compare two exams on the same photos.

        Raises:
            UserError: They were taken on different photos.
        """
        one, other = self.read(a), self.read(b)
        names = (f"A ({one['run']})", f"B ({other['run']})")
        result: dict[str, Any] = plain(compare(_scored(one), _scored(other), names=names))
        return result

    def photo(self, set_id: str, name: str) -> Path:
        """Where a test photo lies that was in an exam.

        Raises:
            StudioError: No exam had it: sealed photos are not shown.
        """
        if not any(
            exam["set"] == set_id and any(one["path"] == name for one in exam["result"]["photos"])
            for exam in map(self.read, self._ids())
        ):
            raise StudioError("photo_gone", name=name)
        dataset = read_dataset(self.find_set(set_id).folder, min_classes=1)
        for photo in dataset.photos:
            if photo.name == name:
                return photo.path
        raise StudioError("photo_gone", name=name)

    def keep(
        self, *, test_set: TestSet, model: str, run: str, look: int, result: Mapping[str, Any]
    ) -> str:
        """Keep an exam, which `mien test` counted as this look; returns its id."""
        exam_id = f"{int(time.time() * 1000):013d}-{digest_text(model, test_set.id)[:8]}"
        exam = {
            "id": exam_id,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "set": test_set.id,
            "set_name": test_set.name,
            "fingerprint": test_set.fingerprint,
            "look": look,
            "model": model,
            "run": run,
            "result": plain(result),
        }
        write_json(self._folder / f"{exam_id}.json", exam)
        return exam_id

    def _ids(self) -> list[str]:
        found = sorted((path.stem for path in self._folder.glob("*-*.json")), reverse=True)
        return [exam_id for exam_id in found if _EXAM_ID.fullmatch(exam_id)]

    def _listed(self) -> list[str]:
        path = self._folder / "sets.json"
        listed: list[str] = read_json(path, what="list of test photos") if path.is_file() else []
        return listed

    def _set(self, folder: Path) -> TestSet:
        trouble, n_looks = None, 0
        dataset = Dataset(root=folder, classes=(), photos=())
        try:
            dataset = self._read_set(folder)
            looks = looks_at(dataset)
            n_looks = looks.n_exams if looks else 0
        except UserError as error:
            trouble = str(error)
        return TestSet(
            id=_set_id(folder),
            folder=folder,
            name=nfc(folder.name),
            n=len(dataset.photos),
            classes={
                label: sum(photo.label == label for photo in dataset.photos)
                for label in dataset.classes
            },
            fingerprint=fingerprint(dataset),
            looks=n_looks,
            trouble=trouble,
        )

    def _read_set(self, folder: Path) -> Dataset:
        """The set's photos; read again only when a file in the folder changed."""
        stamp = _stamp(folder)
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, read_dataset(folder, min_classes=1))
            self._known[folder] = known
        return known[1]


def _stamp(folder: Path) -> str:
    """Changes with any file of the folder but the record of looks, which is no photo."""
    facts = []
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # taken away since it was listed
            status = path.stat()
            if path.name != LOOKS_NAME and not path.is_dir():
                facts.append(f"{path}\0{status.st_mtime_ns}\0{status.st_size}")
    return digest_text(*facts)


def _set_id(folder: Path) -> str:
    return digest_text(str(folder))[:16]


def _short(exam: Mapping[str, Any]) -> dict[str, Any]:
    score = {key: exam["result"][key] for key in ("n", "correct", "accuracy")}
    return {key: exam[key] for key in exam if key != "result"} | score


def _scored(exam: Mapping[str, Any]) -> Exam:
    """The record of an exam, scored again from the answers that were kept."""
    result = exam["result"]
    photos = result["photos"]
    missing = [np.nan] * len(result["confusion"]["labels"])
    return examine(
        labels=result["confusion"]["labels"],
        y_true=[photo["label"] for photo in photos],
        probs=np.array([photo["probs"] or missing for photo in photos], dtype=np.float32),
        paths=[photo["path"] for photo in photos],
        unanswered={i: p["reason"] or "" for i, p in enumerate(photos) if p["probs"] is None},
    )
