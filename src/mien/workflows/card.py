"""The model card of a run, filled from its record alone.

The card inside the model file is English; of a run on the disk there is one in every language.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.records import plain
from mien.reports import card
from mien.workflows import runs
from mien.workflows.readable import readable

if TYPE_CHECKING:
    from mien.workflows.train_record import TrainRecord


def model_card(record: TrainRecord) -> str:
    """The card in Markdown."""
    return card.model_card(plain(record))


def card_of(run: Path, *, language: str) -> str:
    """The card of a run folder, in a language.

    Args:
        run: The folder.
        language: ``en`` or ``ko``.

    Raises:
        UserError: It is no run of this version, or there are no cards in this language.
    """
    with readable(run / runs.RECORD):
        return card.model_card(runs.read_run(run), language=language)
