"""M602: classes that are only among the training or only among the test photos."""

from __future__ import annotations

from mien.audits.findings import Check, Finding
from mien.audits.view import View


class TestClasses(Check):
    """The two folders' classes."""

    code = "M602"
    title = "Classes of training and test photos"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Compare them."""
        if view.test is None:
            return self.not_applicable("no test photos were given (--test)")
        train, test = set(view.train.dataset.classes), set(view.test.dataset.classes)
        strange, absent = sorted(test - train), sorted(train - test)
        if not strange and not absent:
            return self.passed("Training and test photos have the same classes.")
        words = []
        if strange:
            words.append(f"only among the test photos: {', '.join(strange)}")
        if absent:
            words.append(f"only among the training photos: {', '.join(absent)}")
        return self.found(
            "issue" if strange else "hint",
            f"Classes {'; '.join(words)}. A class that is not tested has no score; one that is not "
            "trained cannot be named.",
            details={"only_test": strange, "only_train": absent},
        )
