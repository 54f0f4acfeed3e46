"""M501 to M505: the class, or a group, told from what should not matter."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float

from mien.audits.findings import Check, Finding
from mien.audits.shortcut import Shortcut, one_hot, tell
from mien.audits.view import View, balance_columns, group_values
from mien.words import percent

# Of the shuffles, none may do as well (199 of them: p = 0.005), and the lift over chance must be
# worth a word: it is this share of what lies between chance and certainty.
_P: Final = 0.005
_LIFT: Final = 0.1
_LEAST_PHOTOS: Final = 20
_LEAST_PER_VALUE: Final = 5


class _ShortcutCheck(Check):
    severity = "high"
    what: str

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """Features of the training photos; None where they do not vary."""
        raise NotImplementedError

    def run(self, view: View) -> Finding:
        """Try to tell the class and each group from the features."""
        part = view.train
        if len(part.facts) < _LEAST_PHOTOS:
            return self.not_applicable(f"fewer than {_LEAST_PHOTOS} photos")
        features = self.features(view)
        if features is None or not np.any(np.nanstd(features, axis=0) > 0):
            return self.not_applicable(f"{self.what} is the same everywhere")
        targets = {"class": [photo.label or "" for photo in part.dataset.photos]}
        targets |= {c: group_values(part.dataset.photos, c) for c in balance_columns(part.dataset)}
        results: dict[str, Shortcut] = {}
        for number, (name, words) in enumerate(targets.items()):
            values = np.array(words)
            kinds, sizes = np.unique(values[values != ""], return_counts=True)
            known = np.isin(values, kinds[sizes >= _LEAST_PER_VALUE])
            if len(set(values[known])) > 1:
                results[name] = tell(
                    features[known],
                    labels=np.unique(values[known], return_inverse=True)[1],
                    units=view.units[known],
                    rng=np.random.default_rng((view.seed, int(self.code[1:]), number)),
                )
        if not results:
            return self.not_applicable("no class has 5 photos")
        return self._say(results)

    def _say(self, results: dict[str, Shortcut]) -> Finding:
        told = [
            name for name, r in results.items()
            if r.p <= _P and r.score - r.chance >= _LIFT * (1 - r.chance)
        ]  # fmt: skip
        words = "; ".join(
            f"{name} {percent(r.score)} ({percent(r.low)} to {percent(r.high)}, "
            f"chance {percent(r.chance)})"
            for name, r in results.items()
        )
        details = {"targets": results}
        if not told:
            return self.found(
                "passed", f"From {self.what} alone nothing is told: {words}.", details=details
            )
        # That a group shows in the background is worth knowing; that the class does is a fault.
        return self.found(
            "issue" if "class" in told else "hint",
            f"{self.what[0].upper()}{self.what[1:]} alone tells the {' and the '.join(told)}: "
            f"{words}. A model may learn that instead; mix the sources of the photos.",
            details=details,
        )


class FileType(_ShortcutCheck):
    """Format and ending of the file."""

    code = "M501"
    title = "Shortcut: file type"
    what = "the file's type"

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """One column a format and ending."""
        part = view.train
        words = [
            f"{fact.format} {photo.path.suffix.lower()}"
            for photo, fact in zip(part.dataset.photos, part.facts, strict=True)
        ]
        return one_hot(words) if len(set(words)) > 1 else None


class Size(_ShortcutCheck):
    """Pixels, bytes, and bytes a pixel."""

    code = "M502"
    title = "Shortcut: size and shape"
    what = "the picture's size and shape"

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """Logarithms of width, height and bytes; aspect; bytes a pixel."""
        rows = [
            (
                np.log(f.width_px), np.log(f.height_px), np.log(f.size_bytes),
                np.log(f.aspect), np.log(f.size_bytes / (f.width_px * f.height_px)),
            )
            for f in view.train.facts
        ]  # fmt: skip
        sizes = {(f.width_px, f.height_px) for f in view.train.facts}
        # Of pictures of one size, bytes say how busy they are, and that is the picture itself.
        return np.array(rows) if len(sizes) > 1 else None


class Source(_ShortcutCheck):
    """A group column that names where photos are from."""

    code = "M503"
    title = "Shortcut: source"
    what = "the photo's source"

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """One column a source."""
        dataset = view.train.dataset
        names = [c for c in dataset.group_columns if c.casefold() in _SOURCES]
        if not names:
            return None
        return np.concatenate([one_hot(group_values(dataset.photos, c)) for c in names], axis=1)

    def run(self, view: View) -> Finding:
        """Say so where no column names a source."""
        if self.features(view) is None:
            return self.not_applicable("no group column named 'source', 'site' or 'camera'")
        return super().run(view)


class Background(_ShortcutCheck):
    """The colours of the picture's border, the face left out."""

    code = "M504"
    title = "Shortcut: background"
    what = "the background"

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """Colours of border cells, over all cells and one by one."""
        cells = np.stack([fact.background for fact in view.train.facts]).astype(float)
        n = len(cells)
        by_cell = cells.reshape(n, -1, 3)
        with np.errstate(all="ignore"):
            known = np.isfinite(by_cell).any(axis=1)
            total = np.nansum(by_cell, axis=1) / np.maximum(np.isfinite(by_cell).sum(axis=1), 1)
        mean = np.where(known, total, np.nan)
        hue = mean - mean.mean(axis=1, keepdims=True)
        return np.concatenate([mean, hue[:, :2]], axis=1)


class Light(_ShortcutCheck):
    """Brightness, contrast, blur and colourfulness of the whole picture."""

    code = "M505"
    title = "Shortcut: light and quality"
    what = "light and sharpness"

    def features(self, view: View) -> Float[np.ndarray, "n k"] | None:
        """Five figures of the picture."""
        rows = [(f.brightness, f.contrast, f.chroma, f.blur) for f in view.train.facts]
        return np.array(rows)


_SOURCES: Final = frozenset({"source", "site", "camera", "website", "photographer", "dataset"})
