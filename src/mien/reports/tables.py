"""What a verb prints on a terminal when nobody asked for JSON.

A view of the verb's JSON document: it is never the source of a number. Law: the sentence that
matters most comes first; text from the user's files is printed as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from mien.image.catalogue import name_of
from mien.reports.terminal import document_of, print_rejects, print_table, tell, terminal

if TYPE_CHECKING:
    from rich.console import Console

# From this width on there is room for everything.
_WIDE_COLUMNS = 100
# Longer lists are cut: the whole stands in the JSON document.
_MOST_WRONG = 12
_MOST_SEEDS = 24


def print_train(record: Any, *, file: IO[str] | None = None) -> None:
    """Print what `mien train` found and where it is."""
    run, out = document_of(record), terminal(file)
    tell(out, run["sentences"])
    if run["test"] and run["test"]["n"] > 1:
        tell(out, [f"Test accuracy: {run['test']['sentence']}."])
    if run["cross_validation"]:
        tell(out, [f"Cross-validation: {run['cross_validation']['sentence']}."])
    _seeds(out, run["seeds"])
    if run["exam"]:
        _exam(out, run["exam"])
    print_rejects(out, run["rejects"])
    tell(out, [f"Model {run['model']}", f"Run   {run['run']}  (see it: mien report {run['run']})"])


def print_test(record: Any, *, file: IO[str] | None = None) -> None:
    """Print the exams of one or more models."""
    test, out = document_of(record), terminal(file)
    results = test["results"]
    if len(results) > 1:
        for result in results:
            if result["shared"]:
                tell(out, [f"{result['model']}: {result['sentences'][0]}"])
        _summary(out, results)
    else:
        tell(out, results[0]["sentences"])
        _exam(out, results[0])
    print_rejects(out, test["rejects"])


def print_compare(record: Any, *, file: IO[str] | None = None) -> None:
    """Print whether two models differ, and on which photos."""
    document, out = document_of(record), terminal(file)
    found = document["comparison"]
    verdict = found["verdict"]
    tell(out, [f"{verdict[0].upper()}{verdict[1:]}."])
    for result in document["results"]:
        if result["shared"]:
            tell(out, [f"{result['model']}: {result['sentences'][0]}"])
    a, b = found["names"]
    tell(out, [f"A: {a}", f"B: {b}"])
    columns = [("photos", False), ("B right", True), ("B wrong", True)]
    rows = [
        ["A right", str(found["both"]), str(found["only_a"])],
        ["A wrong", str(found["only_b"]), str(found["neither"])],
    ]
    print_table(out, title="Photo by photo", columns=columns, rows=rows)
    gap = found["difference"]
    tell(out, [f"Difference: {_signed(gap['value'])} points, {_ends(gap)} ({gap['method']})"])
    for name, paths in (("A", found["paths_only_a"]), ("B", found["paths_only_b"])):
        if paths:
            tell(out, [f"Only {name} is right:", *(f"  {path}" for path in paths)])
    print_rejects(out, document["rejects"])


def print_reproduce(record: Any, *, file: IO[str] | None = None) -> None:
    """Print a published study beside what its recipe and ours give."""
    document, out = document_of(record), terminal(file)
    tell(out, document["sentences"])
    for sweep in document["sweeps"]:
        _sweep(out, sweep, n_test=document["n_test"])
    columns = [
        ("recipe", False),
        ("test", True),
        ("least to most", True),
        ("cross-validated", True),
    ]
    rows = [
        [
            one["name"],
            _spread(one["seeds"]),
            f"{100 * one['seeds']['min']:.0f} to {100 * one['seeds']['max']:.0f} %",
            _percent(one["cross_validation"]["mean"]),
        ]
        for one in (document["its_recipe"], document["ours"])
    ]
    print_table(out, title="Its recipe and ours", columns=columns, rows=rows)
    print_rejects(out, document["rejects"])


def _sweep(out: Console, sweep: Mapping[str, Any], *, n_test: int) -> None:
    columns = [
        (sweep["setting"].replace("_", " "), True), ("printed", True), ("its model", True),
        ("over seeds", True), ("least to most", True), ("as good", True), ("held-out", True),
    ]  # fmt: skip
    rows = [
        [
            f"{point['value']:.5f}".rstrip("0").rstrip("."),
            _percent(point["printed"]),
            "–" if point["measured"] is None else f"{point['measured_correct']} of {n_test}",
            _spread(point["seeds"]),
            f"{100 * point['seeds']['min']:.0f} to {100 * point['seeds']['max']:.0f} %",
            _percent(point["at_least_printed"]),
            "–" if point["held_out"] is None else _spread(point["held_out"]),
        ]
        for point in sweep["points"]
    ]
    print_table(out, title=f"Accuracy against {columns[0][0]}", columns=columns, rows=rows)
    tell(out, [sweep["sentence"], ""])


def _spread(summary: Mapping[str, Any]) -> str:
    if summary["sd"] is None:
        return _percent(summary["mean"])
    return f"{_percent(summary['mean'])} ± {100 * summary['sd']:.0f}"


def print_predict(record: Any, *, file: IO[str] | None = None) -> None:
    """Print one line a photo: its class and probability, or why there is none."""
    said, out = document_of(record), terminal(file)
    width = max((len(photo["predicted"] or "–") for photo in said["photos"]), default=0)
    for photo in said["photos"]:
        if photo["predicted"] is None:
            line = f"{'–':<{width}}    –   {photo['path']}: {photo['reason']}"
        else:
            prob = photo["probs"][photo["predicted"]]
            line = f"{photo['predicted']:<{width}}  {100 * prob:3.0f} %  {photo['path']}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _seeds(out: Console, seeds: Sequence[Mapping[str, Any]]) -> None:
    if len(seeds) < 2:
        return
    shown = seeds[:_MOST_SEEDS]
    tested = any(seed["test_accuracy"] is not None for seed in seeds)
    columns = [
        ("seed", True),
        ("held-out", True),
        *([("test", True)] if tested else []),
        ("", False),
    ]
    rows = [
        [
            str(seed["seed"]),
            _percent(seed["validation_accuracy"]),
            *([_percent(seed["test_accuracy"])] if tested else []),
            f"diverged: {seed['diverged']}" if seed["diverged"] else "",
        ]
        for seed in shown
    ]
    rest = len(seeds) - len(shown)
    title = "Seeds" + (f" (first {len(shown)} of {len(seeds)})" if rest else "")
    print_table(out, title=title, columns=columns, rows=rows)


def _exam(out: Console, exam: Mapping[str, Any]) -> None:
    _scores(out, exam)
    _classes(out, exam)
    _groups(out, exam)
    _confusion(out, exam["confusion"])
    _wrong(out, exam)


def _scores(out: Console, exam: Mapping[str, Any]) -> None:
    rows = [
        ["accuracy", f"{exam['correct']} of {exam['n']}", *_estimate(exam["accuracy"])],
        ["balanced accuracy", "", *_estimate(exam["balanced_accuracy"])],
        ["macro F1", "", *_estimate(exam["macro_f1"])],
    ]
    columns = [("score", False), ("right", True), ("", True), ("95 % interval", True)]
    print_table(out, title="Scores", columns=columns, rows=rows, after=_baselines(exam, skip=1))


def _baselines(exam: Mapping[str, Any], *, skip: int) -> list[list[str]]:
    """Rows for what can be had without looking, with `skip` empty cells before the rate."""
    rows = []
    for baseline in exam["baselines"]:
        name = "guessing" if baseline["label"] is None else f"always {baseline['label']}"
        rows.append([name, *[""] * skip, _percent(baseline["accuracy"]), ""])
    return rows


def _classes(out: Console, exam: Mapping[str, Any]) -> None:
    """Each class; a narrow terminal has no room for the second interval."""
    ends = 2 if out.width >= _WIDE_COLUMNS else 1
    columns = [
        ("class", False), ("right", True), ("recall", True), ("95 % interval", True),
        ("answered", True), *[("precision", True), ("95 % interval", True)][:ends], ("F1", True),
    ]  # fmt: skip
    rows = [
        [
            score["label"],
            f"{score['correct']} of {score['n']}",
            *_estimate(score["recall"], n=score["n"]),
            str(score["n_predicted"]),
            *_estimate(score["precision"], n=score["n_predicted"])[:ends],
            f"{100 * score['f1']:.0f} %",
        ]
        for score in exam["per_class"]
    ]
    print_table(out, title="Classes", columns=columns, rows=rows)


def _groups(out: Console, exam: Mapping[str, Any]) -> None:
    if not exam["per_group"]:
        return
    missed = any(score["n_unanswered"] for score in exam["per_group"])
    columns = [("group", False), ("", False), ("right", True), ("", True), ("95 % interval", True)]
    rows = [
        [
            score["column"],
            score["value"] or "(not given)",
            f"{score['correct']} of {score['n']}",
            *_estimate(score["accuracy"], n=score["n"]),
            *([str(score["n_unanswered"])] if missed else []),
        ]
        for score in exam["per_group"]
    ]
    if missed:
        columns.append(("no answer", True))
    print_table(out, title="Groups", columns=columns, rows=rows)
    # Pairs too small to say anything of would bury those that do: they stand in the JSON document.
    pairs = [pair for gap in exam["gaps"] for pair in gap["pairs"] if pair["gap"] is not None]
    tell(out, [f"  {pair['sentence']}" for pair in pairs])


def _confusion(out: Console, confusion: Mapping[str, Any]) -> None:
    labels, missed = confusion["labels"], any(confusion["no_answer"])
    columns = [("true class", False), *[(label, True) for label in labels]]
    if missed:
        columns.append(("no answer", True))
    rows = [
        [label, *(str(n) if n else "·" for n in counts), *([str(none)] if missed else [])]
        for label, counts, none in zip(
            labels, confusion["matrix"], confusion["no_answer"], strict=True
        )
    ]
    print_table(
        out, title="Answers (columns) to photos of each class (rows)", columns=columns, rows=rows
    )


def _wrong(out: Console, exam: Mapping[str, Any]) -> None:
    if not exam["wrong"]:
        return
    photos = {photo["path"]: photo for photo in exam["photos"]}
    lines = []
    for path in exam["wrong"][:_MOST_WRONG]:
        photo = photos[path]
        if photo["predicted"] is None:
            lines.append(f"  {path}: no answer, {photo['reason']}")
        else:
            lines.append(f"  {path}: {photo['predicted']} ({100 * max(photo['probs']):.0f} %)")
    rest = len(exam["wrong"]) - len(lines)
    tell(out, ["Wrong, surest first:", *lines, *([f"  and {rest} more"] if rest else []), ""])


def _summary(out: Console, results: Sequence[Mapping[str, Any]]) -> None:
    first, title, names = _names(results)
    columns = [
        (first, False), ("right", True), ("accuracy", True), ("95 % interval", True),
        ("balanced", True), ("macro F1", True),
    ]  # fmt: skip
    missed = any(result["unanswered"] for result in results)
    if missed:
        columns.append(("no answer", True))
    rows = [
        [
            name,
            f"{result['correct']} of {result['n']}",
            *_estimate(result["accuracy"]),
            _percent(result["balanced_accuracy"]["value"]),
            _percent(result["macro_f1"]["value"]),
            *([str(len(result["unanswered"]) or "·")] if missed else []),
        ]
        for name, result in zip(names, results, strict=True)
    ]
    after = [[*row, *[""] * (len(columns) - len(row))] for row in _baselines(results[0], skip=1)]
    print_table(out, title=title, columns=columns, rows=rows, after=after)


def _names(results: Sequence[Mapping[str, Any]]) -> tuple[str, str, list[str]]:
    """What tells results apart: the heading, the table's title, and a name for each.

    A model that was asked in several ways is told apart by them; the first one is its own.
    """
    models = [result["model"] for result in results]
    several = list(dict.fromkeys(models))
    if len(several) == len(models):
        return "model", f"{len(models)} models", models
    seen: set[str] = set()
    ways = []
    for result in results:
        way = name_of(result["preprocessing"])
        own = result["model"] not in seen
        seen.add(result["model"])
        ways.append((f"its own: {way}" if way else "its own") if own else way or "as asked")
    if len(several) == 1:
        return "preprocessing", f"{several[0]}, looking in {len(ways)} ways", ways
    both = [f"{model} · {way}" for model, way in zip(models, ways, strict=True)]
    return "model · preprocessing", f"{len(several)} models, each in several ways", both


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "−")


def _ends(estimate: Mapping[str, Any]) -> str:
    return f"95 % interval {_signed(estimate['low'])} to {_signed(estimate['high'])}"


def _estimate(estimate: Mapping[str, Any] | None, *, n: int = 0) -> tuple[str, str]:
    """Value and interval, or that it cannot be said."""
    if estimate is None:
        return "–", "no photos" if n == 0 else "too few"
    return (
        f"{100 * estimate['value']:.0f} %",
        f"{100 * estimate['low']:.0f} to {100 * estimate['high']:.0f} %",
    )
