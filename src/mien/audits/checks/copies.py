"""M301 to M303 and M305: photos that are there twice.

Within a class, across classes, and across training and test photos.
"""

from __future__ import annotations

from collections.abc import Callable

from mien.audits.findings import Check, Finding, Pair, some
from mien.audits.twins import Twin
from mien.audits.view import View
from mien.records import Photo
from mien.words import count

Row = tuple[str, Photo]


class _Copies(Check):
    def pairs(self, view: View, wanted: Callable[[Row, Row, bool], bool]) -> list[Pair]:
        """Pairs of near copies that are `wanted`: asked both rows and whether bytes are equal."""
        found = []
        for twin in view.twins:
            a, b = view.photos[twin.first], view.photos[twin.second]
            same = a[1].sha256 == b[1].sha256
            if wanted(a, b, same):
                found.append(_pair(a, b, twin, same=same))
        return sorted(found, key=lambda pair: (pair.distance, pair.first, pair.second))


class ExactCopies(_Copies):
    """Files with the same bytes under one label."""

    code = "M301"
    title = "Exact copies"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Name the pairs."""
        pairs = self.pairs(
            view, lambda a, b, same: same and a[0] == b[0] and a[1].label == b[1].label
        )
        if not pairs:
            return self.passed("No file is there twice in one class.")
        return self.found(
            "issue",
            f"{count(len(pairs), 'pair')} of files with the same bytes in one class: "
            f"{_some_pairs(pairs)}. Delete one of each: it counts twice.",
            pairs=pairs,
            photos=_names(pairs, "train"),
            test_photos=_names(pairs, "test"),
        )


class NearCopies(_Copies):
    """The same picture saved, sized, cropped, lit or mirrored otherwise, under one label."""

    code = "M302"
    title = "Near copies"
    severity = "medium"

    def run(self, view: View) -> Finding:
        """Name the pairs."""
        pairs = self.pairs(
            view, lambda a, b, same: not same and a[0] == b[0] and a[1].label == b[1].label
        )
        if not pairs:
            return self.passed("No photo is there in another form in the same class.")
        return self.found(
            "issue",
            f"{count(len(pairs), 'pair')} of near copies in one class: {_some_pairs(pairs)}. "
            "Delete one of each, or keep them on one side of every split.",
            pairs=pairs,
            photos=_names(pairs, "train"),
            test_photos=_names(pairs, "test"),
        )


class TwoLabels(_Copies):
    """The same picture under two labels: one of them is wrong."""

    code = "M303"
    title = "One photo under two labels"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Name the pairs, also those between training and test photos."""
        pairs = self.pairs(view, lambda a, b, _: a[1].label != b[1].label)
        if not pairs:
            return self.passed("No photo stands under two labels.")
        return self.found(
            "issue",
            f"{count(len(pairs), 'pair')} of copies under two labels: {_some_pairs(pairs)}. One of "
            "the labels is wrong: decide, and delete the other.",
            pairs=pairs,
            photos=_names(pairs, "train"),
            test_photos=_names(pairs, "test"),
        )


class Leak(_Copies):
    """Test photos that are training photos too, in any form."""

    code = "M305"
    title = "Test photos among the training photos"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Name the pairs, and test photos that a model was trained on."""
        if view.test is None:
            return self.not_applicable("no test photos were given (--test)")
        pairs = self.pairs(view, lambda a, b, _: a[0] != b[0])
        known = [
            photo.name for photo in view.test.dataset.photos if photo.sha256 in view.trained_on
        ]
        leaked = sorted({*_names(pairs, "test"), *known})
        if not leaked:
            return self.passed("No test photo is among the training photos, in any form.")
        n = len(view.test.dataset.photos)
        return self.found(
            "issue",
            f"{len(leaked)} of {n} test photos are training photos too: "
            f"{_some_pairs(pairs) or some(leaked)}. A score on them says nothing: take them out of "
            "one side.",
            pairs=pairs,
            photos=_names(pairs, "train"),
            test_photos=leaked,
            details={"in_the_model": known},
        )


def _pair(a: Row, b: Row, twin: Twin, *, same: bool) -> Pair:
    return Pair(
        first=a[1].name,
        second=b[1].name,
        first_in="train" if a[0] == "train" else "test",
        second_in="train" if b[0] == "train" else "test",
        how="same bytes" if same else twin.how,
        distance=0.0 if same else twin.distance,
    )


def _names(pairs: list[Pair], side: str) -> list[str]:
    names = [p.first for p in pairs if p.first_in == side]
    names += [p.second for p in pairs if p.second_in == side]
    return list(dict.fromkeys(names))


def _some_pairs(pairs: list[Pair]) -> str:
    return some([f"{p.first} = {p.second} ({p.how})" for p in pairs], most=2)
