"""M101: files that are no usable photo."""

from __future__ import annotations

from mien.audits.findings import Check, Finding, some
from mien.audits.view import View
from mien.words import count


class Unusable(Check):
    """Every file that was left out, with its reason."""

    code = "M101"
    title = "Unusable files"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Pass the rejects on."""
        train = view.train.dataset.rejects
        test = view.test.dataset.rejects if view.test else ()
        if not train and not test:
            return self.passed("Every file could be used.")
        reasons = [f"'{reject.path}' {reject.reason}" for reject in (*train, *test)]
        return self.found(
            "issue",
            f"{count(len(reasons), 'file')} could not be used: {some(reasons)}.",
            photos=[reject.path for reject in train],
            test_photos=[reject.path for reject in test],
            details={"reasons": {reject.path: reject.reason for reject in (*train, *test)}},
        )
