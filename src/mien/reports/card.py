"""The model card of a run, in Markdown: what the model is for, what it saw, how good it is.

A view of the run's JSON document: it is never the source of a number. Law: every score stands with
its count and interval; names from the user's files cannot break out of their table cell.

Source: M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def model_card(run: Mapping[str, Any]) -> str:
    """The card of a run.

    Args:
        run: The document of `mien train`.
    """
    exam, folds = run["exam"], run["cross_validation"]
    parts = [
        _purpose(run),
        _photos(run),
        _sources(run.get("sources")),
        _recipe(run),
        "## Scores\n\n" + _bullets(run["sentences"]),
        _seeds(run),
        _folds(folds) if folds else "",
        _classes(exam) if exam else "",
        _groups(exam) if exam and exam["per_group"] else "",
        _limits(run),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _purpose(run: Mapping[str, Any]) -> str:
    classes = ", ".join(f"*{_safe(label)}*" for label in run["classes"])
    return f"""# Model card

Sorts a photo into one of: {classes}. It names the class that the photo looks like among the photos
it was trained on; about an expression in the photo it says how it looks, not what a person feels.

Meant for learning how such models are made and how far they can be trusted, and for the uses that
the people in the photos have agreed to."""


def _photos(run: Mapping[str, Any]) -> str:
    rows = [(_safe(label), str(n)) for label, n in run["classes"].items()]
    return f"""## Training photos

{_table(["class", "photos"], rows)}

{run["n_photos"]} photos, digest `{run["fingerprint"][:16]}`. Their labels were given by people and
were not checked here."""


def _sources(sources: Mapping[str, Any] | None) -> str:
    if not sources:
        return ""
    rows = [(_safe(licence), str(n)) for licence, n in sources["by_licence"].items()]
    if sources["n_unknown"]:
        rows.append(("*source not recorded*", str(sources["n_unknown"])))
    where = ", ".join(f"{n} from {_safe(name)}" for name, n in sources["by_source"].items())
    return f"""### Where they are from

{where}.

{_table(["licence", "photos"], rows)}

`sources.csv` in the run folder names creator and page of each; `mien sources RUN --credits` prints
the credits that licences ask for."""


def _recipe(run: Mapping[str, Any]) -> str:
    recipe = run["recipe"]
    calibrated = "calibrated" if recipe["calibrate"] else "not calibrated"
    return f"""## Recipe

`{recipe["name"]}`: head `{recipe["head"]}` on the frozen backbone `{run["backbone"]["name"]}`
(sha256 `{run["backbone"]["sha256"][:16]}`), photos seen as `{recipe["preprocessing"]}`; seed
{run["saved_seed"]}; probabilities {calibrated}; mien {run["mien"]}."""


def _seeds(run: Mapping[str, Any]) -> str:
    test = run["test"]
    if test is None or test["n"] < 2:
        return ""
    return f"Test accuracy over seeds: {test['sentence']}."


def _folds(folds: Mapping[str, Any]) -> str:
    rows = [
        (_safe(part["name"]), str(part["n"]), _rate(part["accuracy"]))
        for part in [*folds["per_class"], *folds["per_group"]]
    ]
    return f"""### By cross-validation on the training photos

{folds["sentence"]}.

{_table(["part", "photos", "accuracy (95 %)"], rows)}"""


def _classes(exam: Mapping[str, Any]) -> str:
    rows = [
        (
            _safe(score["label"]),
            f"{score['correct']} of {score['n']}",
            _rate(score["recall"]),
            _rate(score["precision"]),
        )
        for score in exam["per_class"]
    ]
    return "### Test photos by class\n\n" + _table(
        ["class", "right", "recall (95 %)", "precision (95 %)"], rows
    )


def _groups(exam: Mapping[str, Any]) -> str:
    rows = [
        (
            _safe(f"{score['column']} {score['value'] or '(not given)'}"),
            f"{score['correct']} of {score['n']}",
            _rate(score["accuracy"]),
            str(score["n_unanswered"]),
        )
        for score in exam["per_group"]
    ]
    table = _table(["group", "right", "accuracy (95 %)", "no answer"], rows)
    pairs = [pair["sentence"] for gap in exam["gaps"] for pair in gap["pairs"]]
    return "\n\n".join(
        part for part in ["### Test photos by group", table, _bullets(map(_safe, pairs))] if part
    )


def _limits(run: Mapping[str, Any]) -> str:
    exam = run["exam"]
    said = [
        "Scores hold for photos like the test photos, not for other cameras, places or people."
        if exam
        else "Nothing is known of new photos: there was no test.",
        "It answers for every photo, also for one that shows none of its classes.",
    ]
    if exam and exam["shared"]:
        said.insert(0, exam["sentences"][0])
    return f"""## Limits

{_bullets(said)}

## Not for

- Inferring emotions of people at work or in education: forbidden in the EU (AI Act, Regulation (EU)
  2024/1689, Art. 5(1)(f)).
- Any decision about a person: hiring, policing, insurance, health, border control.
- Photos of people who have not agreed to it."""


def _rate(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return "cannot be said"
    ends = f"{100 * estimate['low']:.0f} to {100 * estimate['high']:.0f}"
    return f"{100 * estimate['value']:.0f} % ({ends})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _safe(name: str) -> str:
    """A name as text: nothing in it is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|#&])", r"\\\1", " ".join(name.split()))
