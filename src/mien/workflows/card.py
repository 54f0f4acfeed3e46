"""The model card of a run, filled from its record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.records import plain
from mien.reports import card

if TYPE_CHECKING:
    from mien.workflows.train_record import TrainRecord


def model_card(record: TrainRecord) -> str:
    """The card in Markdown."""
    return card.model_card(plain(record))
