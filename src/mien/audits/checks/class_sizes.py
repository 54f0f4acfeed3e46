"""M201: classes of very different size."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audits.findings import Check, Finding
from mien.audits.view import View
from mien.words import count

_HINT: Final = 1.5
_ISSUE: Final = 3.0
# With fewer, one photo is more than five points of the class's recall.
_FEW: Final = 20


class ClassSizes(Check):
    """The ratio of the largest class to the smallest, and classes with few photos."""

    code = "M201"
    title = "Classes of different size"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Compare counts."""
        classes = view.train.dataset.classes
        counts = np.bincount(view.train.y, minlength=len(classes))
        by_class = {label: int(n) for label, n in zip(classes, counts, strict=True)}
        least, most = classes[int(counts.argmin())], classes[int(counts.argmax())]
        words = f"'{most}' has {count(int(counts.max()), 'photo')}, '{least}' {int(counts.min())}"
        sizes = words
        if counts.max() == counts.min():
            sizes = f"each class has {count(int(counts.max()), 'photo')}"
        ratio = counts.max() / max(1, counts.min())
        few = [label for label, n in by_class.items() if n < _FEW]
        if ratio >= _HINT:
            outcome = "issue" if ratio >= _ISSUE else "hint"
            return self.found(
                "issue" if outcome == "issue" else "hint",
                f"Classes differ in size: {words}. A model leans to the larger class; add photos "
                "to the smaller one.",
                details={"counts": by_class},
            )
        if few:
            return self.found(
                "hint",
                f"Few photos: {sizes}. Below {_FEW} a class, one photo is more than five points.",
                details={"counts": by_class},
            )
        return self.passed(f"Classes are of like size: {sizes}.", counts=by_class)
