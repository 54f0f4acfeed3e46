"""Dividing a dataset into training and test photos so that nothing leaks between them.

What belongs together stays together: photos with the same bytes, near copies, and photos of one
person. Such a unit goes to one side whole. Among the divisions that allow that, one is chosen that
keeps each class's share, and then, as far as the numbers allow, each class x group cell's.

Law: `divide` is a pure function of the dataset, the clusters and the seed. A table `splits.csv`
names photos by the SHA-256 of their bytes, so that renaming a file never moves it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from mien.errors import DatasetError
from mien.files import nfc, write_text
from mien.records import Dataset, Photo

Part: TypeAlias = Literal["train", "test"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
TABLE_NAME: Final = "splits.csv"
_HEADER: Final = ("sha256", "split", "path")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_REWRITE: Final = "Write the table with 'mien split'."

# A class must come out right before its cells do: a whole photo too many in a class outweighs the
# squared errors of a hundred cells that are off by a third of a photo each.
_CELL_WEIGHT: Final = 0.01
_RESTARTS: Final = 8
_SWEEPS: Final = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Division:
    """Which photos go where.

    Attributes:
        test: ``(n,)`` True for the test part, in the order of the dataset's photos.
        units: ``(n,)`` photos with the same number had to stay together.
        classes: For each label: photos, test photos, and the ideal number of test photos.
    """

    test: Bool[np.ndarray, " n"]
    units: Int[np.ndarray, " n"]
    classes: Mapping[str, tuple[int, int, float]]


def divide(
    dataset: Dataset,
    *,
    share: float,
    seed: int,
    clusters: Sequence[Sequence[int]] = (),
    person_column: str | None = "person",
    balance: Sequence[str] | None = None,
) -> Division:
    """Choose a test part.

    Args:
        dataset: At least two units in every class.
        share: Of the photos of each class that should be tested on, above 0 and below 1.
        seed: Of the choice among divisions that are equally good.
        clusters: Rows of photos that must stay together, such as near copies.
        person_column: The group column whose equal values must stay together, where there is one.
        balance: Group columns whose cells should keep their share too; all but the person's
            column when None.

    Returns:
        The division; its `classes` say how near to the ideal it came.

    Raises:
        DatasetError: The share is out of range, or a class cannot stand on both sides.
    """
    if not 0 < share < 1:
        raise DatasetError(f"test share is {share}, expected more than 0 and less than 1", "")
    units = join_units(dataset.photos, clusters=clusters, person_column=person_column)
    columns = (
        [c for c in dataset.group_columns if c != person_column] if balance is None else balance
    )
    y = np.array([dataset.classes.index(photo.label or "") for photo in dataset.photos], dtype=int)
    _refuse_whole_classes(dataset.classes, y, units)
    counts, weights, targets = _strata(dataset, y, columns, units, share)
    rng = np.random.default_rng(seed)
    n_classes = len(dataset.classes)
    tries = [_choose(counts, weights, targets, n_classes, rng) for _ in range(_RESTARTS)]
    best = min(tries, key=lambda chosen: _cost(chosen @ counts, weights, targets))
    test = best[units]
    totals = np.bincount(y)
    taken = np.bincount(y[test], minlength=len(totals))
    by_class = {
        label: (int(totals[i]), int(taken[i]), float(share * totals[i]))
        for i, label in enumerate(dataset.classes)
    }
    return Division(test=test, units=units, classes=by_class)


def join_units(
    photos: Sequence[Photo],
    *,
    clusters: Sequence[Sequence[int]] = (),
    person_column: str | None = "person",
) -> Int[np.ndarray, " n"]:
    """Number the units of photos that must stay on one side, from 0.

    Args:
        photos: Equal bytes and equal values of `person_column` belong together.
        clusters: So do the rows in each of these.
        person_column: None where no column names persons.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(photos)
    links: list[tuple[int, int]] = [
        (rows[0], row) for cluster in clusters for rows in [list(cluster)] for row in rows[1:]
    ]
    first: dict[tuple[str, str], int] = {}
    for i, photo in enumerate(photos):
        keys = [("bytes", photo.sha256)]
        if person_column and photo.groups.get(person_column):
            keys.append(("person", photo.groups[person_column]))
        links += [(first.setdefault(key, i), i) for key in keys]
    a, b = np.array(links, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    numbers: Int[np.ndarray, " n"] = connected_components(graph, directed=False)[1].astype(int)
    return numbers


def write_splits(path: Path, *, dataset: Dataset, division: Division) -> None:
    """Freeze a division as a table of content hashes.

    Raises:
        UserError: The file cannot be written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADER)
    for photo, tested in zip(dataset.photos, division.test, strict=True):
        writer.writerow((photo.sha256, "test" if tested else "train", photo.name))
    write_text(path, out.getvalue())


@dataclass(frozen=True, kw_only=True)
class SplitTable:
    """A frozen division as its table tells it.

    Attributes:
        parts: SHA-256 of a photo's bytes to its part.
        names: SHA-256 to the name that the photo had when it was frozen, where the table has one.
    """

    parts: Mapping[str, Part]
    names: Mapping[str, str]

    def of(self, part: Part) -> list[str]:
        """SHA-256 of the photos of one part, in the table's order."""
        return [sha256 for sha256, one in self.parts.items() if one == part]

    def name(self, sha256: str) -> str:
        """What to call a photo of the table in a message."""
        return self.names.get(sha256) or f"{sha256[:12]}…"


def read_splits(path: Path) -> SplitTable:
    """Read a table of splits.

    Raises:
        DatasetError: It cannot be read, is no such table, has no photo on one of the sides, or
            puts one photo on both.
    """
    parts: dict[str, Part] = {}
    names: dict[str, str] = {}
    for line, row in _rows(path):
        sha256, word = row.get("sha256") or "", (row.get("split") or "").strip()
        part = next((part for part in PARTS if part == word), None)
        if part is None or not _SHA256.fullmatch(sha256.strip().lower()):
            raise DatasetError(
                f"'{path}' line {line} is not a photo's sha256 and 'train' or 'test'", _REWRITE
            )
        sha256 = sha256.strip().lower()
        if parts.setdefault(sha256, part) != part:
            raise DatasetError(f"'{path}' line {line} puts one photo on both sides", _REWRITE)
        names.setdefault(sha256, nfc(row.get("path") or ""))
    for part in PARTS:
        if part not in parts.values():
            raise DatasetError(f"'{path}' has no photo whose split is '{part}'", _REWRITE)
    return SplitTable(parts=parts, names=names)


def part_of(dataset: Dataset, *, splits: SplitTable, part: Part) -> Dataset:
    """The photos of one part; photos that the table does not know belong to training.

    A photo that was added later must never slip into a frozen test part.
    """
    return replace(
        dataset,
        photos=tuple(p for p in dataset.photos if splits.parts.get(p.sha256, "train") == part),
    )


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Lines of the table with their numbers, from a file that any program may have saved."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        # A spreadsheet writes semicolons wherever the comma is the decimal sign.
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"cannot read splits '{path}': {what}", _REWRITE) from error


def _refuse_whole_classes(
    classes: Sequence[str], y: Int[np.ndarray, " n"], units: Int[np.ndarray, " n"]
) -> None:
    for i, label in enumerate(classes):
        n_units = len(np.unique(units[y == i]))
        if n_units < 2:
            raise DatasetError(
                f"class '{label}' has {int((y == i).sum())} photos that all belong together, "
                "they cannot stand on both sides",
                "Add photos of other people to the class.",
            )


def _class_targets(y: Int[np.ndarray, " n"], share: float) -> Float[np.ndarray, " c"]:
    """Whole numbers of test photos a class: the nearest to its share that leaves both sides one."""
    totals = np.bincount(y)
    whole = np.floor(share * totals + 0.5)
    ends: Float[np.ndarray, " c"] = np.clip(whole, 1, np.maximum(totals - 1, 1)).astype(float)
    return ends


def _strata(
    dataset: Dataset,
    y: Int[np.ndarray, " n"],
    columns: Sequence[str],
    units: Int[np.ndarray, " n"],
    share: float,
) -> tuple[Float[np.ndarray, "u k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Photos of each unit in each class and each class x group cell, with weights and targets."""
    cells = [tuple(photo.groups.get(c, "") for c in columns) for photo in dataset.photos]
    names = {cell: i for i, cell in enumerate(sorted(set(zip(y.tolist(), cells, strict=True))))}
    cell_of = np.array([names[key] for key in zip(y.tolist(), cells, strict=True)], dtype=int)
    n_classes, n_units = len(dataset.classes), int(units.max()) + 1
    counts = np.zeros((n_units, n_classes + len(names)))
    np.add.at(counts, (units, y), 1)
    np.add.at(counts, (units, n_classes + cell_of), 1)
    targets = counts.sum(axis=0) * share
    targets[:n_classes] = _class_targets(y, share)
    weights = np.full(len(targets), _CELL_WEIGHT)
    weights[:n_classes] = 1.0
    return counts, weights, targets


def _choose(
    counts: Float[np.ndarray, "u k"],
    weights: Float[np.ndarray, " k"],
    targets: Float[np.ndarray, " k"],
    n_classes: int,
    rng: np.random.Generator,
) -> Bool[np.ndarray, " u"]:
    """Fill the test part greedily, large units first, then move and swap units while it helps."""
    # Units with equal rows are exchangeable: kinds of units are compared, not units.
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    chosen = np.zeros(len(counts), dtype=bool)
    now = np.zeros(len(targets))
    for unit in order:
        row = counts[unit]
        # Cost after less cost before, of the strata that the unit touches.
        gain = float(np.sum(weights * row * (2 * (now - targets) + row)))
        if gain < 0:
            chosen[unit] = True
            now += row
    for _ in range(_SWEEPS):
        if not _improve(chosen, now, kinds, kind_of, weights=weights, targets=targets):
            break
    _leave_no_class_out(chosen, counts[:, :n_classes])
    return chosen


def _leave_no_class_out(chosen: Bool[np.ndarray, " u"], counts: Float[np.ndarray, "u c"]) -> None:
    """Move the smallest unit over where a class would stand on one side only."""
    sizes = counts.sum(axis=1)
    for label in range(counts.shape[1]):
        mine = np.flatnonzero(counts[:, label] > 0)
        if chosen[mine].all() or not chosen[mine].any():
            unit = mine[np.argmin(sizes[mine])]
            chosen[unit] = not chosen[unit]


def _improve(
    chosen: Bool[np.ndarray, " u"],
    now: Float[np.ndarray, " k"],
    kinds: Float[np.ndarray, "m k"],
    kind_of: Int[np.ndarray, " u"],
    *,
    weights: Float[np.ndarray, " k"],
    targets: Float[np.ndarray, " k"],
) -> bool:
    """Make the best single move or swap of kinds of units; False where none helps."""
    outside = np.unique(kind_of[~chosen])
    inside = np.unique(kind_of[chosen])
    none = np.zeros((1, kinds.shape[1]))
    adds = np.concatenate([none, kinds[outside]])
    drops = np.concatenate([none, kinds[inside]])
    # With error e = now - target: cost of adding a and dropping b is sum w (e + a - b)^2.
    error = now - targets
    linear = 2 * (adds @ (weights * error))[:, None] - 2 * (drops @ (weights * error))[None]
    squares = (adds**2 @ weights)[:, None] + (drops**2 @ weights)[None]
    change = linear + squares - 2 * (adds * weights) @ drops.T
    best = int(np.argmin(change))
    i, j = np.unravel_index(best, change.shape)
    if change[i, j] >= -1e-9:
        return False
    if i:
        unit = np.flatnonzero(~chosen & (kind_of == outside[i - 1]))[0]
        chosen[unit] = True
        now += kinds[outside[i - 1]]
    if j:
        unit = np.flatnonzero(chosen & (kind_of == inside[j - 1]))[0]
        chosen[unit] = False
        now -= kinds[inside[j - 1]]
    return True


def _cost(
    taken: Float[np.ndarray, " k"],
    weights: Float[np.ndarray, " k"],
    targets: Float[np.ndarray, " k"],
) -> float:
    return float(np.sum(weights * (taken - targets) ** 2))
