"""M701: apparent skin tone, measured from pixels, only when asked for."""

from __future__ import annotations

from collections import Counter

from mien.audits.findings import Check, Finding
from mien.audits.skin import CLASSES, skin_class
from mien.audits.view import View


class SkinTone(Check):
    """Individual typology angle of each face, in six classes from very light to dark."""

    code = "M701"
    title = "Apparent skin tone"
    severity = "low"

    def run(self, view: View) -> Finding:
        """Count the classes of apparent tone, class by class."""
        if not view.skin_tone:
            return self.skipped("measured only when asked for (--skin-tone)")
        rows = [
            (photo, fact.skin_angle)
            for photo, fact in zip(view.train.dataset.photos, view.train.facts, strict=True)
            if fact.skin_angle is not None
        ]
        if not rows:
            return self.not_applicable("no face was found to measure")
        names = [name for _, name in CLASSES]
        total = Counter(skin_class(angle) for _, angle in rows)
        table = {
            label: dict(Counter(skin_class(angle) for photo, angle in rows if photo.label == label))
            for label in view.train.dataset.classes
        }
        words = ", ".join(f"{name} {total[name]}" for name in names)
        return self.found(
            "hint" if min(total[n] for n in names) == 0 else "passed",
            f"Apparent skin tone of {len(rows)} faces as the camera recorded it: {words}. Light "
            "changes it; use it to balance light and dark, not to name anybody.",
            details={
                "per_class": table,
                "angle_degrees": {photo.name: angle for photo, angle in rows},
            },
        )
