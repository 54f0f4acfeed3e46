"""M603: how often the test set was looked at, and what luck that allows."""

from __future__ import annotations

from typing import Final

from mien.audits.findings import Check, Finding
from mien.audits.view import View
from mien.stats.luck import expected_best
from mien.words import count, percent

_MANY: Final = 5


class LooksTaken(Check):
    """Models judged on the test photos, and the best that luck alone would give."""

    code = "M603"
    title = "Looks at the test set"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Say how many models were judged."""
        if view.test is None:
            return self.not_applicable("no test photos were given (--test)")
        looks = view.looks
        if looks is None or looks.n_exams == 0:
            return self.passed("No exam on these test photos is on record.")
        best = expected_best(looks.n_models, n=looks.n, share=looks.mean_share)
        words = (
            f"{count(looks.n_models, 'model')} judged on these test photos in "
            f"{count(looks.n_exams, 'exam')}; mean accuracy {percent(looks.mean_share)}, best "
            f"{percent(looks.best_correct / looks.n)}. Of {count(looks.n_models, 'model')} equally "
            f"good, the best would be expected at {percent(best)} by luck alone."
        )
        details = {"looks": looks, "expected_best": best}
        if looks.n_models >= _MANY:
            return self.found(
                "hint", words + " Judge the last one on photos that no choice was made on.",
                details=details,
            )  # fmt: skip
        return self.found("passed", words, details=details)
