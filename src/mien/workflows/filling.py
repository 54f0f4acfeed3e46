"""A quota's table, filled: searches are spent where cells are emptiest.

Knows nothing of what is said at the end.
"""

from __future__ import annotations

from collections import Counter

from mien.collecting import Collector, Gathered
from mien.collecting.inventory import count_cells
from mien.collecting.quota import Cell, Quota
from mien.errors import FetchError
from mien.records import Progress, Say


def fill(collector: Collector, quota: Quota, *, progress: Progress, say: Say) -> list[Gathered]:
    """Spend searches where cells are emptiest, until all are full or nothing is left to search.

    Args:
        collector: Open, of the dataset's folder.
        quota: The wanted table.
        progress: Told pictures.
        say: Told which cell is searched for, and which source fails.

    Returns:
        What each search gave.

    Raises:
        FetchError: No source can be asked.
    """
    counts = Counter(count_cells(collector.into))
    left = {cell: quota.searches(cell) for cell in quota.wanted}
    done: list[Gathered] = []
    failed: dict[str, FetchError] = {}
    while lacking := {cell: n for cell, n in quota.lacking(counts).items() if cell in left}:
        cell, lack = next(iter(lacking.items()))
        search = next(left[cell], None)
        if search is None:
            del left[cell]
            continue
        if search.source in failed:
            continue
        before = collector.gathered(search).usable
        say(f"{_cell_name(cell)} lacks {lack}: {search.source}, “{search.query}”.")
        try:
            gathered = collector.run(search, limit=quota.limit, target=lack, progress=progress)
        except FetchError as error:
            failed[search.source] = error
            if set(failed) == set(quota.sources) and not done:
                raise
            say(f"{error} {search.source} is not asked any more in this run.")
            continue
        counts[cell] += gathered.usable - before
        done.append(gathered)
    return done


def _cell_name(cell: Cell) -> str:
    label, groups = cell
    return ", ".join([label, *(value for _, value in groups)])
