"""M601: what a score on these test photos can say at best."""

from __future__ import annotations

from collections import Counter
from typing import Final

from mien.audits.findings import Check, Finding
from mien.audits.view import View, balance_columns, group_values
from mien.stats.intervals import wilson
from mien.stats.paired import mcnemar_p
from mien.stats.planning import least_discordant, n_for_width
from mien.words import percent

_WIDE: Final = 0.2
_SHARE: Final = (
    0.7  # an accuracy as expressions in the wild are told; the width hardly depends on it
)


class TestSize(Check):
    """Intervals at an accuracy of 70 %, and the least difference that exact McNemar can show."""

    code = "M601"
    title = "Size of the test set"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Work out intervals, overall, by class and by group."""
        if view.test is None:
            return self.not_applicable("no test photos were given (--test)")
        photos = view.test.dataset.photos
        n = len(photos)
        if n == 0:
            return self.not_applicable("there is no usable test photo")
        whole = _width(n)
        least = least_discordant()
        groups = {
            column: {
                value: {"n": m, "width": _width(m)}
                for value, m in Counter(v for v in group_values(photos, column) if v).items()
            }
            for column in balance_columns(view.test.dataset)
        }
        classes = Counter(photo.label or "" for photo in photos)
        details = {
            "n": n,
            "width": whole,
            "per_class": {c: {"n": m, "width": _width(m)} for c, m in classes.items()},
            "per_group": groups,
            "least_difference_photos": least if least <= n else None,
            "least_difference": least / n if least <= n else None,
            "p_one_photo_less": mcnemar_p(only_a=least - 1, only_b=0),
            "n_for_10_points": n_for_width(0.1, share=_SHARE),
        }
        fewest = min(classes, key=lambda label: classes[label])
        words = (
            f"{n} test photos give an interval {percent(whole)} wide at best; of '{fewest}' "
            f"({classes[fewest]}) {percent(_width(classes[fewest]))} wide. Two models must differ "
            f"by {least} photos ({percent(least / n)}) before exact McNemar can call it evidence"
        )
        if least > n:
            words = f"{n} test photos: no difference between two models could ever be shown"
        if whole > _WIDE:
            more = f". {details['n_for_10_points']} photos would give 10 points."
            return self.found("issue", words + more, details=details)
        return self.found("passed", words + ".", details=details)


def _width(n: int) -> float:
    interval = wilson(_SHARE * n, n)
    return round(interval.high - interval.low, 4)
