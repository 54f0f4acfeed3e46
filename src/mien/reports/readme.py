"""The README of an export: what is in the folder, how to use it, and what was measured.

Knows nothing of parity but its records; the program in it is `mien.formats.snippet`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from mien.formats.catalogue import EXPORTERS
from mien.formats.parity import Parity
from mien.formats.snippet import PAGE, needs, snippet
from mien.image.preprocessing import CropFace, Preprocessing
from mien.model import Model
from mien.reports.rendering import render_markdown


def export_readme(
    model: Model,
    *,
    format: str,
    parities: Sequence[Parity],
    language: str = "en",
    card: str | None = None,
) -> str:
    """Write the README of an export.

    Args:
        model: What was exported.
        format: A key of `EXPORTERS`.
        parities: What was measured, and what could not be.
        language: Of the README, one of `words.LANGUAGES`.
        card: The model card in this language, where there is one.

    Raises:
        UserError: There are no READMEs in this language.
    """
    steps = Preprocessing.parse(model.preprocessing).steps
    in_browser = format in ("tfjs", "teachable-machine")
    return render_markdown(
        "readme.md",
        language=language,
        format=format,
        about=EXPORTERS[format].about,
        labels=model.labels,
        preprocessing=model.preprocessing,
        face=next((step for step in steps if isinstance(step, CropFace)), None),
        page=PAGE if in_browser else None,
        needs="" if in_browser else needs(model, format),
        program="" if in_browser else snippet(model, format),
        parities=parities,
        card=card,
        english_card=bool(model.card),
    )
