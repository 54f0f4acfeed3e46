"""What to use and what to collect next, from a run's record, its photos' names, and an audit.

Law: advice follows from a number that it names; nothing is trained, and no picture is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mien.audits.tables import NO_GROUPS, CollectNext, collect_next, count_table
from mien.audits.view import table_columns
from mien.dataset.folder import read_dataset
from mien.errors import UserError
from mien.files import read_json
from mien.stats import n_for_width
from mien.words import count, percent

# Photos of each class below which advice is to collect more test photos of it: with fewer, a rate's
# interval spans more than half of the scale.
FEW_TEST_PHOTOS: Final = 10
# More findings than this are read in the audit's own page.
_MOST_FINDINGS: Final = 4
_MOST_CELLS: Final = 4
_SEVERITIES: Final = ("high", "medium", "low")


def advise(
    run: Mapping[str, Any], *, train: Path, audit: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Advice on a run, most important first.

    Args:
        run: Its record.
        train: The folder of its training photos; advice on its table is left out where it is gone.
        audit: The document of `mien audit` of that folder, where there is one.
    """
    found = () if audit is None else _findings(audit)
    return (*_advice(run), *_lacks(train), *found)


def read_audit(path: Path) -> Mapping[str, Any]:
    """Read the JSON document of an audit.

    Raises:
        UserError: It is none.
    """
    document = read_json(path, what="document of an audit")
    if not isinstance(document, dict) or not isinstance(document.get("findings"), list):
        raise UserError(
            f"'{path}' is not the document of an audit",
            f"Make one with: mien audit PHOTOS --json > {path.name}",
        )
    return document


def _findings(audit: Mapping[str, Any]) -> list[str]:
    """What is wrong with the photos, by the audit, worst first."""
    issues = [one for one in audit["findings"] if one["outcome"] == "issue"]
    issues.sort(key=lambda one: _SEVERITIES.index(one["severity"]))
    said = [f"Audit, {one['code']}: {one['sentence']}" for one in issues[:_MOST_FINDINGS]]
    if len(issues) > _MOST_FINDINGS:
        said.append(f"{len(issues) - _MOST_FINDINGS} more issues are in the audit.")
    return said or ["The audit finds no issue with the photos."]


def _lacks(train: Path) -> list[str]:
    """Which cells of the table of classes and groups are emptiest."""
    try:
        dataset = read_dataset(train)
    except UserError:
        return []
    table = count_table(dataset, table_columns(dataset))
    lacks: CollectNext = collect_next(table)
    if not lacks.cells:
        return []
    named = [
        f"{lack.label}{'' if lack.group == NO_GROUPS else f' {lack.group}'} +{lack.add}"
        for lack in lacks.cells[:_MOST_CELLS]
    ]
    rest = len(lacks.cells) - len(named)
    more = f" and a few of {count(rest, 'other cell')}" if rest else ""
    return [f"For an even table of training photos, collect {', '.join(named)}{more}."]


def _advice(run: Mapping[str, Any]) -> list[str]:
    """What to use and what to collect next."""
    exam = run["exam"]
    if exam is None:
        return [
            "Collect test photos that the training has not seen: without them nothing is known "
            "of new photos."
        ]
    said = [_more_photos(exam)]
    few = [score["label"] for score in exam["per_class"] if score["n"] < FEW_TEST_PHOTOS]
    if few:
        said.append(
            f"Classes with fewer than {FEW_TEST_PHOTOS} test photos cannot be told apart well: "
            f"{', '.join(few)}."
        )
    weak = _weakest(exam["per_class"])
    if weak:
        said.append(weak)
    return [*said, *_starved(run)]


def _more_photos(exam: Mapping[str, Any]) -> str:
    accuracy, n = exam["accuracy"], exam["n"]
    width = accuracy["high"] - accuracy["low"]
    needed = n_for_width(0.1, share=accuracy["value"])
    if needed <= n:
        return f"The test set is large enough: its interval is {100 * width:.0f} points wide."
    return (
        f"Collect test photos first: {count(n, 'photo')} leave an interval {100 * width:.0f} "
        f"points wide; {needed:,} would narrow it to 10."
    )


def _weakest(scores: Sequence[Mapping[str, Any]]) -> str | None:
    said = [score for score in scores if score["recall"] is not None]
    if len(said) < 2:
        return None
    worst, best = (pick(said, key=lambda score: score["recall"]["value"]) for pick in (min, max))
    if worst["recall"]["value"] == best["recall"]["value"]:
        return None
    return (
        f"Then training photos of '{worst['label']}': {percent(worst['recall']['value'])} of its "
        f"test photos are recognised, the least of all classes."
    )


def _starved(run: Mapping[str, Any]) -> list[str]:
    counts = run["classes"]
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if 2 * counts[least] > counts[most]:
        return []
    return [f"'{least}' has {counts[least]} training photos, '{most}' has {counts[most]}."]
