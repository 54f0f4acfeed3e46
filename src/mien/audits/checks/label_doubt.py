"""M402: labels that models do not believe."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mien.audits.doubt import Doubt
from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.words import count, percent

# The chance that a label is wrong, were one in twenty wrong: at least four times that of any label
# is worth a look, more than a half is likely.
_WORTH_A_LOOK: Final = 0.2
_LIKELY: Final = 0.5
# Where the models are hardly better than guessing, their doubt says little.
_LEAST_LIFT: Final = 0.1


class LabelDoubt(Check):
    """Labels that other photos contradict, over repeated cross-validation, ranked."""

    code = "M402"
    title = "Doubtful labels"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Rank the photos whose label other photos contradict."""
        found = view.doubt
        if view.no_embeddings:
            return self.skipped(view.no_embeddings)
        if found is None:
            return self.not_applicable(view.why_no_doubt)
        ranked = _ranked(view, found)
        likely = [row for row in ranked if row["chance_wrong"] >= _LIKELY]
        chance = float(np.bincount(found.y).max() / len(found.y))
        accuracy = float(found.accuracy.mean())
        details = {
            "ranked": ranked, "likely_wrong": len(likely), "out_of_fold_accuracy": accuracy,
            "largest_class": chance, "share_of_faces": found.share,
        }  # fmt: skip
        if not ranked:
            return self.found("passed", "No label is in doubt.", details=details)
        words = some([f"{row['photo']} (rather '{row['thinks']}')" for row in ranked])
        n = len(likely)
        sentence = (
            f"{count(len(ranked), 'label')} in doubt, {n} of them likelier wrong than right were "
            f"one label in twenty wrong: {words}. Look at them, most doubtful first; models that "
            f"had not seen them are right in {percent(accuracy)} of all photos"
        )
        weak = accuracy < chance + _LEAST_LIFT
        sentence += ", hardly more than guessing, so their doubt is weak." if weak else "."
        return self.found(
            "hint", sentence, photos=[str(row["photo"]) for row in ranked], details=details
        )


def _ranked(view: View, found: Doubt) -> list[dict[str, Any]]:
    """The doubtful labels, most doubtful first, with how sure that is."""
    part, classes = view.train, view.train.dataset.classes
    often = found.suspect.mean(axis=0)
    mean, spread = found.probs.mean(axis=0), found.probs.std(axis=0)
    chance_wrong = view.wrong_label_chances
    doubtful = (found.rank_score < 0) & (chance_wrong >= _WORTH_A_LOOK)
    return [
        {
            "photo": part.names[part.embedded[i]],
            "label": classes[found.y[i]],
            "thinks": classes[found.other[i]],
            "prob_label": round(float(mean[i, found.y[i]]), 3),
            "prob_thinks": round(float(mean[i, found.other[i]]), 3),
            "sd": round(float(spread[i, found.other[i]]), 3),
            "suspected_in": round(float(often[i]), 2),
            "chance_wrong": round(float(chance_wrong[i]), 2),
        }
        for i in np.argsort(found.rank_score, kind="stable").tolist()
        if doubtful[i]
    ]
