"""The model card of a run, in Markdown: what the model is for, what it saw, how good it is.

A view of the run's JSON document: it is never the source of a number. Law: every score stands with
its count and interval; names from the user's files cannot break out of their table cell.

Source: M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.reports.rendering import as_text, render_markdown


def model_card(run: Mapping[str, Any], *, language: str = "en") -> str:
    """The card of a run.

    Args:
        run: The document of `mien train`.
        language: Of the card, one of `words.LANGUAGES`.

    Raises:
        UserError: There are no cards in this language.
    """
    labels = [f"*{as_text(label)}*" for label in run["classes"]]
    return render_markdown("card.md", language=language, run=run, labels=labels)
