"""M402: labels that models do not believe."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audits.findings import Check, Finding, count, some
from mien.audits.view import View

# Suspected in more than half of the dealings: a single deal can be unlucky.
_OFTEN: Final = 0.5
# And another class has, on average, more than all others together.
_SURE: Final = 0.5
# Where the models are hardly better than guessing, their doubt says little.
_LEAST_LIFT: Final = 0.1


class LabelDoubt(Check):
    """Confident learning over repeated cross-validation, ranked."""

    code = "M402"
    title = "Doubtful labels"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Rank the photos whose label other photos contradict."""
        found = view.doubt
        if view.no_embeddings:
            return self.skipped(view.no_embeddings)
        if found is None:
            return self.not_applicable("a class has fewer than 4 photos with an embedding")
        part, classes = view.train, view.train.dataset.classes
        names = [part.names[row] for row in part.embedded]
        often = found.suspect.mean(axis=0)
        mean, spread = found.probs.mean(axis=0), found.probs.std(axis=0)
        chance = np.bincount(found.y).max() / len(found.y)
        accuracy = float(found.accuracy.mean())
        believed = mean[np.arange(len(mean)), found.other]
        doubtful = (often > _OFTEN) & (believed > _SURE)
        order = [i for i in np.argsort(found.rank_score, kind="stable") if doubtful[i]]
        ranked = [
            {
                "photo": names[i],
                "label": classes[found.y[i]],
                "thinks": classes[found.other[i]],
                "prob_label": round(float(mean[i, found.y[i]]), 3),
                "prob_thinks": round(float(mean[i, found.other[i]]), 3),
                "sd": round(float(spread[i, found.other[i]]), 3),
                "suspected_in": round(float(often[i]), 2),
            }
            for i in order
        ]
        details = {"ranked": ranked, "out_of_fold_accuracy": accuracy, "largest_class": chance}
        if not ranked:
            return self.found("passed", "No label is in doubt.", details=details)
        weak = accuracy < chance + _LEAST_LIFT
        words = some([f"{r['photo']} (rather '{r['thinks']}')" for r in ranked])
        sentence = (
            f"{count(len(ranked), 'label')} in doubt: {words}. Look at them, most doubtful first; "
            f"models that had not seen them are right in {accuracy:.0%} of all photos"
        )
        sentence += ", hardly more than guessing, so their doubt is weak." if weak else "."
        return self.found(
            "hint", sentence, photos=[str(r["photo"]) for r in ranked], details=details
        )
